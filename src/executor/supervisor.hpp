// Holds all runs of this process: starts them, reaps their processes, samples their memory, kills their trees.
#pragma once
#include "executor/gpu_grants.hpp"
#include "executor/options.hpp"
#include "executor/process.hpp"
#include "executor/process_table.hpp"
#include "executor/remover.hpp"
#include "executor/run.hpp"
#include "executor/token_memory.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace rcq::executor {

class Supervisor : public RunHost {
public:
    // Told of what happens to runs; called from inside the run, so it must not destroy it.
    struct Events {
        std::function<void(Run&)> ended;     // its report can follow its log; never for a forgotten run
        std::function<void(Run&)> log_grown; // its outbox has something to send
        std::function<void()> process_gone;  // one run less is alive, forgotten ones included
    };

    Supervisor(uv_loop_t* loop, const Options& options, std::string runs_dir,
               std::vector<std::string> inherited_environment, Spawner& spawner, Remover& remover);

    void set_events(Events events) { events_ = std::move(events); }

    // Ignored when the token is or was held.
    void start(std::int64_t job_id, std::int64_t token, JobSpec spec);
    // A start whose specification makes no sense: the run ends as spawn_error.
    void refuse(std::int64_t job_id, std::int64_t token, const std::string& message);
    void cancel(std::int64_t token);
    void cancel_all(const std::string& message);
    void kill_and_forget(std::int64_t token);
    void kill_all_and_forget();
    // The end was answered: its directory is tidied, its token remembered.
    void forget(std::int64_t token);

    // SIGCHLD.
    void reap();

    // The server has heard from us at `sent_ms` (boottime); runs that asked for it are ended when nothing follows for
    // `limit_ms`.
    void note_contact(std::int64_t sent_ms, std::int64_t limit_ms);

    [[nodiscard]] Run* find(std::int64_t token);
    [[nodiscard]] std::vector<std::int64_t> tokens() const; // held, but for the forgotten ones
    [[nodiscard]] std::size_t held() const { return runs_.size(); }
    [[nodiscard]] int running() const { return not_ended_; } // queued, running or draining
    [[nodiscard]] bool any_alive() const { return alive_count() > 0; }
    [[nodiscard]] bool directory_in_use(const std::string& name) const;
    // Runs whose usage was not sent for `interval_ms`, at most `limit`; counts them as sent.
    std::vector<Run*> usage_due(std::int64_t interval_ms, std::size_t limit);

    uv_loop_t* loop() override { return loop_; }
    const Options& options() override { return options_; }
    Spawner& spawner() override { return spawner_; }
    LogMemory& log_memory() override { return log_memory_; }
    const std::string& runs_dir() override { return runs_dir_; }
    const std::string& boot() override { return boot_; }
    const std::vector<std::string>& inherited_environment() override { return inherited_environment_; }
    void signal_tree(Run& run, int signal) override;
    bool kill_left_behind(Run& run) override;
    void run_log_grown(Run& run) override;
    void run_ended(Run& run) override;

private:
    bool admit(std::int64_t job_id, std::int64_t token);
    void start_queued();
    void tick();
    void end_runs_without_contact();
    void sample(Run& run, const std::vector<const ProcessInfo*>& members);
    void bury(Run& run);
    [[nodiscard]] std::size_t alive_count() const { return by_leader_.size() + draining_.size(); }
    [[nodiscard]] std::vector<Ownership::Run> living() const;

    uv_loop_t* loop_;
    const Options& options_;
    std::string runs_dir_;
    std::string boot_;
    std::vector<std::string> inherited_environment_;
    Spawner& spawner_;
    Remover& remover_;
    Events events_;
    LogMemory log_memory_;
    GpuGrants gpus_;
    TokenMemory ended_tokens_{100'000};
    Ownership ownership_;
    std::unordered_map<std::int64_t, std::unique_ptr<Run>> runs_;
    std::unordered_map<pid_t, Run*> by_leader_;
    std::unordered_map<std::int64_t, Run*> draining_;
    std::deque<std::int64_t> queue_;
    std::vector<std::unique_ptr<Run>> buried_; // forgotten runs, freed outside their own calls
    std::int64_t contact_ms_;
    std::int64_t contact_limit_ms_ = 0;
    int not_ended_ = 0;
    int idle_ticks_ = 0;
    Timer queue_timer_;
    Timer tick_timer_;
    Timer burial_timer_;
};

} // namespace rcq::executor
