#include "executor/remover.hpp"

#include "executor/logging.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace rcq::executor {

namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

bool is_dots(const char* name) { return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0; }

bool is_directory(int parent, const dirent* entry) {
    if (entry->d_type != DT_UNKNOWN) return entry->d_type == DT_DIR;
    struct stat status {};
    return fstatat(parent, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

// A job may have made a directory that not even its owner reads. Root needs no help with that.
int open_directory(int parent, const std::string& name) {
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(parent, name.c_str(), flags);
    if (fd >= 0 || errno != EACCES || geteuid() == 0) return fd;
    if (fchmodat(parent, name.c_str(), 0700, 0) != 0) return -1;
    return openat(parent, name.c_str(), flags);
}

// Removes a name from a directory that may have been made read-only.
bool unlink_from(int parent, const std::string& name, int flags) {
    if (unlinkat(parent, name.c_str(), flags) == 0 || errno == ENOENT) return true;
    return errno == EACCES && fchmod(parent, 0700) == 0 && unlinkat(parent, name.c_str(), flags) == 0;
}

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() { reset(-1); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    void reset(int fd) {
        if (fd_ >= 0) close(fd_);
        fd_ = fd;
    }
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }

private:
    int fd_;
};

} // namespace

Remover::Remover(uv_loop_t* loop) : timer_(loop, [this] { slice(); }) {}

void Remover::remove(std::string directory, std::vector<std::string> keep) {
    tasks_.push_back({std::move(directory), std::move(keep), {}});
    if (!timer_.active()) timer_.start(0);
}

void Remover::slice() {
    step();
    if (!tasks_.empty()) timer_.start(2);
}

void Remover::finish() {
    while (!tasks_.empty()) step();
    timer_.stop();
}

void Remover::step() {
    int budget = 300; // entries; some milliseconds
    while (!tasks_.empty() && budget > 0) {
        work_on(tasks_.front(), budget);
        if (tasks_.front().done) tasks_.pop_front();
    }
}

// Empties the deepest directory of the path; goes down when it meets another one, and up when it is empty.
void Remover::work_on(Task& task, int& budget) {
    --budget;
    Descriptor parent(AT_FDCWD);
    Descriptor at(open_directory(AT_FDCWD, task.root));
    for (const std::string& name : task.below) {
        if (at.get() < 0) break;
        const int below = open_directory(at.get(), name);
        --budget;
        parent.reset(at.release());
        at.reset(below);
    }
    if (at.get() < 0) {
        if (errno != ENOENT) {
            spdlog::warn("event=remove_failed path={} reason={}", quoted(task.root), quoted(std::strerror(errno)));
        }
        task.done = true;
        return;
    }
    budget = std::max(budget, 20); // however long the way was
    const std::size_t depth = task.below.size();
    empty_directory(task, at.get(), budget);
    if (task.done || budget <= 0 || task.below.size() > depth) return;
    const std::string name = task.below.empty() ? task.root : task.below.back();
    task.done = task.below.empty();
    if (task.done && !task.keep.empty()) return;
    if (!task.below.empty()) task.below.pop_back();
    if (unlink_from(parent.get(), name, AT_REMOVEDIR)) return;
    spdlog::warn("event=remove_failed path={} below={} reason={}", quoted(task.root), quoted(name),
                 quoted(std::strerror(errno)));
    task.done = true; // it would be met again and again
}

void Remover::empty_directory(Task& task, int fd, int& budget) {
    Directory open(fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0)), closedir);
    while (const dirent* entry = open ? readdir(open.get()) : nullptr) { // NOLINT(concurrency-mt-unsafe): one thread
        if (is_dots(entry->d_name)) continue;
        if (task.below.empty() && std::find(task.keep.begin(), task.keep.end(), entry->d_name) != task.keep.end()) {
            continue;
        }
        if (--budget <= 0) return;
        if (is_directory(fd, entry)) {
            task.below.emplace_back(entry->d_name);
            return;
        }
        if (unlink_from(fd, entry->d_name, 0)) continue;
        spdlog::warn("event=remove_failed path={} below={} reason={}", quoted(task.root), quoted(entry->d_name),
                     quoted(std::strerror(errno)));
        task.done = true;
        return;
    }
}

std::vector<std::string> find_expired(const std::string& runs_dir, double age_s,
                                      const std::function<bool(const std::string&)>& in_use) {
    std::vector<std::string> expired;
    Directory open(opendir(runs_dir.c_str()), closedir);
    if (!open) return expired;
    const auto now = static_cast<double>(std::time(nullptr));
    while (const dirent* entry = readdir(open.get())) { // NOLINT(concurrency-mt-unsafe): one thread
        if (is_dots(entry->d_name) || in_use(entry->d_name)) continue;
        struct stat status {};
        if (fstatat(dirfd(open.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (S_ISDIR(status.st_mode) && now - static_cast<double>(status.st_mtime) >= age_s) {
            expired.push_back(runs_dir + "/" + entry->d_name);
        }
    }
    return expired;
}

} // namespace rcq::executor
