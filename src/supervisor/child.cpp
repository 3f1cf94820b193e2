#include "supervisor/child.hpp"

#include "supervisor/signals.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rcq::supervisor {

namespace {

// Far above the executor and the other services of the host: when memory runs out, a job goes first.
constexpr std::string_view oom_score_of_jobs = "500";

bool is_inside(const char* path, const std::string& prefix) {
    if (prefix == "/") return true;
    return std::strncmp(path, prefix.c_str(), prefix.size()) == 0 &&
           (path[prefix.size()] == '/' || path[prefix.size()] == '\0');
}

bool asks_for_root(const rundir::Launch& job) {
    return job.uid == 0 || job.gid == 0 || std::find(job.groups.begin(), job.groups.end(), 0U) != job.groups.end();
}

// What a kernel says that does not know clone3 or its flag (before Linux 5.7), and what a container's filter says.
bool is_refusal(int error) { return error == ENOSYS || error == EINVAL || error == E2BIG || error == EPERM; }

// A child in the cgroup, or -1 with errno; `moves_itself` when it has to enter the cgroup by itself.
pid_t fork_into(int cgroup, bool& moves_itself) {
    moves_itself = false;
    if (cgroup < 0) return fork();
    // Born there: a move afterwards would make the kernel wait for every processor.
    clone_args arguments{};
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.exit_signal = SIGCHLD;
    arguments.cgroup = static_cast<std::uint64_t>(cgroup);
    const auto pid = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
    if (pid >= 0 || !is_refusal(errno)) return pid;
    moves_itself = true;
    return fork();
}

// Between fork and exec: no memory is allocated, every function ends the process when it fails.
class Child {
public:
    explicit Child(const ChildPlan& plan, pid_t parent) : plan_(plan), parent_(parent) {}

    [[noreturn]] void run(bool moves_itself) const {
        if (moves_itself) enter_cgroup();
        setsid();
        connect_streams();
        if (plan_.job != nullptr) {
            prefer_for_oom();
            set_limits();
            use_cores();
            become_user();
        }
        // After the change of the user, which clears it.
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail(ChildStage::setup);
        if (getppid() != parent_) _exit(127); // it died before the line above
        if (plan_.job != nullptr) {
            if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(ChildStage::setup);
            enter_workdir();
        }
        umask(022);
        reset_signals();
        execve(plan_.arguments[0], plan_.arguments.data(), plan_.environment.data());
        fail(ChildStage::exec);
    }

private:
    [[noreturn]] void fail(ChildStage stage) const {
        ChildFailure failure{stage, errno};
        (void)!write(plan_.failures, &failure, sizeof failure);
        _exit(127);
    }

