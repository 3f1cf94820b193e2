// Carries log chunks of all runs to the database: gathers batches, remembers which runs have some under way.
#pragma once
#include "executor/messages.hpp"
#include "executor/run_table.hpp"

#include <cstdint>
#include <deque>
#include <unordered_set>
#include <vector>

namespace rcq::executor {

class LogCourier {
public:
    explicit LogCourier(RunTable& runs) : runs_(runs) {}

    // The run may have something to send. `urgent`: it has ended and its report waits for that.
    void note(Run& run, std::int64_t now_ms, bool urgent);

    // When the next batch is due (loop time), INT64_MAX when nothing waits.
    [[nodiscard]] std::int64_t due_ms() const { return waiting_.empty() ? INT64_MAX : due_ms_; }

    // Chunks of at most 256 kB together, runs taking turns; empty when it turns out that nothing waits.
    LogBatch next_batch();

    // The batch under way has arrived; `stale` runs lose what is left. Answers the ended runs whose log is now
    // complete.
    std::vector<std::int64_t> answered(const std::vector<std::int64_t>& stale, std::int64_t now_ms);

    // The batch under way is lost with its connection and will be sent again.
    void lost();

    // The server called the batch malformed: from now on one chunk at a time, and of the one that is refused alone
    // only its size is sent. Answers as answered().
    std::vector<std::int64_t> refused(std::int64_t now_ms);

private:
    void list(std::int64_t token);
    std::vector<std::int64_t> settle(std::int64_t now_ms);

    RunTable& runs_;
    std::deque<std::int64_t> waiting_; // tokens in the order of their turn
    std::unordered_set<std::int64_t> listed_;
    std::vector<std::int64_t> under_way_; // tokens of the batch, also those that turned out to have nothing
    std::int64_t due_ms_ = 0;
    bool full_ = false;  // more waits than the batch took
    int one_by_one_ = 0; // batches of one chunk that are still to come
};

} // namespace rcq::executor
