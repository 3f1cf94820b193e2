#include "executor/process_backend.hpp"

#include "executor/cgroup_tree.hpp"
#include "executor/leftover_processes.hpp"
#include "executor/logging.hpp"
#include "rundir/paths.hpp"
#include "rundir/process_stat.hpp"
#include "rundir/status.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace rcq::executor {

namespace {

constexpr std::uint64_t clear_again_ms = 20;
constexpr std::uint64_t look_again_ms = 500;
constexpr std::int64_t leftovers_limit_ms = 10'000;

[[noreturn]] void fail(int error, const std::string& what) {
    throw std::system_error(error, std::generic_category(), what);
}

// Whether a supervisor holds the lock of this directory.
bool is_locked(const std::string& directory) {
    int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return false;
    const bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return locked;
}

bool left_an_end(const std::string& directory) {
    return access((directory + "/" + rundir::end_file).c_str(), F_OK) == 0;
}

// A pidfd of the supervisor that holds a directory; -1 when it has not yet said who it is, or is gone.
int open_supervisor(const std::string& directory) {
    const auto status = rundir::read_status(AT_FDCWD, (directory + "/" + rundir::status_file).c_str());
    if (!status || status->supervisor <= 1) return -1;
    const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, status->supervisor, 0));
    if (pidfd < 0) return -1;
    const auto process = rundir::read_process_stat(status->supervisor);
    if (process && process->start_ticks == status->supervisor_start_ticks) return pidfd;
    close(pidfd);
    return -1;
}

// Half of the descriptors this process may have.
int half_of_descriptors() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1U << 20) / 2);
}

class SpawnSettings {
public:
    explicit SpawnSettings(int lock_fd) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions_, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_adddup2(&actions_, lock_fd, rundir::directory_fd);
        posix_spawnattr_init(&attributes_);
        // Whatever is sent before the supervisor listens waits for it.
        sigset_t blocked;
        sigemptyset(&blocked);
        for (int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&blocked, number);
        posix_spawnattr_setsigmask(&attributes_, &blocked);
        sigset_t standard;
        sigfillset(&standard);
        posix_spawnattr_setsigdefault(&attributes_, &standard);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    ~SpawnSettings() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

} // namespace

ProcessBackend::ProcessBackend(uv_loop_t* loop, std::string supervisor_program)
    : loop_(loop), program_(std::move(supervisor_program)), most_pidfds_(half_of_descriptors()),
      watch_(loop,
             [this](std::int64_t token) {
                 if (events_.changed) events_.changed(token);
             }),
      unsettled_timer_(loop, [this] { look_after_adopted(); }), child_signal_(loop, SIGCHLD, [this] { reap(); }) {}

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
    const SpawnSettings settings(lock_fd);
    std::array<char*, 2> arguments{program_.data(), nullptr};
    std::array<char*, 1> environment{nullptr};
    watch_.add(place.token, place.path);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, program_.c_str(), settings.actions(), settings.attributes(), arguments.data(),
                                  environment.data());
    if (error != 0) {
        watch_.remove(place.token);
        fail(error, "cannot start the supervisor " + program_);
    }
    Watched& run = runs_[place.token];
    run.place = place;
    run.cgroup = launch.cgroup;
    run.supervisor = pid;
    children_[pid] = place.token;
}

void ProcessBackend::adopt(const RunPlace& place, const rundir::Launch& launch) {
    Watched& run = runs_[place.token];
    run.place = place;
    run.cgroup = launch.cgroup;
    watch_.add(place.token, place.path);
    if (watch_adopted(run)) return;
    unsettled_.push_back(place.token);
    unsettled_timer_.start(0);
}