    void enter_cgroup() const {
        int fd = openat(plan_.cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0", 1) != 1) fail(ChildStage::cgroup);
        close(fd);
    }

    void connect_streams() const {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (null < 0 || dup2(null, 0) < 0 || dup2(plan_.out, 1) < 0 || dup2(plan_.err, 2) < 0) fail(ChildStage::setup);
    }

    static void prefer_for_oom() {
        prctl(PR_SET_DUMPABLE, 1); // else the file is root's; of this copy of the supervisor nothing is secret
        int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        if (fd < 0) return;
        // Refused when the administrator gave the executor a higher one, which then stays.
        (void)!write(fd, oom_score_of_jobs.data(), oom_score_of_jobs.size());
        close(fd);
    }

    void set_limit(int resource, std::int64_t value) const {
        const auto wanted = static_cast<rlim_t>(value);
        // Only root may go beyond what the executor has itself.
        rlimit granted{wanted, wanted};
        if (setrlimit(static_cast<__rlimit_resource>(resource), &granted) == 0) return;
        rlimit limit{};
        getrlimit(static_cast<__rlimit_resource>(resource), &limit);
        granted = {std::min(wanted, limit.rlim_max), std::min(wanted, limit.rlim_max)};
        if (setrlimit(static_cast<__rlimit_resource>(resource), &granted) != 0) fail(ChildStage::setup);
    }

    void set_limits() const {
        const rundir::Launch& job = *plan_.job;
        set_limit(RLIMIT_CORE, job.max_core_bytes);
        if (job.max_open_files > 0) set_limit(RLIMIT_NOFILE, job.max_open_files);
        if (job.max_processes > 0 && !plan_.processes_bounded) set_limit(RLIMIT_NPROC, job.max_processes);
    }

    void use_cores() const {
        if (plan_.job->cpus.empty()) return;
        constexpr int most = 8192; // NR_CPUS of any kernel
        std::array<unsigned long, most / (8 * sizeof(unsigned long))> mask{};
        for (int cpu : plan_.job->cpus) {
            if (cpu >= most) {
                errno = EINVAL;
                fail(ChildStage::cores);
            }
            constexpr int bits = 8 * sizeof(unsigned long);
            mask[static_cast<std::size_t>(cpu / bits)] |= 1UL << static_cast<unsigned>(cpu % bits);
        }
        if (sched_setaffinity(0, sizeof mask, reinterpret_cast<const cpu_set_t*>(mask.data())) != 0) {
            fail(ChildStage::cores);
        }
    }

    void become_user() const {
        const rundir::Launch& job = *plan_.job;
        if (!job.switch_user) return;
        if (asks_for_root(job)) {
            errno = EPERM;
            fail(ChildStage::user);
        }
        if (setgroups(job.groups.size(), job.groups.data()) != 0 || setresgid(job.gid, job.gid, job.gid) != 0 ||
            setresuid(job.uid, job.uid, job.uid) != 0) {
            fail(ChildStage::user);
        }
    }

    void enter_workdir() const {
        const rundir::Launch& job = *plan_.job;
        if (chdir(job.workdir.c_str()) != 0) fail(ChildStage::workdir);
        if (job.workdir_allow.empty()) return;
        std::array<char, PATH_MAX> real;
        if (getcwd(real.data(), real.size()) == nullptr) fail(ChildStage::workdir);
        for (const std::string& prefix : job.workdir_allow) {
            if (is_inside(real.data(), prefix)) return;
        }
        fail(ChildStage::outside);
    }

    static void reset_signals() {
        struct sigaction standard {};
        standard.sa_handler = SIG_DFL;
        for (int number : ignored_signals) sigaction(number, &standard, nullptr);
        sigset_t nothing;
        sigemptyset(&nothing);
        sigprocmask(SIG_SETMASK, &nothing, nullptr);
    }

    const ChildPlan& plan_;
    pid_t parent_;
};

template <class List, class Text> std::string join(const List& list, Text&& text) {
    std::string joined;
    for (const auto& item : list) joined += (joined.empty() ? "" : ", ") + text(item);
    return joined.empty() ? "nothing" : joined;
}

} // namespace

pid_t start_child(const ChildPlan& plan) {
    const Child child(plan, getpid());
    bool moves_itself = false;
    pid_t pid = fork_into(plan.cgroup, moves_itself);
    if (pid == 0) child.run(moves_itself);
    return pid;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> list;
    list.reserve(strings.size() + 1);
    for (const std::string& text : strings) list.push_back(const_cast<char*>(text.c_str()));
    list.push_back(nullptr);
    return list;
}

Blame blame(ChildFailure failure) {
    switch (failure.error) {
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return Blame::shortage;
    default:
        break;
    }
    switch (failure.stage) {
    case ChildStage::fork:
    case ChildStage::cgroup:
    case ChildStage::setup:
    case ChildStage::cores:
        return Blame::host;
    case ChildStage::user:
    case ChildStage::workdir:
    case ChildStage::outside:
    case ChildStage::exec:
        break;
    }
    return Blame::job;
}

std::string failure_text(const rundir::Launch& launch, ChildFailure failure) {
    const std::string reason = std::strerror(failure.error);
    switch (failure.stage) {
    case ChildStage::workdir:
        return "cannot enter workdir \"" + launch.workdir + "\": " + reason;
    case ChildStage::outside:
        return "workdir \"" + launch.workdir + "\" is not allowed here: --workdir-allow lists " +
               join(launch.workdir_allow, [](const std::string& path) { return path; });
    case ChildStage::exec:
        if (launch.interpreter.empty()) return "cannot execute \"" + launch.arguments[0] + "\": " + reason;
        return "cannot execute \"" + launch.arguments[0] + "\" with interpreter \"" + launch.interpreter +
               "\": " + reason;
    case ChildStage::user:
        return "cannot run as user " + std::to_string(launch.uid) + " with group " + std::to_string(launch.gid) + ": " +
               (asks_for_root(launch) ? "a job never runs as root" : reason);
    case ChildStage::cores:
        return "cannot use cores " + join(launch.cpus, [](int cpu) { return std::to_string(cpu); }) + ": " + reason;
    case ChildStage::cgroup:
        return "cannot use cgroup \"" + launch.cgroup + "\": " + reason;
    case ChildStage::fork:
        return "cannot start a process: " + reason;
    case ChildStage::setup:
        break;
    }
    return "cannot set up the process: " + reason;
}

} // namespace rcq::supervisor
