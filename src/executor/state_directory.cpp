#include "executor/state_directory.hpp"

#include "executor/leftover_processes.hpp"
#include "executor/logging.hpp"
#include "executor/run_directory.hpp"
#include "rundir/paths.hpp"
#include "rundir/status.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr std::int64_t end_limit_ms = 10'000;

[[noreturn]] void refuse(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

void make_directory(const std::string& path, mode_t mode) {
    for (std::size_t at = 1; at != std::string::npos;) {
        at = path.find('/', at + 1);
        std::string part = path.substr(0, at);
        if (mkdir(part.c_str(), mode) != 0) {
            if (errno != EEXIST) refuse("cannot create the state directory " + part);
        } else if (chmod(part.c_str(), mode) != 0) { // not what the umask leaves of it
            refuse("cannot set the mode of " + part);
        }
    }
}

// Nothing: no such file.
std::optional<std::string> read_launch(const std::string& directory) {
    const std::string path = directory + "/" + rundir::launch_file;
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
    if (fd < 0) refuse("cannot read " + path);
    std::string text;
    std::array<char, 16384> buffer;
    ssize_t size = 0;
    while ((size = read(fd, buffer.data(), buffer.size())) > 0)
        text.append(buffer.data(), static_cast<std::size_t>(size));
    const int error = errno;
    close(fd);
    errno = error;
    if (size < 0) refuse("cannot read " + path);
    return text;
}

// Ends a run that cannot be taken over; false when it lives on.
bool end_run(const std::string& directory) {
    for (const std::int64_t until = rundir::boottime_ms() + end_limit_ms; rundir::boottime_ms() < until;) {
        const LockState lock = lock_state(directory);
        ProcessSnapshot snapshot;
        const pid_t supervisor = lock == LockState::free ? 0 : supervisor_of(snapshot, directory);
        if (supervisor > 1) kill(supervisor, SIGKILL);
        const Leftovers left = leftovers_of(snapshot, {directory + "/" + rundir::job_dir, geteuid()});
        for (pid_t pid : left.processes) kill(pid, SIGKILL);
        if (lock == LockState::free && left.processes.empty()) return true;
        usleep(20'000);
    }
    return false;
}

} // namespace

StateDirectory::StateDirectory(const std::string& path, bool other_users)
    : path_(path), runs_dir_(path + "/runs"), kept_dir_(path + "/kept"), spare_dir_(path + "/spare") {
    const mode_t mode = other_users ? 0711 : 0700;
    make_directory(runs_dir_, mode);
    make_directory(kept_dir_, mode);
    make_directory(spare_dir_, 0700);
    for (const std::string& own : {path_, runs_dir_, kept_dir_}) {
        if (other_users && chmod(own.c_str(), mode) != 0) refuse("cannot set the mode of " + own);
    }
    std::string lock = path_ + "/lock";
    lock_fd_ = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock_fd_ < 0) refuse("cannot open " + lock);
    if (flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
        bool taken = errno == EWOULDBLOCK;
        int error = errno;
        close(lock_fd_);
        if (taken)
            throw std::runtime_error("another executor uses the state directory " + path_ + "; give --state-dir");
        errno = error;
        refuse("cannot lock " + lock);
    }
}

StateDirectory::~StateDirectory() { close(lock_fd_); }

std::string StateDirectory::id() const {
    struct stat status {};
    if (fstat(lock_fd_, &status) != 0) refuse("cannot read " + path_);
    return fmt::format("{:x}.{:x}", status.st_dev, status.st_ino);
}

std::vector<FoundRun> StateDirectory::find_runs(Remover& remover) const {
    std::vector<FoundRun> found;
    std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(runs_dir_.c_str()), closedir);
    if (!directory) refuse("cannot read " + runs_dir_);
    for (;;) {
        errno = 0;
        const dirent* entry = readdir(directory.get()); // NOLINT(concurrency-mt-unsafe): one thread
        if (entry == nullptr && errno != 0) refuse("cannot read " + runs_dir_);
        if (entry == nullptr) return found;
        if (entry->d_name[0] == '.') continue;
        const std::string path = runs_dir_ + "/" + entry->d_name;
        const auto launch = read_launch(path);
        try {
            if (launch) {
                found.push_back({path, rundir::decode_launch(*launch)});
                continue;
            }
        } catch (const rundir::LaunchError& error) {
            spdlog::warn("event=launch_unreadable path={} reason={}", quoted(path), quoted(error.what()));
        }
        if (lock_state(path) != LockState::free && !end_run(path)) {
            throw std::runtime_error("the run in " + path + " can neither be taken over nor ended: end its processes");
        }
        const RunDirectory left(path);
        left.tidy(remover, left.collect_outputs().any);
    }
}

} // namespace rcq::executor
