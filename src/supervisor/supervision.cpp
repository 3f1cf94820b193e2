#include "supervisor/supervision.hpp"

#include "protocol/words.hpp"
#include "rundir/paths.hpp"
#include "supervisor/descendants.hpp"
#include "supervisor/run_files.hpp"
#include "supervisor/signals.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rcq::supervisor {

namespace {

constexpr std::int64_t tick_ms = 1000;
constexpr std::int64_t watched_tick_ms = 250; // when a job that no cgroup bounds has used half of its memory
constexpr std::int64_t drain_limit_ms = 1000;
constexpr std::int64_t longest_kill_pause_ms = 20;
// What SIGKILL does not end in this time hangs in the kernel, for example in a file system whose server is gone.
constexpr std::int64_t unkillable_after_ms = 60'000;

std::string in_seconds(std::int64_t ms) {
    if (ms % 1000 == 0) return std::to_string(ms / 1000) + " s";
    return std::to_string(ms) + " ms";
}

std::string signal_text(int signal) {
    return "killed by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
}

} // namespace

Supervision::Supervision(int directory, rundir::Launch launch, int signals)
    : directory_(directory), launch_(std::move(launch)), signals_(signals), cgroup_(launch_.cgroup),
      usage_(cgroup_, launch_.cgroup_memory && cgroup_.is_open()),
      log_(directory, launch_.log_limit, launch_.switch_user ? std::optional(launch_.uid) : std::nullopt),
      contact_(launch_.contact_file, launch_.kill_grace_ms), quota_(directory, launch_.quota_mib) {}

rundir::End Supervision::run() {
    if (!launch_.prolog.empty()) {
        write_status();
        run_hook(Phase::prolog, launch_.prolog);
    }
    if (!reason_kind_.empty()) {
        end_.kind = reason_kind_;
        end_.message = reason_message_;
    } else if (end_.host_fault.empty()) {
        run_job();
    } else {
        end_.kind = protocol::run_end::not_started;
        end_.message = end_.host_fault;
    }
    if (ended_ms_ == 0) ended_ms_ = rundir::boottime_ms();
    end_.ended_ms = ended_ms_;
    if (!launch_.epilog.empty()) run_hook(Phase::epilog, launch_.epilog);
    log_.finish();
    cgroup_.remove();
    end_.log_dropped = log_.dropped();
    end_.boot = rundir::boot_id();
    return end_;
}

void Supervision::run_job() {
    ChildPlan plan;
    plan.arguments = pointers(launch_.arguments);
    plan.environment = pointers(launch_.environment);
    plan.cgroup = cgroup_.fd();
    plan.processes_bounded = cgroup_.number("pids.max").has_value();
    plan.job = &launch_;
    if (!launch_.cgroup.empty() && !cgroup_.is_open()) {
        failure_ = {ChildStage::cgroup, cgroup_.error()};
    } else {
        run_child(Phase::job, plan, launch_.time_limit_ms);
    }
    usage_.finish();
    end_.cpu_us = usage_.cpu_us();
    end_.peak_kib = usage_.peak_kib();
    describe_job_end();
}

void Supervision::describe_job_end() {
    if (failure_) {
        const Blame blamed = blame(*failure_);
        end_.kind = blamed == Blame::job ? protocol::run_end::spawn_error : protocol::run_end::not_started;
        end_.message = failure_text(launch_, *failure_);
        if (blamed == Blame::host) fault(end_.message);
        return;
    }
    if (leader_status_ && WIFEXITED(*leader_status_)) end_.exit_code = WEXITSTATUS(*leader_status_);
    if (leader_status_ && WIFSIGNALED(*leader_status_)) end_.signal = WTERMSIG(*leader_status_);
    const bool failed = end_.signal == SIGKILL || end_.exit_code.value_or(0) != 0;
    if (!reason_kind_.empty()) {
        end_.kind = reason_kind_;
        end_.message = reason_message_;
    } else if (failed && launch_.cgroup_memory && cgroup_.memory_kills() > 0) {
        end_.kind = protocol::run_end::oom;
        end_.message = "memory limit reached: " + std::to_string((end_.peak_kib + 1023) / 1024) + " MiB used, " +
                       std::to_string(launch_.memory_mib) + " MiB granted";
    } else if (end_.exit_code) {
        end_.kind = protocol::run_end::exit_code;
    } else {
        end_.kind = protocol::run_end::signal;
        end_.message = signal_text(end_.signal.value_or(SIGKILL));
    }
}

