#include "supervisor/pump.hpp"

#include "rundir/status.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace rcq::supervisor {

namespace {

std::array<char, 16U << 10> buffer; // of all pumps: there is one at a time

void close_if_open(int& fd) {
    if (fd >= 0) close(std::exchange(fd, -1));
}

} // namespace

Pump::~Pump() { close(); }

bool Pump::open_pipes() {
    for (std::size_t i = 0; i < 2; ++i) {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
        read_[i] = ends[0];
        write_[i] = ends[1];
        // Of this end only: the child's is another description, and a program may not expect O_NONBLOCK there.
        (void)fcntl(read_[i], F_SETFL, O_NONBLOCK);
    }
    return true;
}

void Pump::close_child_ends() {
    for (int& fd : write_) close_if_open(fd);
}

void Pump::prepare(pollfd* entries) const {
    for (std::size_t i = 0; i < 2; ++i) entries[i] = {read_[i], POLLIN, 0};
}

void Pump::take(const pollfd* entries) {
    for (std::size_t i = 0; i < 2; ++i) {
        if (entries[i].revents != 0) take_from(i);
    }
}

void Pump::take_from(std::size_t index) {
    ssize_t size = read(read_[index], buffer.data(), buffer.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) {
        flush(index);
        return close_if_open(read_[index]);
    }
    const bool had_partial = lines_[index].has_partial();
    bool handed_out = false;
    lines_[index].feed(std::string_view(buffer.data(), static_cast<std::size_t>(size)), [&](std::string_view piece) {
        handed_out = true;
        log_.append(static_cast<rundir::LogStream>(index), piece);
    });
    if (!had_partial || handed_out) partial_since_ms_[index] = rundir::boottime_ms();
}

void Pump::flush(std::size_t index) {
    lines_[index].flush([&](std::string_view piece) { log_.append(static_cast<rundir::LogStream>(index), piece); });
}

void Pump::flush_due(std::int64_t now_ms) {
    for (std::size_t i = 0; i < 2; ++i) {
        if (lines_[i].has_partial() && now_ms - partial_since_ms_[i] >= rundir::partial_line_ms) flush(i);
    }
}

std::int64_t Pump::next_flush_ms() const {
    std::int64_t next = -1;
    for (std::size_t i = 0; i < 2; ++i) {
        if (!lines_[i].has_partial()) continue;
        const std::int64_t due = partial_since_ms_[i] + rundir::partial_line_ms;
        next = next < 0 ? due : std::min(next, due);
    }
    return next;
}

void Pump::close() {
    close_child_ends();
    for (std::size_t i = 0; i < 2; ++i) {
        flush(i);
        close_if_open(read_[i]);
    }
}

} // namespace rcq::supervisor
