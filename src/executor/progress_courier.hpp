// Carries what runs say of how far they are to the database: of each run the latest, at most once a second.
#pragma once
#include "executor/loop.hpp"
#include "executor/messages.hpp"
#include "executor/progress_watch.hpp"
#include "executor/run_table.hpp"

#include <cstdint>
#include <functional>
#include <unordered_set>
#include <vector>

namespace rcq::executor {

class ProgressCourier {
public:
    // `shared`: the directories of runs lie on a file system that is shared. `due` is called when there is something to
    // send.
    ProgressCourier(uv_loop_t* loop, RunTable& runs, bool shared, std::function<void()> due);

    // From now on runs are looked at once a second, until none goes on any more.
    void watch();
    // The server does not want to know.
    void stop();
    // It may be another server, and know less: everything is sent again.
    void send_again();

    // Whether a batch should be sent now.
    [[nodiscard]] bool due() const { return due_; }
    // What waits, of 1,000 runs at most; may be empty.
    ProgressBatch next_batch();
    // The batch under way has arrived.
    void answered();
    // The batch under way has not: it is sent again with what is new, a second later at the earliest.
    void lost();

private:
    void look();
    void found(const ProgressWatch::Found& changed);

    RunTable& runs_;
    std::function<void()> wanted_;
    std::unordered_set<std::int64_t> waiting_; // tokens
    std::vector<std::int64_t> under_way_;
    bool due_ = false;
    bool stopped_ = false;
    ProgressWatch watch_;
    Timer timer_;
};

} // namespace rcq::executor
