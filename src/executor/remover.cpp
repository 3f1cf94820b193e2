#include "executor/remover.hpp"

#include "executor/logging.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {

namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

bool is_dots(const char* name) { return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0; }

bool is_directory(int parent, const dirent* entry) {
    if (entry->d_type != DT_UNKNOWN) return entry->d_type == DT_DIR;
    struct stat status {};
    return fstatat(parent, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

} // namespace

Remover::Remover(uv_loop_t* loop) : timer_(loop, [this] { slice(); }) {}

void Remover::remove(std::string directory, std::vector<std::string> keep) {
    Task task{std::move(directory), std::move(keep), {}};
    task.path.push_back(task.root);
    tasks_.push_back(std::move(task));
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
        Task& task = tasks_.front();
        work_on(task, budget);
        if (task.path.empty()) tasks_.pop_front();
    }
}

// Empties the deepest directory of the path; goes down when it meets another one, and up when it is empty.
void Remover::work_on(Task& task, int& budget) {
    const std::string directory = task.path.back();
    bool at_root = task.path.size() == 1;
    --budget;
    Directory open(opendir(directory.c_str()), closedir);
    if (!open && errno == EACCES && chmod(directory.c_str(), 0700) == 0) open.reset(opendir(directory.c_str()));
    if (!open) {
        task.path.pop_back();
        if (!at_root) task.path.clear(); // it would be met again and again
        return;
    }
    bool writable = false;
    while (const dirent* entry = readdir(open.get())) { // NOLINT(concurrency-mt-unsafe): one thread
        if (is_dots(entry->d_name)) continue;
        if (at_root && std::find(task.keep.begin(), task.keep.end(), entry->d_name) != task.keep.end()) continue;
        if (--budget <= 0) return;
        if (is_directory(dirfd(open.get()), entry)) {
            task.path.push_back(directory + "/" + entry->d_name);
            return;
        }
        if (unlinkat(dirfd(open.get()), entry->d_name, 0) == 0 || errno == ENOENT) continue;
        if (errno == EACCES && !writable && fchmod(dirfd(open.get()), 0700) == 0) {
            writable = true;
            if (unlinkat(dirfd(open.get()), entry->d_name, 0) == 0) continue;
        }
        spdlog::warn("event=remove_failed path={} reason={}", quoted(directory + "/" + entry->d_name),
                     quoted(std::strerror(errno)));
        task.path.clear();
        return;
    }
    task.path.pop_back();
    if (at_root && !task.keep.empty()) return;
    if (rmdir(directory.c_str()) == 0 || errno == ENOENT) return;
    int error = errno;
    if (!at_root && error == EACCES && chmod(task.path.back().c_str(), 0700) == 0 && rmdir(directory.c_str()) == 0)
        return;
    spdlog::warn("event=remove_failed path={} reason={}", quoted(directory), quoted(std::strerror(error)));
    task.path.clear();
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