void Supervision::run_child(Phase phase, ChildPlan& plan, std::int64_t limit_ms) {
    phase_ = phase;
    leader_status_.reset();
    failure_.reset();
    kill_now_ = ending_ = hook_timed_out_ = false;
    limit_at_ms_ = kill_at_ms_ = -1;
    if (phase != Phase::epilog) check_contact(rundir::boottime_ms());
    if (phase != Phase::epilog && !reason_kind_.empty()) return;
    Pump pump(log_);
    std::array<int, 2> failures{-1, -1};
    if (!alarm_.open() || !pump.open_pipes() || pipe2(failures.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        failure_ = {ChildStage::fork, errno};
        return;
    }
    pump_ = &pump;
    plan.err = pump.child_end(rundir::LogStream::err);
    plan.out = phase == Phase::job ? pump.child_end(rundir::LogStream::out) : plan.err;
    plan.failures = failures[1];
    const std::int64_t now = rundir::boottime_ms();
    leader_ = start_child(plan);
    if (leader_ < 0) {
        failure_ = {ChildStage::fork, errno};
        if (plan.cgroup >= 0 && blame(*failure_) != Blame::shortage) failure_->stage = ChildStage::cgroup;
    } else {
        pump.close_child_ends();
        if (phase == Phase::job) {
            status_.leader = leader_;
            status_.started_ms = now;
            quota_.begin(now);
        }
        write_status();
        if (limit_ms > 0) limit_at_ms_ = now + limit_ms;
        tick_at_ms_ = now + (launch_.memory_mib > 0 && !launch_.cgroup_memory ? watched_tick_ms : tick_ms);
        follow();
        ChildFailure failure;
        if (read(failures[0], &failure, sizeof failure) == static_cast<ssize_t>(sizeof failure)) failure_ = failure;
    }
    pump.close();
    pump_ = nullptr;
    close(failures[0]);
    close(failures[1]);
}

void Supervision::follow() {
    while (!leader_status_ && !kill_now_) {
        wait_for_events(next_due_ms());
        check_times(rundir::boottime_ms());
    }
    end_everything();
    drain();
}

void Supervision::wait_for_events(std::int64_t until_ms) {
    std::array<pollfd, 4> entries{};
    entries[0] = {signals_, POLLIN, 0};
    pump_->prepare(&entries[1]);
    entries[3] = {alarm_.fd(), POLLIN, 0};
    alarm_.set(until_ms);
    if (poll(entries.data(), entries.size(), -1) <= 0) entries = {};
    pump_->take(&entries[1]);
    pump_->flush_due(rundir::boottime_ms());
    if (entries[0].revents == 0) return;
    const Signals signals = take_signals(signals_);
    if (signals.child) reap();
    if (phase_ == Phase::epilog) return; // it has its own time limit
    if (signals.kill) stop(protocol::run_end::cancelled, "cancelled", 0);
    if (signals.terminate) stop(protocol::run_end::cancelled, "cancelled", after_grace_ms());
}

// Before its number is free for others.
void Supervision::tell_of_leaders_end() {
    siginfo_t info{};
    if (status_.leader == 0) return;
    if (waitid(P_PID, static_cast<id_t>(status_.leader), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return;
    if (info.si_pid != status_.leader) return;
    status_.leader = 0;
    write_status();
}

void Supervision::reap() {
    tell_of_leaders_end();
    for (;;) {
        int status = 0;
        rusage usage{};
        const pid_t pid = wait4(-1, &status, WNOHANG, &usage);
        if (pid <= 0) {
            no_children_ = pid < 0 && errno == ECHILD;
            return;
        }
        if (phase_ == Phase::job) usage_.add_ended(usage);
        if (pid != leader_) continue;
        leader_status_ = status;
        if (phase_ == Phase::job) ended_ms_ = rundir::boottime_ms();
    }
}

std::int64_t Supervision::next_due_ms() const {
    std::int64_t next = tick_at_ms_;
    for (std::int64_t due : {limit_at_ms_, kill_at_ms_, contact_due_ms(), phase_ == Phase::job ? quota_.due_ms() : -1,
                             pump_->next_flush_ms()}) {
        if (due >= 0) next = std::min(next, due);
    }
    return next;
}

void Supervision::check_times(std::int64_t now_ms) {
    if (leader_status_) return;
    if (limit_at_ms_ >= 0 && now_ms >= limit_at_ms_) {
        limit_at_ms_ = -1;
        if (phase_ == Phase::job) {
            stop(protocol::run_end::timeout, "time limit of " + in_seconds(launch_.time_limit_ms) + " reached",
                 after_grace_ms());
        } else {
            hook_timed_out_ = kill_now_ = true;
        }
    }
    if (kill_at_ms_ >= 0 && now_ms >= kill_at_ms_) kill_now_ = true;
    if (phase_ == Phase::job && quota_.due_ms() >= 0 && now_ms >= quota_.due_ms()) {
        quota_.step(now_ms);
        if (quota_.exceeded() && reason_kind_.empty()) {
            stop(protocol::run_end::disk_quota,
                 "disk quota reached: " + std::to_string(quota_.found_mib()) + " MiB in the run's directory, " +
                     std::to_string(launch_.quota_mib) + " MiB allowed",
                 after_grace_ms());
        }
    }
    if (const std::int64_t due = contact_due_ms(); due >= 0 && now_ms >= due) check_contact(now_ms);
    if (now_ms >= tick_at_ms_) tick(now_ms);
}

void Supervision::tick(std::int64_t now_ms) {
    tick_at_ms_ = now_ms + tick_ms;
    if (phase_ != Phase::epilog) check_contact(now_ms);
    if (phase_ != Phase::job) return;
    usage_.sample();
    write_status();
    if (launch_.memory_mib == 0 || launch_.cgroup_memory) return;
    const std::int64_t limit_kib = launch_.memory_mib * 1024;
    if (usage_.memory_kib() > limit_kib / 2) tick_at_ms_ = now_ms + watched_tick_ms;
    if (usage_.memory_kib() > limit_kib) {
        stop(protocol::run_end::oom,
             "memory limit reached: " + std::to_string(usage_.memory_kib() / 1024) + " MiB used, " +
                 std::to_string(launch_.memory_mib) + " MiB granted",
             0);
    }
}

void Supervision::check_contact(std::int64_t now_ms) {
    contact_.look();
    const std::int64_t due = contact_due_ms();
    if (due < 0 || now_ms < due) return;
    stop(protocol::run_end::cancelled,
         "no contact with the server for " + std::to_string(contact_.silent_ms(now_ms) / 1000) + " s",
         contact_.kill_at_ms());
}

// -1 also when the run is being ended and will be over in time. The epilog runs when the job is dead.
std::int64_t Supervision::contact_due_ms() const {
    if (phase_ == Phase::epilog || (kill_at_ms_ >= 0 && kill_at_ms_ <= contact_.kill_at_ms())) return -1;
    return contact_.end_at_ms();
}

std::int64_t Supervision::after_grace_ms() const { return rundir::boottime_ms() + launch_.kill_grace_ms; }

void Supervision::stop(std::string_view kind, const std::string& message, std::int64_t kill_at_ms) {
    if (ending_ || leader_status_) return;
    if (reason_kind_.empty()) {
        reason_kind_ = kind;
        reason_message_ = message;
    }
    const bool first = kill_at_ms_ < 0;
    kill_at_ms_ = first ? kill_at_ms : std::min(kill_at_ms_, kill_at_ms);
    if (rundir::boottime_ms() >= kill_at_ms_) {
        kill_now_ = true;
        return;
    }
    if (!first) return;
    signal_descendants(SIGTERM);
    signal_descendants(SIGCONT); // a stopped process does not see the first one
}

void Supervision::end_everything() {
    ending_ = true;
    const std::int64_t give_up_ms = rundir::boottime_ms() + unkillable_after_ms;
    for (std::int64_t pause = 1;; pause = std::min(2 * pause, longest_kill_pause_ms)) {
        reap();
        const bool in_cgroup = phase_ == Phase::job && cgroup_.populated();
        if (no_children_ && !in_cgroup) return;
        if (rundir::boottime_ms() >= give_up_ms) {
            return fault("processes of the run did not end within " + in_seconds(unkillable_after_ms) +
                         " of being killed");
        }
        if (in_cgroup) cgroup_.kill();
        signal_descendants(SIGKILL);
        wait_for_events(rundir::boottime_ms() + pause);
    }
}

// Who outside of the run got hold of a pipe may keep it open.
void Supervision::drain() {
    const std::int64_t until = rundir::boottime_ms() + drain_limit_ms;
    while (!pump_->at_end() && rundir::boottime_ms() < until) wait_for_events(until);
}

void Supervision::fault(const std::string& text) {
    if (end_.host_fault.empty()) end_.host_fault = text;
}

void Supervision::write_status() {
    if (status_.supervisor == 0) { // not before the job begins, which waits for nothing that can be done later
        status_.supervisor = getpid();
        if (auto own = rundir::read_process_stat(status_.supervisor)) status_.supervisor_start_ticks = own->start_ticks;
        reserve_end(directory_);
    }
    status_.cpu_us = usage_.cpu_us();
    status_.memory_kib = usage_.memory_kib();
    status_.peak_kib = usage_.peak_kib();
    // A disk that is full makes it old; nothing depends on it but what people see.
    (void)rundir::write_status(directory_, rundir::status_file, status_);
}

void Supervision::run_hook(Phase phase, const std::string& program) {
    std::vector<std::string> variables{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    variables.insert(variables.end(), launch_.hook_environment.begin(), launch_.hook_environment.end());
    const std::vector<std::string> arguments{program};
    ChildPlan plan;
    plan.arguments = pointers(arguments);
    plan.environment = pointers(variables);
    run_child(phase, plan, launch_.hook_limit_ms);
    if (!reason_kind_.empty() && phase == Phase::prolog) return; // cancelled meanwhile
    const std::string text = hook_fault(program);
    if (!text.empty()) fault((phase == Phase::prolog ? "prolog " : "epilog ") + text);
}

std::string Supervision::hook_fault(const std::string& program) const {
    const std::string name = "\"" + program + "\" ";
    if (failure_) return name + "cannot be executed: " + std::strerror(failure_->error);
    if (hook_timed_out_) return name + "reached its time limit of " + in_seconds(launch_.hook_limit_ms);
    if (!leader_status_) return name + "did not end";
    if (WIFSIGNALED(*leader_status_)) return name + "was " + signal_text(WTERMSIG(*leader_status_));
    if (WEXITSTATUS(*leader_status_) == 0) return {};
    return name + "ended with exit code " + std::to_string(WEXITSTATUS(*leader_status_));
}

} // namespace rcq::supervisor