// True when the death of the supervisor will be told.
bool ProcessBackend::watch_adopted(Watched& run) {
    if (!is_locked(run.place.path)) return false;
    run.pidfd = open_supervisor(run.place.path);
    if (run.pidfd > most_pidfds_) { // the rest is for files and connections
        close(run.pidfd);
        run.pidfd = -1;
    }
    if (run.pidfd < 0) return false;
    run.poll = std::make_unique<Poll>(loop_, run.pidfd, [this, token = run.place.token](int, int) {
        if (Watched* watched = find(token)) {
            watched->poll.reset();
            supervisor_gone(*watched);
        }
    });
    run.poll->start(UV_READABLE);
    return true;
}

// Of adopted runs without a pidfd: is there one now, or is the supervisor gone? Of lost ones: is something left?
void ProcessBackend::look_after_adopted() {
    const auto tokens = std::exchange(unsettled_, {});
    std::vector<std::int64_t> over;
    for (std::int64_t token : tokens) {
        Watched* run = find(token);
        if (run == nullptr) continue;
        if (run->lost_ms == 0) {
            const bool watched = watch_adopted(*run);
            if (watched || is_locked(run->place.path)) {
                if (!watched) unsettled_.push_back(token);
                if (const int number = std::exchange(run->wanted_signal, 0)) signal(token, number);
            } else {
                supervisor_gone(*run);
            }
        } else if (clear_leftovers(*run)) {
            over.push_back(token);
        } else {
            unsettled_.push_back(token);
        }
    }
    const bool any_lost = std::any_of(unsettled_.begin(), unsettled_.end(), [this](std::int64_t token) {
        const Watched* run = find(token);
        return run != nullptr && run->lost_ms > 0;
    });
    if (!unsettled_.empty()) unsettled_timer_.start(any_lost ? clear_again_ms : look_again_ms);
    for (std::int64_t token : over) finish(token);
}

// SIGCHLD. Other children of this process are waited for by those who started them.
void ProcessBackend::reap() {
    for (;;) {
        siginfo_t info{};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
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

void ProcessBackend::supervisor_gone(Watched& run) {
    const std::int64_t token = run.place.token;
    if (left_an_end(run.place.path)) return finish(token);
    spdlog::warn("event=supervisor_lost job={} token={}", run.place.job_id, token);
    run.lost_ms = rundir::boottime_ms();
    if (clear_leftovers(run)) return finish(token);
    unsettled_.push_back(token);
    unsettled_timer_.start(clear_again_ms);
}

// Kills what is left of a lost run; true when nothing is, or when it cannot be killed.
bool ProcessBackend::clear_leftovers(const Watched& run) {
    const bool no_cgroup = run.cgroup.empty() || kill_and_remove_cgroup(run.cgroup);
    pid_t session = 0;
    const auto status = rundir::read_status(AT_FDCWD, (run.place.path + "/" + rundir::status_file).c_str());
    // After some time another process may have the number of the job's first one.
    if (run.supervisor > 0 && status && rundir::boottime_ms() - run.lost_ms < 1000) session = status->leader;
    const auto left = processes_of_run(list_processes(), run.place.path + "/" + rundir::job_dir, session);
    for (pid_t pid : left) ::kill(pid, SIGKILL);
    if (left.empty() && no_cgroup) return true;
    if (rundir::boottime_ms() - run.lost_ms < leftovers_limit_ms) return false;
    spdlog::error("event=leftovers_stay job={} token={} processes={}", run.place.job_id, run.place.token, left.size());
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

void ProcessBackend::terminate(std::int64_t token) { signal(token, SIGTERM); }

void ProcessBackend::kill(std::int64_t token) { signal(token, SIGINT); }

void ProcessBackend::signal(std::int64_t token, int number) {
    Watched* run = find(token);
    if (run == nullptr || run->lost_ms > 0) return;
    if (run->supervisor > 0) {
        ::kill(run->supervisor, number); // not yet waited for: the number is still its own
        return;
    }
    const int pidfd = run->pidfd >= 0 ? run->pidfd : open_supervisor(run->place.path);
    if (pidfd < 0 || syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0) != 0) run->wanted_signal = number;
    if (pidfd >= 0 && pidfd != run->pidfd) close(pidfd);
}

} // namespace rcq::executor
