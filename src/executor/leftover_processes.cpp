#include "executor/leftover_processes.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <unistd.h>
#include <unordered_set>

namespace rcq::executor {

std::string run_dir_of_process(pid_t pid) {
    int fd = open(("/proc/" + std::to_string(pid) + "/environ").c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    std::string text;
    std::array<char, 16384> buffer;
    constexpr std::size_t limit = 4 << 20;
    ssize_t size = 0;
    while (text.size() < limit && (size = read(fd, buffer.data(), buffer.size())) > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    close(fd);
    constexpr std::string_view name = "RCQ_RUN_DIR=";
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = text.find('\0', at);
        if (end == std::string::npos) end = text.size();
        std::string_view variable(text.data() + at, end - at);
        if (variable.starts_with(name)) return std::string(variable.substr(name.size()));
        at = end + 1;
    }
    return {};
}

std::vector<rundir::ProcessStat> list_processes() {
    std::vector<rundir::ProcessStat> processes;
    std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
    if (!proc) return processes;
    while (const dirent* entry = readdir(proc.get())) { // NOLINT(concurrency-mt-unsafe): one thread
        pid_t pid = 0;
        const char* end = entry->d_name + std::strlen(entry->d_name);
        if (std::from_chars(entry->d_name, end, pid).ptr != end || pid <= 0) continue;
        if (auto stat = rundir::read_process_stat(pid)) processes.push_back(*stat);
    }
    return processes;
}

std::vector<pid_t> processes_of_run(const std::vector<rundir::ProcessStat>& processes, const std::string& run_dir,
                                    pid_t session, const std::function<std::string(pid_t)>& run_dir_of) {
    std::unordered_set<pid_t> members;
    std::unordered_set<pid_t> sessions;
    if (session > 1) sessions.insert(session);
    std::vector<pid_t> found;
    for (bool grown = true; grown;) { // until nobody new is found
        const bool first = members.empty() && found.empty();
        grown = false;
        for (const rundir::ProcessStat& process : processes) {
            if (members.contains(process.pid) || process.pid <= 1) continue;
            bool member = sessions.contains(process.session) || members.contains(process.parent) ||
                          (first && process.state != 'Z' && run_dir_of(process.pid) == run_dir);
            if (!member) continue;
            members.insert(process.pid);
            if (process.session > 1) sessions.insert(process.session);
            if (process.state != 'Z') found.push_back(process.pid);
            grown = true;
        }
    }
    return found;
}

} // namespace rcq::executor
