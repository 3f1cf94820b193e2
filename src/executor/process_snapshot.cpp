#include "executor/process_snapshot.hpp"

#include "executor/host_fault.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace rcq::executor {

namespace {

std::string proc_path(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

// Nothing, with errno, when it cannot be read.
std::optional<std::string> read_proc(pid_t pid, const char* file) {
    const int fd = open(proc_path(pid, file).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    std::string text;
    std::array<char, 16384> buffer;
    constexpr std::size_t limit = 4 << 20;
    ssize_t size = 0;
    while (text.size() < limit && (size = read(fd, buffer.data(), buffer.size())) > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    const int error = errno;
    close(fd);
    errno = error;
    if (size < 0) return std::nullopt;
    return text;
}

[[noreturn]] void fail(int error) { throw std::system_error(error, std::generic_category(), "cannot read /proc"); }

} // namespace

ProcessSnapshot::ProcessSnapshot() {
    std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
    if (!proc) fail(errno);
    for (;;) {
        errno = 0;
        const dirent* entry = readdir(proc.get()); // NOLINT(concurrency-mt-unsafe): one thread
        if (entry == nullptr && errno != 0) fail(errno);
        if (entry == nullptr) return;
        pid_t pid = 0;
        const char* end = entry->d_name + std::strlen(entry->d_name);
        if (std::from_chars(entry->d_name, end, pid).ptr != end || pid <= 0) continue;
        errno = 0;
        if (auto stat = rundir::read_process_stat(pid)) {
            processes_.push_back(*stat);
        } else if (is_shortage(errno)) {
            fail(errno);
        }
    }
}

const std::optional<std::string>& ProcessSnapshot::run_dir_of(pid_t pid) {
    auto [entry, fresh] = run_dirs_.try_emplace(pid);
    if (fresh) entry->second = read_run_dir(pid);
    return entry->second;
}

std::optional<std::string> ProcessSnapshot::read_run_dir(pid_t pid) const {
    const auto text = read_proc(pid, "environ");
    if (!text && (errno == ENOENT || errno == ESRCH)) return std::string();
    if (!text) return std::nullopt;
    constexpr std::string_view name = "RCQ_RUN_DIR=";
    for (std::size_t at = 0; at < text->size();) {
        std::size_t end = text->find('\0', at);
        if (end == std::string::npos) end = text->size();
        std::string_view variable(text->data() + at, end - at);
        if (variable.starts_with(name)) return std::string(variable.substr(name.size()));
        at = end + 1;
    }
    return std::string();
}

std::optional<uid_t> ProcessSnapshot::user_of(pid_t pid) const {
    const auto text = read_proc(pid, "status");
    const std::size_t at = text ? text->find("\nUid:\t") : std::string::npos;
    uid_t uid = 0;
    if (at == std::string::npos ||
        std::from_chars(text->data() + at + 6, text->data() + text->size(), uid).ec != std::errc{}) {
        return std::nullopt;
    }
    return uid;
}

std::string ProcessSnapshot::name_of(pid_t pid) const {
    const auto text = read_proc(pid, "comm");
    return text ? text->substr(0, text->find('\n')) : std::string();
}

std::string ProcessSnapshot::directory_of(pid_t pid) const {
    std::array<char, PATH_MAX> target;
    const ssize_t size = readlink(proc_path(pid, "cwd").c_str(), target.data(), target.size());
    return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
}

} // namespace rcq::executor
