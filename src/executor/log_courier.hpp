// Carries log chunks of all runs to the database: gathers batches, remembers what is under way.
#pragma once
#include "executor/messages.hpp"
#include "executor/supervisor.hpp"

#include <cstdint>
#include <deque>
#include <unordered_set>
#include <utility>
#include <vector>

namespace rcq::executor {

class LogCourier {
public:
    explicit LogCourier(Supervisor& supervisor) : supervisor_(supervisor) {}

    // The run has chunks to send. `urgent`: it has ended and its report waits for them.
    void note(Run& run, std::int64_t now_ms, bool urgent);

    // When the next batch is due (loop time), INT64_MAX when nothing waits.
    [[nodiscard]] std::int64_t due_ms() const { return waiting_.empty() ? INT64_MAX : due_ms_; }

    // Chunks of at most 256 kB together, runs taking turns; empty when nothing waits.
    LogBatch next_batch();

    // The batch under way has arrived; `stale` runs lose what is left. Answers the ended runs whose log is now
    // complete.
    std::vector<std::int64_t> answered(const std::vector<std::int64_t>& stale, std::int64_t now_ms);

    // The batch under way is lost with its connection and will be sent again.
    void lost() { under_way_.clear(); }

    // The server called the batch malformed: from now on one chunk at a time, and the one that is refused alone is
    // dropped. Answers as answered().
    std::vector<std::int64_t> refused(std::int64_t now_ms);

private:
    std::vector<std::int64_t> settle(std::int64_t now_ms);

    Supervisor& supervisor_;
    std::deque<std::int64_t> waiting_; // tokens in the order of their turn
    std::unordered_set<std::int64_t> listed_;
    std::vector<std::pair<std::int64_t, std::size_t>> under_way_; // token, chunks
    std::int64_t due_ms_ = 0;
    int one_by_one_ = 0; // batches of one chunk that are still to come
};

} // namespace rcq::executor
