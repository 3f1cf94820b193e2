#include "executor/process_backend.hpp"

#include "executor/cgroup_tree.hpp"
#include "executor/host_fault.hpp"
#include "executor/leftover_processes.hpp"
#include "executor/logging.hpp"
#include "executor/run_directory.hpp"
#include "rundir/paths.hpp"
#include "rundir/process_stat.hpp"
#include "rundir/status.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace rcq::executor {

namespace {

constexpr std::uint64_t first_pause_ms = 20;
constexpr std::uint64_t longest_pause_ms = 1000;
constexpr std::int64_t leftovers_limit_ms = 10'000;
constexpr std::uint64_t asked_ms = 500;
// How long a supervisor that was asked to end, and is stopped by then, may stay so.
constexpr std::int64_t stopped_limit_ms = 3'000;
// How long it may take else: it waits itself, twice at most, for processes that do not die.
constexpr std::int64_t patience_ms = 130'000;

bool left_an_end(const std::string& directory) {
    return access((directory + "/" + rundir::end_file).c_str(), F_OK) == 0;
}

int half_of_descriptors() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1U << 20) / 2);
}

} // namespace

ProcessBackend::ProcessBackend(uv_loop_t* loop, std::string supervisor_program)
    : loop_(loop), most_pidfds_(half_of_descriptors()), watch_(loop,
                                                               [this](std::int64_t token) {
                                                                   if (events_.changed) events_.changed(token);
                                                               }),
      unsettled_timer_(loop, [this] { look_after_unsettled(); }), asked_timer_(loop, [this] { look_after_asked(); }),
      child_signal_(loop, SIGCHLD, [this] { reap(); }),
      nursery_(loop, std::move(supervisor_program),
               {[this](std::int64_t token, pid_t pid) { born(token, pid); },
                [this](std::int64_t token, int error) { not_born(token, error); },
                [this](std::int64_t token) { unsettle(token); }}) {}

ProcessBackend::~ProcessBackend() {
    for (auto& [token, run] : runs_) {
        run.poll.reset();
        if (run.pidfd >= 0) close(run.pidfd);
    }
}

ProcessBackend::Watched* ProcessBackend::find(std::int64_t token) {
    auto found = runs_.find(token);
    return found == runs_.end() ? nullptr : &found->second;
}

void ProcessBackend::start(const RunPlace& place, const rundir::Launch& launch, int lock_fd) {
    note(place, launch); // before the request: the nursery may turn out to be gone
    // and before there is a supervisor: what it writes unwatched is noticed when more follows
    watch_.add(place.token, place.path);
    try {
        nursery_.request(place.token, lock_fd);
    } catch (const HostFault&) {
        watch_.remove(place.token);
        runs_.erase(place.token);
        throw;
    }
}

void ProcessBackend::born(std::int64_t token, pid_t pid) {
    Watched& run = runs_.at(token);
    run.supervisor = pid;
    run.child = true;
    children_[pid] = token;
    if (const int number = std::exchange(run.wanted_signal, 0)) send(run, number);
    // Its end may have been told before its birth.
    if (waitpid(pid, nullptr, WNOHANG) != pid) return;
    children_.erase(pid);
    supervisor_gone(run);
}

void ProcessBackend::not_born(std::int64_t token, int error) {
    watch_.remove(token);
    runs_.erase(token);
    events_.not_started(
        token, HostFault(std::string("cannot fork a supervisor: ") + std::strerror(error), !is_passing(error)));
}

ProcessBackend::Watched& ProcessBackend::note(const RunPlace& place, const rundir::Launch& launch) {
    Watched& run = runs_[place.token];
    run.place = place;
    run.cgroup = launch.cgroup;
    run.user = launch.switch_user ? launch.uid : geteuid();
    run.grace_ms = launch.kill_grace_ms;
    run.hook_ms = launch.epilog.empty() ? 0 : launch.hook_limit_ms;
    run.before_boot = !launch.boot.empty() && launch.boot != rundir::boot_id();
    return run;
}

void ProcessBackend::adopt(const RunPlace& place, const rundir::Launch& launch) {
    note(place, launch);
    watch_.add(place.token, place.path);
    unsettle(place.token);
}

