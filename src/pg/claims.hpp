// Commands are offered to their executor, and runs claimed by it.
#pragma once
#include "sync_answers.hpp"

namespace rcq::pg {

// Runs that an executor lists as its own.
class ListedTokens {
public:
    // Of argument i, a bigint[]; NULL: it lists nothing, which is another thing than listing no run.
    ListedTokens(FunctionCallInfo fcinfo, int i);
    bool listed() const { return listed_; }
    // Also when it cannot be told, because the list has a NULL.
    bool contains(int64 token) const { return has_null_ || tokens_.count(token) > 0; }
    const std::unordered_set<int64>& all() const { return tokens_; }

private:
    bool listed_;
    bool has_null_ = false;
    std::unordered_set<int64> tokens_;
};

struct SyncCaller {
    int32 executor = 0;
    int64 incarnation = 0;
    int64 acked_seq = 0;
};

// Gives up the claimed runs of the caller that it does not list, unless this very process claimed them and has not
// acknowledged the command: then the answer was lost on the way and they are offered again. Answers `kill` for what it
// lists and nobody knows of; reported: tokens of runs that this call reports.
void reconcile(const SyncCaller& caller, const ListedTokens& listed, const std::unordered_set<int64>& reported,
               SyncAnswers& answers);

// Answers commands in their order, as far as there is room for new runs: starts of the runs that are claimed now, or
// that this process has claimed and not acknowledged, then cancels, then how far that acknowledges: up to the first
// start that is left out. A run is claimed by writing its job's row; one that somebody else holds is left out, and so
// offered again. Starts are claimed in their order until about 64 MiB of payloads are reached.
void offer_commands(const SyncCaller& caller, const ListedTokens& listed, int room, SyncAnswers& answers);

} // namespace rcq::pg
