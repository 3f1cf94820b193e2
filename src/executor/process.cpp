#include "executor/process.hpp"

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace rcq::executor {

namespace {

struct FailureRecord { // smaller than PIPE_BUF: written in one piece
    std::int64_t token;
    std::int32_t stage;
    std::int32_t error;
};

mode_t original_umask = 022;
rlimit original_open_files{};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> list;
    list.reserve(strings.size() + 1);
    for (const std::string& text : strings) list.push_back(const_cast<char*>(text.c_str()));
    list.push_back(nullptr);
    return list;
}

} // namespace

void prepare_process() {
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int fd = 0; fd <= 2; ++fd) {
        if (fcntl(fd, F_GETFD) == -1) (void)open("/dev/null", O_RDWR);
    }
    (void)close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC);
    getrlimit(RLIMIT_NOFILE, &original_open_files);
    rlimit raised{original_open_files.rlim_max, original_open_files.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
    original_umask = umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
}

int runs_by_open_files() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return INT_MAX;
    return limit.rlim_cur < 128 ? 1 : static_cast<int>(std::min<rlim_t>((limit.rlim_cur - 100) / 3, INT_MAX));
}

bool path_is_inside(const char* path, const char* prefix) {
    // Called between fork and exec: only pure string functions.
    std::size_t length = std::strlen(prefix);
    if (length == 1 && prefix[0] == '/') return path[0] == '/';
    return std::strncmp(path, prefix, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

// Everything the child needs, laid out before fork: after it no memory may be allocated.
struct Spawner::Plan {
    const Spawner* spawner = nullptr;
    const SpawnRequest* request = nullptr;
    std::vector<char*> arguments;
    std::vector<char*> environment;
    std::vector<const char*> allowed;
    pid_t parent = 0;
};

Spawner::Spawner(std::vector<std::string> workdir_allow)
    : workdir_allow_(std::move(workdir_allow)), umask_(original_umask), open_files_(original_open_files) {
    null_fd_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null_fd_ < 0) throw std::system_error(errno, std::generic_category(), "open /dev/null");
    if (pipe2(failure_pipe_.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        close(null_fd_);
        throw std::system_error(errno, std::generic_category(), "pipe2");
    }
}

Spawner::~Spawner() {
    close(null_fd_);
    close(failure_pipe_[0]);
    close(failure_pipe_[1]);
}

void Spawner::note_signals() {
    signals_to_reset_.clear();
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction action {};
        if (sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_DFL) {
            signals_to_reset_.push_back(number);
        }
    }
}

pid_t Spawner::spawn(const SpawnRequest& request) {
    Plan plan;
    plan.spawner = this;
    plan.request = &request;
    plan.arguments = pointers(request.arguments);
    plan.environment = pointers(request.environment);
    for (const std::string& prefix : workdir_allow_) plan.allowed.push_back(prefix.c_str());
    plan.parent = getpid();

    // All signals wait while the child still has the parent's handlers: a signal that it took would be written into
    // the parent's event loop.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) run_child(plan);
    int error = errno;
    sigprocmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) throw std::system_error(error, std::generic_category(), "fork");
    return pid;
}

// Only async-signal-safe calls from here to exec.
void Spawner::run_child(const Plan& plan) {
    const Spawner& spawner = *plan.spawner;
    const SpawnRequest& request = *plan.request;
    auto fail = [&](SpawnStage stage) {
        FailureRecord record{request.token, static_cast<std::int32_t>(stage), errno};
        (void)!write(spawner.failure_pipe_[1], &record, sizeof record);
        _exit(127);
    };
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != plan.parent) _exit(127); // the parent died before the line above
    if (dup2(spawner.null_fd_, 0) < 0 || dup2(request.stdout_fd, 1) < 0 || dup2(request.stderr_fd, 2) < 0) {
        fail(SpawnStage::setup);
    }
    rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_NOFILE, &spawner.open_files_);
    umask(spawner.umask_);
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int number : spawner.signals_to_reset_) sigaction(number, &standard, nullptr);
    sigset_t nothing;
    sigemptyset(&nothing);
    sigprocmask(SIG_SETMASK, &nothing, nullptr);
    if (chdir(request.workdir.c_str()) != 0) fail(SpawnStage::chdir);
    if (request.workdir_checked) {
        char real[PATH_MAX];
        if (getcwd(real, sizeof real) == nullptr) fail(SpawnStage::chdir);
        bool inside = false;
        for (const char* prefix : plan.allowed) inside = inside || path_is_inside(real, prefix);
        if (!inside) fail(SpawnStage::outside);
    }
    execve(plan.arguments[0], plan.arguments.data(), plan.environment.data());
    fail(SpawnStage::exec);
    _exit(127);
}

std::optional<SpawnFailure> Spawner::take_failure(std::int64_t token) {
    FailureRecord record{};
    while (read(failure_pipe_[0], &record, sizeof record) == static_cast<ssize_t>(sizeof record)) {
        failures_[record.token] = {static_cast<SpawnStage>(record.stage), record.error};
    }
    auto found = failures_.find(token);
    if (found == failures_.end()) return std::nullopt;
    SpawnFailure failure = found->second;
    failures_.erase(found);
    return failure;
}

} // namespace rcq::executor
