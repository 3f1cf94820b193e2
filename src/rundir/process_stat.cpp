#include "rundir/process_stat.hpp"

#include <array>
#include <charconv>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace rcq::rundir {

namespace {

using Buffer = std::array<char, 1024>;

// Reads /proc/PID/FILE; empty when it cannot be read.
std::string_view read_proc(pid_t pid, const char* file, Buffer& buffer) {
    const std::string path = "/proc/" + std::to_string(pid) + "/" + file;
    int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    ssize_t size = read(fd, buffer.data(), buffer.size());
    close(fd);
    return size > 0 ? std::string_view(buffer.data(), static_cast<std::size_t>(size)) : std::string_view{};
}

template <class Number> bool to_number(std::string_view text, Number& number) {
    return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc{};
}

std::string_view take_word(std::string_view& text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    std::string_view word = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(word.size());
    return word;
}

} // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
    // "pid (name) state ppid pgrp session ...": the name may hold spaces and parentheses, so count from its last one.
    ProcessStat stat;
    std::size_t close = text.rfind(')');
    if (close == std::string_view::npos || !to_number(text, stat.pid)) return std::nullopt;
    text.remove_prefix(close + 1);
    std::array<std::string_view, 20> fields; // [0] is field 3, the state
    for (auto& field : fields) {
        field = take_word(text);
        if (field.empty()) return std::nullopt;
    }
    stat.state = fields[0][0];
    for (std::size_t i = 11; i <= 14; ++i) { // utime, stime, cutime, cstime
        std::int64_t ticks = 0;
        if (!to_number(fields[i], ticks)) return std::nullopt;
        stat.cpu_ticks += static_cast<std::uint64_t>(ticks < 0 ? 0 : ticks);
    }
    if (!to_number(fields[1], stat.parent) || !to_number(fields[2], stat.group) ||
        !to_number(fields[3], stat.session) || !to_number(fields[17], stat.threads) ||
        !to_number(fields[19], stat.start_ticks)) {
        return std::nullopt;
    }
    return stat;
}

std::optional<ProcessStat> read_process_stat(pid_t pid) {
    Buffer buffer;
    return parse_process_stat(read_proc(pid, "stat", buffer));
}

std::int64_t private_memory_kib(pid_t pid) {
    Buffer buffer;
    std::string_view text = read_proc(pid, "statm", buffer);
    std::array<std::int64_t, 3> pages{}; // size, resident, shared
    for (auto& count : pages) {
        if (!to_number(take_word(text), count)) return 0;
    }
    const std::int64_t page_kib = sysconf(_SC_PAGESIZE) / 1024;
    return pages[1] > pages[2] ? (pages[1] - pages[2]) * page_kib : 0;
}

std::int64_t ticks_to_us(std::uint64_t ticks) {
    return static_cast<std::int64_t>(ticks) * (1'000'000 / sysconf(_SC_CLK_TCK));
}

} // namespace rcq::rundir
