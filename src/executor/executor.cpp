#include "executor/executor.hpp"

#include "executor/cgroup_tree.hpp"
#include "executor/controller.hpp"
#include "executor/host_watch.hpp"
#include "executor/kept_sweep.hpp"
#include "executor/logging.hpp"
#include "executor/loop.hpp"
#include "executor/process_backend.hpp"
#include "executor/remover.hpp"
#include "executor/run_table.hpp"
#include "executor/slurm_backend.hpp"
#include "executor/slurm_partition.hpp"
#include "executor/spare_directories.hpp"
#include "executor/state_directory.hpp"
#include "executor/status_report.hpp"

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <unistd.h>

namespace rcq::executor {

namespace {

std::unique_ptr<Backend> make_backend(uv_loop_t* loop, const Options& options) {
    if (options.backend == "slurm") return std::make_unique<SlurmBackend>(loop, slurm_site(options));
    return std::make_unique<ProcessBackend>(loop, options.supervisor_program);
}

// Other hosts, which run what a cluster is handed, may remember a file as it was.
std::size_t most_spares(const Options& options) {
    constexpr int most = 256;
    return options.backend == "slurm" ? 0 : static_cast<std::size_t>(std::clamp(options.max_runs, 0, most));
}

// Everything that lives on the loop, in the order of its making.
class Executor {
public:
    Executor(uv_loop_t* loop, const Options& options, std::vector<std::string> inherited)
        : state_(options.state_dir, geteuid() == 0), cgroups_(options.cgroup, state_.id()), remover_(loop),
          spares_(state_.spare_dir(), most_spares(options), remover_),
          sweep_(loop, state_.kept_dir(), options.keep_outputs_days * 86400, remover_),
          backend_(make_backend(loop, options)),
          runs_(loop, options, state_, std::move(inherited), cgroups_, *backend_, remover_, spares_),
          controller_(loop, options, runs_, state_.contact_file(),
                      [this](int code, bool runs_left) { finish(code, runs_left); }),
          host_watch_(loop, options,
                      {[this](std::optional<std::string> reason) { controller_.host_fault(std::move(reason)); },
                       [this](const std::vector<bool>& faulty) { runs_.set_faulty_gpus(faulty); }}),
          status_file_(loop, options.status_file, [this] { return controller_.status(); }),
          terminate_(loop, SIGTERM, [this] { controller_.stop_requested(); }),
          interrupt_(loop, SIGINT, [this] { controller_.stop_requested(); }),
          hand_over_(loop, SIGUSR1, [this] { controller_.hand_over(); }), loop_(loop) {}

    void start() {
        spdlog::info("event=containment {}", cgroups_.describe());
        runs_.adopt(state_.find_runs(remover_));
        runs_.remove_other_cgroups();
        sweep_.start();
        controller_.set_changed([this] { status_file_.changed(); });
        status_file_.start();
        host_watch_.start();
        controller_.start();
    }

    [[nodiscard]] std::optional<int> exit_code() const { return exit_code_; }

private:
    // Somebody waits for us to go when the runs are left: what is still to be removed goes with the next sweep.
    void finish(int code, bool runs_left) {
        exit_code_ = code;
        if (!runs_left) {
            spares_.clear();
            remover_.finish();
        }
        uv_stop(loop_);
    }

    StateDirectory state_;
    CgroupTree cgroups_;
    Remover remover_;
    SpareDirectories spares_;
    KeptSweep sweep_;
    std::unique_ptr<Backend> backend_;
    RunTable runs_;
    Controller controller_;
    HostWatch host_watch_;
    StatusFile status_file_;
    Signal terminate_;
    Signal interrupt_;
    Signal hand_over_;
    uv_loop_t* loop_;
    std::optional<int> exit_code_;
};

} // namespace

int run_executor(const Options& options, std::vector<std::string> inherited) {
    uv_loop_t loop;
    uv_loop_init(&loop);
    int code = 1;
    try {
        Executor executor(&loop, options, std::move(inherited));
        executor.start();
        while (!executor.exit_code()) uv_run(&loop, UV_RUN_DEFAULT);
        code = *executor.exit_code();
    } catch (...) {
        uv_run(&loop, UV_RUN_DEFAULT); // lets the handles be closed
        uv_loop_close(&loop);
        throw;
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    spdlog::info("event=exit code={}", code);
    return code;
}

} // namespace rcq::executor
