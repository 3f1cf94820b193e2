// Hands runs to Slurm, each as a job of its own that does nothing but start rcq-supervisor with the run's directory,
// which must lie on a file system that the nodes share. From there on the directory tells what happens, as on this
// host; only that the end of a supervisor is Slurm's to tell, in one list of all jobs about once a second.
//
// When slurmctld is away, runs go on, are followed by their directories, and nothing is concluded from the silence.
// What Slurm may do to a job is met in SlurmRun; that a run begins at most once, by the directory `started`.
#pragma once
#include "executor/backend.hpp"
#include "executor/loop.hpp"
#include "executor/slurm_clients.hpp"
#include "executor/slurm_follow.hpp"
#include "executor/slurm_watch.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace rcq::executor {

class SlurmBackend : public Backend {
public:
    SlurmBackend(uv_loop_t* loop, SlurmSite site);

    void set_events(Events events) override { events_ = std::move(events); }
    void start(const RunPlace& place, const rundir::Launch& launch, int lock_fd) override;
    void adopt(const RunPlace& place, const rundir::Launch& launch) override;
    void terminate(std::int64_t token) override;
    void kill(std::int64_t token) override;

private:
    // A job in Slurm whose run has ended: removed there when it does not go by itself.
    struct Leftover {
        std::int64_t cancel_after_ms = 0;
        int missing = 0; // lists in a row that did not have it
    };
    using Listed = std::unordered_map<std::int64_t, std::vector<SlurmJob>>; // by token

    SlurmRun& add(const RunPlace& place, const rundir::Launch& launch);
    void intend(std::int64_t token, RunIntent intent);
    void wake();
    void attend();
    void tick();
    void looked(const SlurmWatch::Found& found);
    void listed(const std::string& output, std::int64_t asked_ms);
    void match(SlurmRun& run, const std::vector<SlurmJob>& jobs, std::int64_t asked_ms);
    void clear_leftovers(const Listed& jobs);
    void advance(std::int64_t token);
    void take(SlurmRun& run, const SlurmRun::Step& step); // may end the run
    void hand_over(SlurmRun& run);
    void submitted(std::int64_t token, const ProgramEnd& end);
    static void write_end(const SlurmRun& run, rundir::End end);
    void finish(SlurmRun& run, std::int64_t leave_ms);
    void cancel(std::int64_t id, std::int64_t token, SlurmSignal signal);
    static void remember(const SlurmRun& run, std::int64_t id);

    SlurmSite site_;
    Events events_;
    SlurmClients clients_;
    SlurmWatch watch_;
    std::unordered_map<std::int64_t, std::unique_ptr<SlurmRun>> runs_;
    std::unordered_map<std::int64_t, Leftover> leftovers_;
    std::unordered_set<std::int64_t> attention_; // to be advanced in the next turn of the loop
    Timer attention_timer_;
    Timer tick_timer_;
};

} // namespace rcq::executor
