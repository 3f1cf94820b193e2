#include "supervisor/descendants.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace rcq::supervisor {

namespace {

// Calls sink(number) for every entry of a directory that is a number.
template <class Sink> void each_number_in(const char* path, Sink&& sink) {
    DIR* directory = opendir(path);
    if (directory == nullptr) return;
    while (const dirent* entry = readdir(directory)) {
        pid_t number = std::atoi(entry->d_name);
        if (number > 0) sink(number);
    }
    closedir(directory);
}

// Appends what a thread forked; false when the kernel does not tell.
bool read_children(pid_t process, pid_t thread, std::vector<pid_t>& children) {
    std::array<char, 64> path;
    (void)std::snprintf(path.data(), path.size(), "/proc/%d/task/%d/children", process, thread);
    int fd = open(path.data(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    std::array<char, 4096> buffer;
    pid_t child = 0;
    for (ssize_t size = 0; (size = read(fd, buffer.data(), buffer.size())) > 0;) {
        for (char digit : std::string_view(buffer.data(), static_cast<std::size_t>(size))) {
            if (digit != ' ') {
                child = child * 10 + (digit - '0');
                continue;
            }
            children.push_back(child);
            child = 0;
        }
    }
    close(fd);
    return true;
}

std::vector<rundir::ProcessStat> follow_children() {
    std::vector<rundir::ProcessStat> found;
    std::vector<pid_t> children;
    const pid_t self = getpid();
    read_children(self, self, children);
    std::vector<std::pair<pid_t, pid_t>> waiting; // with the parent
    waiting.reserve(children.size());
    for (pid_t child : children) waiting.emplace_back(child, self);
    while (!waiting.empty()) {
        const pid_t pid = waiting.back().first;
        const pid_t parent = waiting.back().second;
        waiting.pop_back();
        auto stat = rundir::read_process_stat(pid);
        // Its number may be that of a stranger by now; what was orphaned meanwhile is ours, or found the next time.
        if (!stat || (stat->parent != parent && stat->parent != self)) continue;
        found.push_back(*stat);
        children.clear();
        if (stat->threads <= 1) {
            read_children(pid, pid, children);
        } else {
            const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
            each_number_in(tasks.c_str(), [&](pid_t thread) { read_children(pid, thread, children); });
        }
        for (pid_t child : children) waiting.emplace_back(child, pid);
    }
    return found;
}

} // namespace

std::vector<rundir::ProcessStat> list_descendants() {
    static const bool kernel_tells = [] {
        std::vector<pid_t> children;
        return read_children(getpid(), getpid(), children);
    }();
    return kernel_tells ? follow_children() : search_descendants();
}

std::vector<rundir::ProcessStat> search_descendants() {
    std::vector<rundir::ProcessStat> all;
    each_number_in("/proc", [&](pid_t pid) {
        if (auto stat = rundir::read_process_stat(pid)) all.push_back(*stat);
    });
    std::vector<pid_t> known{getpid()};
    auto found = all.begin();
    for (std::size_t i = 0; i < known.size(); ++i) {
        auto end = std::partition(found, all.end(), [&](const auto& stat) { return stat.parent == known[i]; });
        for (; found != end; ++found) known.push_back(found->pid);
    }
    all.erase(found, all.end());
    return all;
}

void signal_descendants(int signal) {
    const pid_t own_group = getpgrp();
    std::vector<pid_t> groups;
    for (const rundir::ProcessStat& process : list_descendants()) {
        if (process.group == own_group) {
            kill(process.pid, signal); // forked just now, before its setsid
        } else if (process.group > 1) {
            groups.push_back(process.group);
        }
    }
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    for (pid_t group : groups) kill(-group, signal);
}

} // namespace rcq::supervisor
