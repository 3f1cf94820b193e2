#include "executor/executor.hpp"

#include "executor/controller.hpp"
#include "executor/logging.hpp"
#include "executor/loop.hpp"
#include "executor/remover.hpp"
#include "executor/state_directory.hpp"
#include "executor/supervisor.hpp"

#include <csignal>
#include <memory>
#include <optional>

namespace rcq::executor {

namespace {

constexpr std::uint64_t sweep_ms = 3'600'000;

// Everything that lives on the loop, in the order of its making.
class Executor {
public:
    Executor(uv_loop_t* loop, const Options& options, std::vector<std::string> inherited)
        : loop_(loop), options_(options), state_(options.state_dir), remover_(loop), spawner_(options.workdir_allow),
          supervisor_(loop, options, state_.runs_dir(), std::move(inherited), spawner_, remover_),
          controller_(loop, options, supervisor_, [this](int code) { finish(code); }),
          sweep_timer_(loop, [this] { sweep(); }) {}

    void start() {
        state_.clean_up_after_predecessor(remover_);
        child_.emplace(loop_, SIGCHLD, [this] { supervisor_.reap(); });
        terminate_.emplace(loop_, SIGTERM, [this] { controller_.stop_requested(); });
        interrupt_.emplace(loop_, SIGINT, [this] { controller_.stop_requested(); });
        spawner_.note_signals();
        sweep_timer_.start(1000, sweep_ms);
        controller_.start();
    }

    [[nodiscard]] std::optional<int> exit_code() const { return exit_code_; }

private:
    void finish(int code) {
        exit_code_ = code;
        remover_.finish();
        uv_stop(loop_);
    }

    void sweep() {
        auto expired = find_expired(state_.runs_dir(), options_.keep_outputs_days * 86400,
                                    [this](const std::string& name) { return supervisor_.directory_in_use(name); });
        if (!expired.empty()) spdlog::info("event=sweep directories={}", expired.size());
        for (std::string& directory : expired) remover_.remove(std::move(directory));
    }

    uv_loop_t* loop_;
    const Options& options_;
    StateDirectory state_;
    Remover remover_;
    Spawner spawner_;
    Supervisor supervisor_;
    Controller controller_;
    Timer sweep_timer_;
    std::optional<Signal> child_;
    std::optional<Signal> terminate_;
    std::optional<Signal> interrupt_;
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