// True when the death of the supervisor will be told.
bool ProcessBackend::watch_adopted(Watched& run, std::optional<ProcessSnapshot>& snapshot) {
    const auto status = rundir::read_status(AT_FDCWD, (run.place.path + "/" + rundir::status_file).c_str());
    if (status && status->supervisor > 1) {
        const auto process = rundir::read_process_stat(status->supervisor);
        if (process && process->start_ticks == status->supervisor_start_ticks) {
            return watch_supervisor(run, status->supervisor);
        }
    }
    // It has only just begun, or the disk did not take its status.
    if (run.wanted_signal == 0) return false;
    if (!snapshot) snapshot.emplace();
    const pid_t supervisor = supervisor_of(*snapshot, run.place.path);
    return supervisor > 1 && watch_supervisor(run, supervisor);
}

bool ProcessBackend::watch_supervisor(Watched& run, pid_t supervisor) {
    const auto before = rundir::read_process_stat(supervisor);
    run.pidfd = static_cast<int>(syscall(SYS_pidfd_open, supervisor, 0));
    if (run.pidfd < 0) return false;
    const auto after = rundir::read_process_stat(supervisor);
    if (!before || !after || before->start_ticks != after->start_ticks) { // another one has its number now
        close(std::exchange(run.pidfd, -1));
        return false;
    }
    run.supervisor = supervisor;
    if (const int number = std::exchange(run.wanted_signal, 0)) send(run, number);
    if (run.pidfd > most_pidfds_) {
        close(std::exchange(run.pidfd, -1)); // its lock is looked at from time to time
        return false;
    }
    run.poll = std::make_unique<Poll>(loop_, run.pidfd, [this, token = run.place.token](int, int) {
        Watched* watched = find(token);
        if (watched == nullptr) return;
        watched->poll.reset();
        close(std::exchange(watched->pidfd, -1));
        watched->supervisor = 0;
        unsettle(token); // whether it was the right one is told by the lock
    });
    run.poll->start(UV_READABLE);
    return true;
}

void ProcessBackend::unsettle(std::int64_t token) {
    unsettled_.push_back(token);
    unsettled_pause_ms_ = first_pause_ms;
    unsettled_timer_.start(0);
}

// Of adopted runs without a pidfd: is there one now, or is the supervisor gone? Of lost ones: is something left?
void ProcessBackend::look_after_unsettled() {
    const auto tokens = std::exchange(unsettled_, {});
    std::optional<ProcessSnapshot> snapshot; // one for all, made when it is needed
    std::vector<std::int64_t> over;
    for (std::int64_t token : tokens) {
        Watched* run = find(token);
        if (run == nullptr || run->pidfd >= 0) continue;
        try {
            if (settled(*run, snapshot)) {
                if (run->pidfd < 0) over.push_back(token);
                continue;
            }
        } catch (const std::system_error& error) {
            spdlog::warn("event=processes_unknown job={} token={} reason={}", run->place.job_id, token,
                         quoted(error.what()));
        }
        unsettled_.push_back(token);
    }
    if (!unsettled_.empty()) {
        unsettled_timer_.start(unsettled_pause_ms_);
        unsettled_pause_ms_ = std::min(2 * unsettled_pause_ms_, longest_pause_ms);
    }
    for (std::int64_t token : over) finish(token);
}

// True when the end of the supervisor will be told, or nothing of the run is left.
bool ProcessBackend::settled(Watched& run, std::optional<ProcessSnapshot>& snapshot) {
    if (run.lost_ms == 0) {
        const LockState lock = lock_state(run.place.path);
        if (lock == LockState::held) return watch_adopted(run, snapshot);
        if (lock == LockState::unknown) return false;
        if (left_an_end(run.place.path)) return true;
        spdlog::warn("event=supervisor_lost job={} token={}", run.place.job_id, run.place.token);
        run.lost_ms = rundir::boottime_ms();
    }
    return run.before_boot || clear_leftovers(run, snapshot);
}

// SIGCHLD. Other children of this process are waited for by those who started them.
void ProcessBackend::reap() {
    nursery_.take_answers();
    for (;;) {
        siginfo_t info{};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
        if (nursery_.reaped(info.si_pid)) continue;
        auto child = children_.find(info.si_pid);
        if (child == children_.end()) {
            return look_for_children(); // a stranger hides those behind it: ask for each of ours
        }
        (void)waitpid(info.si_pid, nullptr, 0);
        const std::int64_t token = child->second;
        children_.erase(child);
        supervisor_gone(runs_.at(token));
    }
}

void ProcessBackend::look_for_children() {
    std::vector<std::int64_t> gone;
    for (auto child = children_.begin(); child != children_.end();) {
        const bool ended = waitpid(child->first, nullptr, WNOHANG) == child->first;
        if (ended) gone.push_back(child->second);
        child = ended ? children_.erase(child) : std::next(child);
    }
    for (std::int64_t token : gone) supervisor_gone(runs_.at(token));
}

