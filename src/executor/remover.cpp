#include "executor/remover.hpp"

#include "executor/host_fault.hpp"
#include "executor/logging.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace rcq::executor {

namespace {

constexpr int slice_entries = 300; // some milliseconds
constexpr std::uint64_t pause_ms = 2;
constexpr std::uint64_t shortage_ms = 1000; // without a free descriptor
constexpr int most_changes = 1000;          // somebody else works against us
constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

bool is_dots(const char* name) { return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0; }

// A job may have made a directory that not even its owner reads, writes or enters.
int open_directory(int parent, const char* name) {
    int fd = openat(parent, name, directory_flags);
    struct stat status {};
    if (fd >= 0) {
        if (fstat(fd, &status) == 0 && (status.st_mode & S_IRWXU) != S_IRWXU) (void)fchmod(fd, S_IRWXU);
        return fd;
    }
    if (errno != EACCES) return -1;
    const int handle = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (handle < 0) return -1;
    const std::string itself = "/proc/self/fd/" + std::to_string(handle);
    if (chmod(itself.c_str(), S_IRWXU) == 0) fd = open(itself.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int error = errno;
    close(handle);
    errno = error;
    return fd;
}

bool is_mount(int fd) {
    struct statx facts {};
    return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &facts) == 0 &&
           (facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

} // namespace

Remover::Remover(uv_loop_t* loop) : timer_(loop, [this] { slice(); }) {}

Remover::~Remover() {
    if (fd_ >= 0) close(fd_);
}

void Remover::remove(std::string directory, std::vector<std::string> keep) {
    tasks_.push_back({std::move(directory), std::move(keep)});
    if (!timer_.active()) timer_.start(0);
}

void Remover::slice() {
    const bool able = step();
    if (!tasks_.empty()) timer_.start(able ? pause_ms : shortage_ms);
}

void Remover::finish() {
    while (!tasks_.empty() && step()) {
    }
    timer_.stop();
}

// False when there is no descriptor for it now.
bool Remover::step() {
    for (int budget = slice_entries; !tasks_.empty() && budget > 0;) {
        if (fd_ < 0 && !begin()) {
            if (is_shortage(errno)) return false;
            if (errno != ENOENT) give_up("", errno);
            end_task();
            --budget;
            continue;
        }
        work(budget);
    }
    return true;
}

bool Remover::begin() {
    fd_ = open_directory(AT_FDCWD, tasks_.front().root.c_str());
    return fd_ >= 0;
}

void Remover::end_task() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
    above_.clear();
    tasks_.pop_front();
}

void Remover::give_up(const char* name, int error) {
    spdlog::warn("event=remove_failed path={} below={} depth={} reason={}", quoted(tasks_.front().root), quoted(name),
                 above_.size(), quoted(std::strerror(error)));
}

// The walk begins anew: the directory in work was moved elsewhere, or filled again.
void Remover::changed_meanwhile() {
    if (++tasks_.front().again > most_changes) {
        give_up("", EBUSY);
        return end_task();
    }
    close(std::exchange(fd_, -1));
    above_.clear();
}

// Removes what is in the directory in work, until the budget is used up or another directory is in work.
void Remover::work(int& budget) {
    alignas(dirent64) std::array<char, 4096> buffer;
    const int here = fd_;
    const std::vector<std::string>& keep = tasks_.front().keep;
    while (budget > 0) {
        const ssize_t size = getdents64(fd_, buffer.data(), buffer.size());
        --budget;
        if (size <= 0) return ascend();
        for (ssize_t at = 0; at < size;) {
            const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
            at += entry->d_reclen;
            if (is_dots(entry->d_name)) continue;
            if (above_.empty() && std::find(keep.begin(), keep.end(), entry->d_name) != keep.end()) continue;
            --budget;
            const std::size_t depth = above_.size();
            if (remove_entry(entry->d_name, entry->d_type == DT_DIR) == Found::nothing) return;
            if (fd_ != here || above_.size() != depth) return;
        }
    }
}

// Nothing: the task is over, or begins anew.
Remover::Found Remover::remove_entry(const char* name, bool directory) {
    if (!directory) {
        if (unlinkat(fd_, name, 0) == 0 || errno == ENOENT) return Found::something;
        if (errno != EISDIR) {
            give_up(name, errno);
            end_task();
            return Found::nothing;
        }
    }
    if (unlinkat(fd_, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return Found::something;
    if (errno == ENOTDIR) {
        changed_meanwhile();
        return Found::nothing;
    }
    const std::size_t tasks = tasks_.size();
    descend(name);
    return tasks_.size() == tasks && fd_ >= 0 ? Found::something : Found::nothing;
}

void Remover::descend(const char* name) {
    struct stat here {};
    const int below = fstat(fd_, &here) == 0 ? open_directory(fd_, name) : -1;
    if (below < 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || is_shortage(errno)) return changed_meanwhile();
        give_up(name, errno);
        return end_task();
    }
    if (is_mount(below)) {
        close(below);
        give_up(name, EBUSY);
        return end_task();
    }
    above_.push_back({here.st_dev, here.st_ino, name});
    close(std::exchange(fd_, below));
}

// The directory in work is read to its end.
void Remover::ascend() {
    if (above_.empty()) {
        const Task& task = tasks_.front();
        if (task.keep.empty() && rmdir(task.root.c_str()) != 0 && errno != ENOENT) {
            if (errno == ENOTEMPTY) return changed_meanwhile();
            give_up("", errno);
        }
        return end_task();
    }
    const Level level = std::move(above_.back());
    above_.pop_back();
    const int up = openat(fd_, "..", directory_flags);
    if (up < 0) return changed_meanwhile();
    close(std::exchange(fd_, up));
    struct stat there {};
    if (fstat(fd_, &there) != 0 || there.st_dev != level.device || there.st_ino != level.inode) {
        return changed_meanwhile();
    }
    if (unlinkat(fd_, level.name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) {
        if (lseek(fd_, 0, SEEK_SET) != 0) changed_meanwhile();
    } else if (errno == ENOTEMPTY || errno == ENOTDIR) {
        changed_meanwhile();
    } else {
        give_up(level.name.c_str(), errno);
        end_task();
    }
}

} // namespace rcq::executor
