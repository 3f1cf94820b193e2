// Runs under supervisors on this host: has one forked for each, learns of its death, follows the log, and ends
// what a supervisor left behind that died itself.
#pragma once
#include "executor/backend.hpp"
#include "executor/log_watch.hpp"
#include "executor/loop.hpp"
#include "executor/nursery.hpp"
#include "executor/process_snapshot.hpp"

#include <cstdint>
#include <memory>
#include <optional>
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
        uid_t user = 0; // of its job
        std::int64_t grace_ms = 0;
        std::int64_t hook_ms = 0; // the longest that its epilog may take
        bool before_boot = false; // started before the host was: nothing of it can be alive
        pid_t supervisor = 0;     // 0: not known yet
        bool child = false;
        int pidfd = -1;
        std::unique_ptr<Poll> poll;
        int wanted_signal = 0;     // for a supervisor that is not known yet, or has no pidfd
        std::int64_t stuck_ms = 0; // it was asked to end: from then on it is killed if it is stopped; 0: not asked
        std::int64_t late_ms = 0;  // from then on it is killed in any case
        std::int64_t lost_ms = 0;  // since when what it left behind is being killed; 0: it lives
    };

    Watched& note(const RunPlace& place, const rundir::Launch& launch);
    void born(std::int64_t token, pid_t pid);
    void not_born(std::int64_t token, int error);
    void reap();
    void look_for_children();
    void supervisor_gone(Watched& run);
    bool watch_adopted(Watched& run, std::optional<ProcessSnapshot>& snapshot);
    bool watch_supervisor(Watched& run, pid_t supervisor);
    bool clear_leftovers(const Watched& run, std::optional<ProcessSnapshot>& snapshot);
    bool settled(Watched& run, std::optional<ProcessSnapshot>& snapshot);
    void unsettle(std::int64_t token);
    void look_after_unsettled();
    void look_after_asked();
    void finish(std::int64_t token);
    void ask_to_end(std::int64_t token, int number, std::int64_t within_ms);
    static void send(const Watched& run, int number);
    [[nodiscard]] Watched* find(std::int64_t token);

    uv_loop_t* loop_;
    int most_pidfds_; // the greatest one that is kept; the other descriptors are for files and connections
    Events events_;
    std::unordered_map<std::int64_t, Watched> runs_;
    std::unordered_map<pid_t, std::int64_t> children_;
    std::vector<std::int64_t> unsettled_; // adopted without a pidfd, asked for in vain, or lost and not cleared
    std::uint64_t unsettled_pause_ms_ = 0;
    std::vector<std::int64_t> asked_; // to end
    LogWatch watch_;
    Timer unsettled_timer_;
    Timer asked_timer_;
    Signal child_signal_;
    Nursery nursery_;
};

} // namespace rcq::executor
