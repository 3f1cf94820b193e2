#include "executor/state_directory.hpp"

#include "executor/clock.hpp"
#include "executor/logging.hpp"
#include "executor/process_table.hpp"
#include "executor/remover.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_set>
#include <vector>

namespace rcq::executor {

namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

void make_directory(const std::string& path) {
    for (std::size_t at = 1; at != std::string::npos;) {
        at = path.find('/', at + 1);
        std::string part = path.substr(0, at);
        if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) refuse("cannot create the state directory " + part);
    }
}

std::vector<std::string> subdirectories(const std::string& path) {
    std::vector<std::string> names;
    std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
    if (!directory) return names;
    while (const dirent* entry = readdir(directory.get())) { // NOLINT(concurrency-mt-unsafe): one thread
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    return names;
}

struct Leader {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;
    std::string boot;
};

// Sessions whose leader still lives as the pid file says. A leader that died leaves its session without proof; what
// remains of it is found by the environment.
std::unordered_set<pid_t> recorded_sessions(const std::string& runs_dir, const std::vector<std::string>& unfinished) {
    std::unordered_set<pid_t> sessions;
    const std::string boot = boot_id();
    for (const std::string& name : unfinished) {
        Leader leader;
        std::string path = runs_dir;
        path.append("/").append(name).append("/pid");
        std::ifstream file(path);
        if (!(file >> leader.pid >> leader.start_ticks >> leader.boot) || leader.boot != boot) continue;
        auto process = read_process(leader.pid);
        if (process && process->start_ticks == leader.start_ticks) sessions.insert(leader.pid);
    }
    return sessions;
}

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

} // namespace

StateDirectory::StateDirectory(const std::string& path) : path_(path), runs_dir_(path + "/runs") {
    make_directory(runs_dir_);
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

void StateDirectory::clean_up_after_predecessor(Remover& remover) const {
    // A pid file marks a run whose end was not answered.
    std::vector<std::string> unfinished;
    for (std::string& name : subdirectories(runs_dir_)) {
        std::string directory = runs_dir_ + "/" + name;
        if (exists(directory + "/pid") || exists(directory + "/script")) unfinished.push_back(std::move(name));
    }

    const std::string prefix = runs_dir_ + "/";
    const auto sessions = recorded_sessions(runs_dir_, unfinished);
    const std::int64_t deadline = boottime_ms() + 10'000;
    std::size_t killed = 0;
    for (bool first = true;; first = false) {
        std::size_t alive = 0;
        for (const ProcessInfo& process : list_processes()) {
            if (process.state == 'Z' || process.pid == getpid()) continue;
            bool ours = sessions.contains(process.session) || run_dir_of_process(process.pid).starts_with(prefix);
            if (!ours || (kill(process.pid, SIGKILL) != 0 && errno != EPERM)) continue;
            ++alive;
        }
        if (first) killed = alive;
        if (alive == 0) break;
        if (boottime_ms() > deadline) {
            spdlog::error("event=predecessor_still_alive processes={}", alive);
            break;
        }
        usleep(20'000);
    }
    if (!unfinished.empty() || killed > 0) {
        spdlog::warn("event=predecessor_cleaned_up runs={} processes_killed={}", unfinished.size(), killed);
    }

    for (const std::string& name : unfinished) {
        std::string directory = prefix + name;
        std::vector<std::string> keep;
        rmdir((directory + "/out").c_str());
        if (exists(directory + "/out")) keep.emplace_back("out");
        if (exists(directory + "/log")) keep.emplace_back("log");
        remover.remove(directory, std::move(keep));
    }
}

} // namespace rcq::executor
