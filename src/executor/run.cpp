#include "executor/run.hpp"

#include "executor/clock.hpp"
#include "executor/job_environment.hpp"
#include "executor/logging.hpp"
#include "executor/options.hpp"
#include "executor/process.hpp"
#include "executor/process_table.hpp"
#include "executor/run_result.hpp"
#include "protocol/words.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <exception>
#include <sys/wait.h>

namespace rcq::executor {

namespace {

constexpr std::uint64_t kill_again_ms = 100;
constexpr std::uint64_t drain_again_ms = 20;
constexpr std::int64_t drain_limit_ms = 1000;

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

std::string join(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text.empty() ? "nothing" : text;
}

} // namespace

Run::Run(RunHost& host, std::int64_t job_id, std::int64_t token, JobSpec spec)
    : host_(host), job_id_(job_id), token_(token), spec_(std::move(spec)),
      directory_(host.runs_dir(), job_id, spec_.attempt, token),
      log_(
          host.loop(), host.log_memory(), directory_.log_path(), [this] { host_.run_log_grown(*this); },
          [this] {
              if (state_ == RunState::draining) drain();
          }) {
    if (has_interpreter_line(spec_.script)) interpreter_line_ = spec_.script.substr(2, spec_.script.find('\n') - 2);
}

void Run::start(std::vector<int> gpus) {
    gpus_ = std::move(gpus);
    if (spec_.workdir && !spec_.workdir->starts_with('/')) {
        return refuse("workdir \"" + *spec_.workdir + "\" is not an absolute path");
    }
    // A path that only resolves to an allowed one is looked at in the child, where a slow file system stops nobody
    // else.
    if (spec_.workdir && host_.options().workdir_allow.empty()) {
        return refuse("workdir \"" + *spec_.workdir + "\" is not allowed here: the executor has no --workdir-allow");
    }
    try {
        launch();
    } catch (const std::exception& error) {
        if (leader_ == 0) return refuse(error.what());
        intended_kind_ = protocol::run_end::spawn_error; // the process is there, but its pipes are not watched
        intended_message_ = error.what();
        ::kill(leader_, SIGKILL);
    }
}

void Run::launch() {
    directory_.create(spec_.script, spec_.payload);
    auto [out, err] = log_.open_pipes();
    JobEnvironmentInput input{job_id_,
                              &spec_,
                              directory_.path(),
                              directory_.output_path(),
                              gpus_,
                              directory_.payload_path(),
                              directory_.result_path(),
                              host_.options().program_dir};
    SpawnRequest request;
    request.token = token_;
    if (interpreter_line_.empty()) request.arguments.emplace_back("/bin/sh");
    request.arguments.push_back(directory_.script_path());
    request.environment = job_environment(input, host_.inherited_environment());
    request.workdir = spec_.workdir.value_or(directory_.path());
    request.workdir_checked = spec_.workdir.has_value();
    request.stdout_fd = out;
    request.stderr_fd = err;
    leader_ = host_.spawner().spawn(request);
    state_ = RunState::running;
    usage_sent_ms = boottime_ms();
    log_.start();
    rusage own{};
    getrusage(RUSAGE_SELF, &own);
    own_kib_at_start_ = own.ru_maxrss;
    auto process = read_process(leader_);
    directory_.write_pid(leader_, process ? process->start_ticks : 0, host_.boot());
    spdlog::info("event=run_started job={} attempt={} token={} pid={}", job_id_, spec_.attempt, token_, leader_);
    spec_.script = {};
    spec_.env = {};
    spec_.payload.reset();
    if (spec_.time_limit_s) {
        limit_timer_.emplace(host_.loop(), [this] {
            terminate(protocol::run_end::timeout, fmt::format("time limit of {} s reached", *spec_.time_limit_s));
        });
        limit_timer_->start(static_cast<std::uint64_t>(*spec_.time_limit_s * 1000));
    }
}

void Run::refuse(const std::string& message) {
    end_.kind = protocol::run_end::spawn_error;
    end_.message = message;
    finish();
}

void Run::signalled(std::string_view kind, const std::string& message) {
    if (intended_kind_.empty()) {
        intended_kind_ = kind;
        intended_message_ = message;
    }
}

void Run::terminate(std::string_view kind, const std::string& message) {
    if (state_ == RunState::queued) {
        end_.kind = kind;
        end_.message = message;
        return finish();
    }
    if (state_ != RunState::running || !intended_kind_.empty()) return;
    signalled(kind, message);
    spdlog::info("event=run_terminating job={} token={} end={} message={}", job_id_, token_, kind, quoted(message));
    kill_timer_.emplace(host_.loop(), [this] { keep_killing(); });
    kill_timer_->start(static_cast<std::uint64_t>(host_.options().kill_grace_s * 1000));
    host_.signal_tree(*this, SIGTERM);
}

void Run::kill(std::string_view kind, const std::string& message) {
    if (state_ == RunState::queued) return terminate(kind, message);
    if (state_ != RunState::running) return;
    signalled(kind, message);
    spdlog::info("event=run_killing job={} token={} end={} message={}", job_id_, token_, kind, quoted(message));
    kill_timer_.emplace(host_.loop(), [this] { keep_killing(); });
    keep_killing();
}

void Run::kill_and_forget() {
    if (forgotten_) return;
    forgotten_ = true;
    log_.outbox().drop();
    if (state_ == RunState::ended) return host_.run_ended(*this);
    kill(protocol::run_end::cancelled, "the server does not know this run");
}

// A process that forks while the tree is listed can be missed: again until the first process is gone.
void Run::keep_killing() {
    if (state_ != RunState::running) return;
    kill_timer_->start(kill_again_ms);
    host_.signal_tree(*this, SIGKILL);
}

void Run::leader_exited(int status, const rusage& usage) {
    state_ = RunState::draining;
    status_ = status;
    limit_timer_.reset();
    kill_timer_.reset();
    cpu_seconds_ = std::max(cpu_seconds_, seconds(usage.ru_utime) + seconds(usage.ru_stime));
    // The kernel counts what the child was between fork and exec, a copy of this process: up to there it says nothing.
    if (usage.ru_maxrss > own_kib_at_start_) peak_kib_ = std::max<std::int64_t>(peak_kib_, usage.ru_maxrss);
    end_.ended_at_ms = boottime_ms();
    drain_deadline_ms_ = end_.ended_at_ms + drain_limit_ms;
    drain();
}

void Run::drain() {
    log_.drain_now();
    bool left = host_.kill_left_behind(*this);
    if ((!left && log_.at_end()) || boottime_ms() >= drain_deadline_ms_) return finish();
    if (!drain_timer_) drain_timer_.emplace(host_.loop(), [this] { drain(); });
    drain_timer_->start(drain_again_ms);
}

void Run::sample(std::int64_t memory_kib, double cpu_seconds, bool outside_session) {
    outside_members_ = outside_session;
    cpu_seconds_ = std::max(cpu_seconds_, cpu_seconds);
    peak_kib_ = std::max(peak_kib_, memory_kib);
    if (state_ == RunState::running && spec_.memory_mib > 0 && memory_kib > spec_.memory_mib * 1024) {
        kill(protocol::run_end::oom,
             fmt::format("memory limit reached: {} MiB used, {} MiB granted", memory_kib / 1024, spec_.memory_mib));
    }
}

std::string Run::spawn_failure_text(int stage, int error) const {
    const std::string reason = std::strerror(error);
    const std::string workdir = spec_.workdir.value_or(directory_.path());
    switch (static_cast<SpawnStage>(stage)) {
    case SpawnStage::chdir:
        return "cannot enter workdir \"" + workdir + "\": " + reason;
    case SpawnStage::outside:
        return "workdir \"" + workdir + "\" is not allowed here: --workdir-allow lists " +
               join(host_.options().workdir_allow);
    case SpawnStage::exec:
        if (interpreter_line_.empty()) return "cannot execute \"/bin/sh\": " + reason;
        return "cannot execute \"" + directory_.script_path() + "\" with interpreter \"" + interpreter_line_ +
               "\": " + reason;
    case SpawnStage::setup:
        break;
    }
    return "cannot set up the process: " + reason;
}

void Run::describe_end() {
    if (auto failure = host_.spawner().take_failure(token_)) {
        end_.kind = protocol::run_end::spawn_error;
        end_.message = spawn_failure_text(static_cast<int>(failure->stage), failure->error);
        return;
    }
    if (WIFEXITED(status_)) end_.exit_code = WEXITSTATUS(status_);
    if (WIFSIGNALED(status_)) end_.signal = WTERMSIG(status_);
    if (!intended_kind_.empty()) {
        end_.kind = intended_kind_;
        end_.message = intended_message_;
    } else if (end_.exit_code) {
        end_.kind = protocol::run_end::exit_code;
        if (*end_.exit_code == 0 && !forgotten_) check_result();
    } else {
        end_.kind = protocol::run_end::signal;
        end_.message = std::string("killed by signal ") + std::to_string(*end_.signal) + " (" +
                       strsignal(*end_.signal) + ")"; // NOLINT(concurrency-mt-unsafe): one thread
    }
}

void Run::check_result() {
    const ResultCheck result = executor::check_result(directory_.result_path());
    end_.result_bytes = result.bytes;
    if (result.fault.empty()) return;
    end_.kind = protocol::run_end::bad_result;
    end_.message = result.fault;
}

void Run::finish() {
    limit_timer_.reset();
    kill_timer_.reset();
    drain_timer_.reset();
    log_.abandon();
    if (leader_ > 0) describe_end();
    if (end_.ended_at_ms == 0) end_.ended_at_ms = boottime_ms();
    end_.cpu_seconds = cpu_seconds_;
    end_.peak_memory_mib = peak_memory_mib();
    log_.finish(host_.options().hostname);
    if (leader_ > 0) end_.outputs = directory_.collect_outputs();
    if (forgotten_) log_.outbox().drop();
    state_ = RunState::ended;
    spec_.script = {};
    spec_.env = {};
    spec_.payload.reset();
    spdlog::info("event=run_ended job={} token={} end={} exit_code={} signal={} cpu_s={:.3f} peak_mib={} message={}",
                 job_id_, token_, end_.kind, end_.exit_code.value_or(-1), end_.signal.value_or(0), end_.cpu_seconds,
                 end_.peak_memory_mib, quoted(end_.message));
    host_.run_ended(*this);
}

} // namespace rcq::executor
