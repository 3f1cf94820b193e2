// Holds all runs of this process, and those of an earlier one: starts them by way of the back end, grants GPUs and
// cores, picks up their ends.
#pragma once
#include "executor/accounts.hpp"
#include "executor/backend.hpp"
#include "executor/cgroup_remover.hpp"
#include "executor/cgroup_tree.hpp"
#include "executor/cpu_grants.hpp"
#include "executor/gpu_grants.hpp"
#include "executor/launch_plan.hpp"
#include "executor/loop.hpp"
#include "executor/messages.hpp"
#include "executor/options.hpp"
#include "executor/remover.hpp"
#include "executor/run.hpp"
#include "executor/spare_directories.hpp"
#include "executor/state_directory.hpp"
#include "executor/token_memory.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace rcq::executor {

class RunTable {
public:
    // Told of what happens to runs; called from inside the table, so it must not forget the run.
    struct Events {
        std::function<void(Run&)> ended;     // its report can follow its log; never for a forgotten run
        std::function<void(Run&)> log_grown; // its log has something to send
        std::function<void()> run_gone;      // one run less is alive, forgotten ones included
    };

    RunTable(uv_loop_t* loop, const Options& options, const StateDirectory& state,
             std::vector<std::string> inherited_environment, const CgroupTree& cgroups, Backend& backend,
             Remover& remover, SpareDirectories& spares);

    void set_events(Events events) { events_ = std::move(events); }

    // Runs of an earlier executor; before anything is started.
    void adopt(const std::vector<FoundRun>& found);
    // After that: what is left of runs that nobody knows.
    void remove_other_cgroups();

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

    // Which of the declared GPUs have a fault now, one for each.
    void set_faulty_gpus(const std::vector<bool>& faulty) { gpus_.set_faulty(faulty); }

    [[nodiscard]] Run* find(std::int64_t token);
    [[nodiscard]] std::vector<std::int64_t> tokens() const; // held, but for the forgotten ones
    [[nodiscard]] std::size_t held() const { return runs_.size(); }
    [[nodiscard]] int unfinished() const { return not_ended_; } // queued or running
    [[nodiscard]] bool any_alive() const { return running_ > 0; }
    [[nodiscard]] int count(RunState state) const;
    [[nodiscard]] int free_gpus() const { return gpus_.free_count(); }
    // Of those that are offered; nothing: runs are not bound to cores.
    [[nodiscard]] std::optional<int> free_cores() const {
        if (!cpus_.binds()) return std::nullopt;
        return std::max(0, options_.capacity.cpu_cores - static_cast<int>(cpus_.taken_count()));
    }

    void each_running(const std::function<void(Run&)>& f); // but for the forgotten ones
    // Of runs whose usage was not sent for `interval_ms`, at most `limit`; counts them as sent.
    std::vector<UsageReport> usage_due(std::int64_t interval_ms, std::size_t limit);

private:
    bool admit(std::int64_t job_id, std::int64_t token);
    void start_queued();
    void start_run(Run& run);
    void launch(Run& run, const Account* account, const Grants& grants);
    void not_started(Run& run, const std::string& message, bool lasting);
    void unstarted_over(Run& run);
    void put_back_queue(const std::string& fault);
    void collect_end(Run& run);
    void run_over(Run& run);
    void backend_ended(std::int64_t token);
    void give_back(const Grants& grants);

    const Options& options_;
    std::string runs_dir_;
    LaunchSettings settings_;
    const CgroupTree& cgroups_;
    Backend& backend_;
    Remover& remover_;
    SpareDirectories& spares_;
    Events events_;
    Accounts accounts_;
    CgroupRemover cgroup_remover_;
    GpuGrants gpus_;
    CpuGrants cpus_;
    TokenMemory ended_tokens_{100'000};
    std::unordered_map<std::int64_t, std::unique_ptr<Run>> runs_;
    std::deque<std::int64_t> queue_;
    std::vector<std::int64_t> to_collect_; // ended, but what they left cannot be read for now
    std::vector<std::int64_t> to_bury_;    // forgotten runs, freed outside their own calls
    int not_ended_ = 0;
    int running_ = 0;
    Timer queue_timer_;
    Timer collect_timer_;
    Timer burial_timer_;
};

} // namespace rcq::executor
