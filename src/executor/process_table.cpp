#include "executor/process_table.hpp"

#include <array>
#include <charconv>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>
#include <unordered_set>

namespace rcq::executor {

namespace {

// Reads a small file of /proc; empty when it cannot be read.
std::string_view read_small(const std::string& path, std::array<char, 4096>& buffer) {
    int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    ssize_t size = read(fd, buffer.data(), buffer.size());
    close(fd);
    return size > 0 ? std::string_view(buffer.data(), static_cast<std::size_t>(size)) : std::string_view{};
}

std::string proc_path(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

template <class Number> bool to_number(std::string_view text, Number& number) {
    return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc{};
}

} // namespace

std::optional<ProcessInfo> parse_stat(std::string_view text) {
    // "pid (name) state ppid pgrp session ...": the name may hold spaces and parentheses, so count from its last one.
    ProcessInfo info;
    std::size_t close = text.rfind(')');
    if (close == std::string_view::npos || !to_number(text, info.pid)) return std::nullopt;
    std::array<std::string_view, 20> fields; // [0] is field 3, the state
    std::size_t at = close + 1;
    for (auto& field : fields) {
        while (at < text.size() && text[at] == ' ') ++at;
        std::size_t end = text.find_first_of(" \n", at);
        if (end == std::string_view::npos) end = text.size();
        if (at >= end) return std::nullopt;
        field = text.substr(at, end - at);
        at = end;
    }
    info.state = fields[0][0];
    std::array<std::int64_t, 4> ticks{}; // utime, stime, cutime, cstime: fields 14 to 17
    for (std::size_t i = 0; i < ticks.size(); ++i) {
        if (!to_number(fields[11 + i], ticks[i])) return std::nullopt;
        info.cpu_ticks += static_cast<std::uint64_t>(ticks[i] < 0 ? 0 : ticks[i]);
    }
    if (!to_number(fields[1], info.parent) || !to_number(fields[3], info.session) ||
        !to_number(fields[19], info.start_ticks)) {
        return std::nullopt;
    }
    return info;
}

std::optional<ProcessInfo> read_process(pid_t pid) {
    std::array<char, 4096> buffer;
    return parse_stat(read_small(proc_path(pid, "stat"), buffer));
}

std::vector<ProcessInfo> list_processes() {
    std::vector<ProcessInfo> processes;
    std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
    if (!proc) return processes;
    while (const dirent* entry = readdir(proc.get())) { // NOLINT(concurrency-mt-unsafe): one thread
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
        pid_t pid = 0;
        if (!to_number(std::string_view(entry->d_name), pid)) continue;
        if (auto info = read_process(pid)) processes.push_back(*info);
    }
    return processes;
}

std::int64_t private_memory_kib(pid_t pid) {
    std::array<char, 4096> buffer;
    std::string_view text = read_small(proc_path(pid, "statm"), buffer);
    std::array<std::int64_t, 3> pages{}; // size, resident, shared
    const char* at = text.data();
    const char* end = text.data() + text.size();
    for (auto& count : pages) {
        while (at != end && *at == ' ') ++at;
        auto [next, error] = std::from_chars(at, end, count);
        if (error != std::errc{}) return 0;
        at = next;
    }
    static const std::int64_t page_kib = sysconf(_SC_PAGESIZE) / 1024;
    return pages[1] > pages[2] ? (pages[1] - pages[2]) * page_kib : 0;
}

std::string run_dir_of_process(pid_t pid) {
    int fd = open(proc_path(pid, "environ").c_str(), O_RDONLY | O_CLOEXEC);
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

double ticks_to_seconds(std::uint64_t ticks) {
    static const auto per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
    return static_cast<double>(ticks) / per_second;
}

std::string boot_id() {
    std::array<char, 4096> buffer;
    std::string_view text = read_small("/proc/sys/kernel/random/boot_id", buffer);
    return std::string(text.substr(0, text.find('\n')));
}

Ownership::Result Ownership::assign(const std::vector<ProcessInfo>& processes, const std::vector<Run>& runs,
                                    const std::function<std::string(pid_t)>& run_dir_of) {
    constexpr std::int64_t nobody = 0;
    constexpr std::int64_t ended = -1;
    std::unordered_map<pid_t, const ProcessInfo*> by_pid;
    for (const ProcessInfo& process : processes) by_pid.emplace(process.pid, &process);
    std::unordered_map<pid_t, std::int64_t> by_session;
    std::unordered_map<std::string_view, std::int64_t> by_dir;
    std::unordered_set<std::int64_t> tokens;
    for (const Run& run : runs) {
        if (run.leader > 0) by_session[run.leader] = run.token;
        by_dir[run.run_dir] = run.token;
        tokens.insert(run.token);
    }

    std::unordered_map<pid_t, std::int64_t> owners;
    std::unordered_map<pid_t, Seen> seen;
    std::vector<const ProcessInfo*> chain;
    auto own_evidence = [&](const ProcessInfo& process) -> std::int64_t {
        if (auto session = by_session.find(process.session); session != by_session.end()) return session->second;
        if (auto leader = by_session.find(process.pid); leader != by_session.end())
            return leader->second; // before setsid
        auto before = seen_.find(process.pid);
        if (before != seen_.end() && before->second.start_ticks == process.start_ticks) return before->second.token;
        if (process.parent != executor_ || process.state == 'Z') return nobody;
        std::string named = run_dir_of(process.pid);
        if (named.empty()) return nobody;
        auto dir = by_dir.find(std::string_view(named));
        return dir == by_dir.end() ? ended : dir->second;
    };
    auto owner_of = [&](const ProcessInfo& start) {
        // Up the chain of parents until one is known; then the answer holds for the whole chain.
        chain.clear();
        std::int64_t owner = nobody;
        for (const ProcessInfo* at = &start; at != nullptr;) {
            if (auto known = owners.find(at->pid); known != owners.end()) {
                owner = known->second;
                break;
            }
            owners.emplace(at->pid, nobody);
            chain.push_back(at);
            if (at->pid == executor_ || at->pid == 1) break;
            owner = own_evidence(*at);
            if (owner != nobody || at->parent == executor_) break;
            auto parent = by_pid.find(at->parent);
            at = parent == by_pid.end() ? nullptr : parent->second;
        }
        for (const ProcessInfo* process : chain) owners[process->pid] = owner;
        return owner;
    };

    Result result;
    for (const ProcessInfo& process : processes) {
        std::int64_t owner = owner_of(process);
        if (owner != nobody && by_session.find(process.session) == by_session.end()) {
            seen.emplace(process.pid, Seen{process.start_ticks, owner});
        }
        if (process.state == 'Z') continue;
        if (tokens.contains(owner)) {
            result.members[owner].push_back(&process);
        } else if (process.parent == executor_) {
            (owner == nobody ? result.unknown : result.left_behind).push_back(process.pid);
        }
    }
    seen_ = std::move(seen);
    return result;
}

} // namespace rcq::executor