// A child that is waited for.
void ProcessBackend::supervisor_gone(Watched& run) {
    const std::int64_t token = run.place.token;
    run.supervisor = 0;
    if (left_an_end(run.place.path)) return finish(token);
    spdlog::warn("event=supervisor_lost job={} token={}", run.place.job_id, token);
    run.lost_ms = rundir::boottime_ms();
    unsettle(token);
}

// Kills what is left of a lost run; true when nothing is, or when it cannot be killed.
bool ProcessBackend::clear_leftovers(const Watched& run, std::optional<ProcessSnapshot>& snapshot) {
    const std::int64_t lost_for_ms = rundir::boottime_ms() - run.lost_ms;
    const bool no_cgroup = run.cgroup.empty() || kill_and_remove_cgroup(run.cgroup);
    Trace trace{run.place.path + "/" + rundir::job_dir, run.user};
    if (const auto status = rundir::read_status(AT_FDCWD, (run.place.path + "/" + rundir::status_file).c_str())) {
        trace.not_before = status->supervisor_start_ticks;
        // After some time another process may have the number of the job's first one.
        if (run.child && lost_for_ms < 1000) trace.session = status->leader;
    }
    if (!snapshot) snapshot.emplace();
    const Leftovers left = leftovers_of(*snapshot, trace);
    for (pid_t pid : left.processes) ::kill(pid, SIGKILL);
    if (left.processes.empty() && left.certain && no_cgroup) return true;
    if (lost_for_ms < leftovers_limit_ms) return false;
    spdlog::error("event=leftovers_stay job={} token={} processes={} certain={}", run.place.job_id, run.place.token,
                  left.processes.size(), left.certain);
    return true;
}

void ProcessBackend::finish(std::int64_t token) {
    watch_.remove(token);
    auto found = runs_.find(token);
    found->second.poll.reset();
    if (found->second.pidfd >= 0) close(found->second.pidfd);
    runs_.erase(found);
    if (events_.ended) events_.ended(token);
}

void ProcessBackend::terminate(std::int64_t token) {
    Watched* run = find(token);
    if (run != nullptr) ask_to_end(token, SIGTERM, run->grace_ms);
}

void ProcessBackend::kill(std::int64_t token) { ask_to_end(token, SIGINT, 0); }

void ProcessBackend::ask_to_end(std::int64_t token, int number, std::int64_t within_ms) {
    Watched* run = find(token);
    if (run == nullptr || run->lost_ms > 0) return;
    if (run->stuck_ms == 0) asked_.push_back(token);
    run->stuck_ms = rundir::boottime_ms() + within_ms + stopped_limit_ms;
    run->late_ms = rundir::boottime_ms() + within_ms + run->hook_ms + patience_ms;
    if (!asked_timer_.active()) asked_timer_.start(asked_ms, asked_ms);
    if (run->child || run->pidfd >= 0) return send(*run, number);
    run->wanted_signal = number;
    unsettled_timer_.start(0);
}

// A job that runs as the same user can stop its supervisor, which then does nothing that it is asked for.
void ProcessBackend::look_after_asked() {
    std::erase_if(asked_, [this](std::int64_t token) {
        Watched* run = find(token);
        return run == nullptr || run->lost_ms > 0;
    });
    const std::int64_t now = rundir::boottime_ms();
    for (std::int64_t token : asked_) {
        Watched& run = runs_.at(token);
        if (now < run.stuck_ms || run.supervisor == 0) continue;
        const auto process = rundir::read_process_stat(run.supervisor);
        const bool stopped = process && (process->state == 'T' || process->state == 't');
        if (!stopped && now < run.late_ms) continue;
        spdlog::error("event=supervisor_stuck job={} token={} stopped={}", run.place.job_id, token, stopped);
        if (run.child || run.pidfd >= 0) {
            send(run, SIGKILL);
        } else {
            run.wanted_signal = SIGKILL;
            unsettled_timer_.start(0);
        }
    }
    if (asked_.empty()) asked_timer_.stop();
}

// To a supervisor whose number is still its own: not yet waited for, or held by its pidfd.
void ProcessBackend::send(const Watched& run, int number) {
    for (int one : {number, SIGCONT}) {
        if (run.child) {
            ::kill(run.supervisor, one);
        } else {
            (void)syscall(SYS_pidfd_send_signal, run.pidfd, one, nullptr, 0);
        }
    }
}

} // namespace rcq::executor
