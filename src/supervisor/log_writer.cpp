#include "supervisor/log_writer.hpp"

#include "rundir/line_splitter.hpp"
#include "rundir/paths.hpp"
#include "rundir/status.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace rcq::supervisor {

namespace {

// After the disk took nothing, output is dropped for this time before it is tried again.
constexpr std::int64_t try_again_after_ms = 1000;

constexpr auto entry_size = static_cast<std::int64_t>(sizeof(rundir::LogPiece));

int open_to_append(int directory, const char* name) {
    return openat(directory, name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool write_all(int fd, const void* bytes, std::size_t size) {
    ssize_t written = write(fd, bytes, size);
    if (written == static_cast<ssize_t>(size)) return true;
    if (written >= 0) errno = ENOSPC; // takes a part only when there is no more room
    return false;
}

} // namespace

LogWriter::~LogWriter() {
    if (log_ >= 0) close(log_);
    if (index_ >= 0) close(index_);
}

bool LogWriter::open_files() {
    if (log_ < 0) log_ = open_to_append(directory_, rundir::log_file);
    if (index_ < 0) index_ = open_to_append(directory_, rundir::index_file);
    return log_ >= 0 && index_ >= 0;
}

bool LogWriter::put(rundir::LogStream stream, std::string_view piece) {
    rundir::LogPiece entry;
    entry.bytes = static_cast<std::uint32_t>(piece.size());
    entry.lines = static_cast<std::uint32_t>(rundir::count_lines(piece));
    entry.stream = stream;
    entry.whole_lines = piece.back() == '\n';
    if (!open_files()) {
        error_ = errno;
        return false;
    }
    if (write_all(log_, piece.data(), piece.size()) && write_all(index_, &entry, sizeof entry)) {
        log_size_ += entry.bytes;
        index_size_ += sizeof entry;
        return true;
    }
    error_ = errno;
    (void)!ftruncate(index_, index_size_);
    (void)!ftruncate(log_, log_size_);
    return false;
}

bool LogWriter::write_marker(const std::string& text) { return put(rundir::LogStream::err, "[rcq: " + text + "]\n"); }

bool LogWriter::tell_of_loss() {
    if (lost_ == 0) return true;
    if (!write_marker(std::to_string(lost_) + " bytes of output are lost: " + std::strerror(error_))) return false;
    lost_ = 0;
    return true;
}

void LogWriter::append(rundir::LogStream stream, std::string_view output) {
    while (!output.empty()) {
        std::string_view piece = output.substr(0, rundir::max_piece_bytes);
        if (piece.size() < output.size()) {
            std::size_t newline = piece.rfind('\n');
            if (newline != std::string_view::npos) piece = piece.substr(0, newline + 1);
        }
        append_piece(stream, piece);
        output.remove_prefix(piece.size());
    }
}

void LogWriter::append_piece(rundir::LogStream stream, std::string_view piece) {
    const auto size = static_cast<std::int64_t>(piece.size());
    if (full_) {
        dropped_ += size;
        return;
    }
    const std::int64_t left = limit_ - log_size_ - index_size_ - entry_size;
    const std::int64_t taken = limit_ > 0 ? std::clamp<std::int64_t>(left, 0, size) : size;
    if (taken > 0) {
        const std::int64_t now = rundir::boottime_ms();
        const bool waiting = lost_ > 0 && now < try_again_ms_;
        if (waiting || !tell_of_loss() || !put(stream, piece.substr(0, static_cast<std::size_t>(taken)))) {
            if (!waiting) try_again_ms_ = now + try_again_after_ms;
            dropped_ += size;
            lost_ += size;
            return;
        }
    }
    if (taken == size) return;
    full_ = true;
    dropped_ += size - taken;
    write_marker("the log has reached its limit of " + std::to_string(limit_) + " bytes, the rest is dropped");
}

void LogWriter::finish() { tell_of_loss(); }

} // namespace rcq::supervisor
