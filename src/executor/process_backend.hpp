// Runs under supervisors on this host: starts rcq-supervisor for each, learns of its death, follows the log, and ends
// what a supervisor left behind that died itself.
#pragma once
#include "executor/backend.hpp"
#include "executor/log_watch.hpp"
#include "executor/loop.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

namespace rcq::executor {

class ProcessBackend : public Backend {
public:
    // `supervisor_program` is the path of rcq-supervisor.
    ProcessBackend(uv_loop_t* loop, std::string supervisor_program);
    ~ProcessBackend() override;

    void set_events(Events events) override { events_ = std::move(events); }
    void start(const RunPlace& place, const rundir::Launch& launch, int lock_fd) override;
    void adopt(const RunPlace& place, const rundir::Launch& launch) override;
    void terminate(std::int64_t token) override;
    void kill(std::int64_t token) override;

private:
    struct Watched {
        RunPlace place;
        std::string cgroup;
        pid_t supervisor = 0; // our child; 0: adopted
        int pidfd = -1;       // of an adopted one
        std::unique_ptr<Poll> poll;
        int wanted_signal = 0;    // for a supervisor that is not known yet
        std::int64_t lost_ms = 0; // since when what it left behind is being killed; 0: it lives
    };

    void reap();
    void look_for_children();
    void supervisor_gone(Watched& run);
    bool watch_adopted(Watched& run);
    bool clear_leftovers(const Watched& run);
    void look_after_adopted();
    void finish(std::int64_t token);
    void signal(std::int64_t token, int number);
    [[nodiscard]] Watched* find(std::int64_t token);

    uv_loop_t* loop_;
    std::string program_;
    int most_pidfds_;
    Events events_;
    std::unordered_map<std::int64_t, Watched> runs_;
    std::unordered_map<pid_t, std::int64_t> children_;
    std::vector<std::int64_t> unsettled_; // adopted without a pidfd, or lost and not cleared
    LogWatch watch_;
    Timer unsettled_timer_;
    Signal child_signal_;
};

} // namespace rcq::executor
