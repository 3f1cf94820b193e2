#include "executor/log_pump.hpp"

#include "executor/logging.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr std::uint64_t partial_line_ms = 1000;
constexpr std::size_t read_size = std::size_t{64} << 10;
constexpr int reads_per_turn = 4; // then other runs have their turn

void close_fd(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
}

} // namespace

LogPump::LogPump(uv_loop_t* loop, LogMemory& memory, std::string log_path, std::function<void()> grown,
                 std::function<void()> closed)
    : loop_(loop), log_path_(std::move(log_path)), grown_(std::move(grown)), closed_(std::move(closed)),
      outbox_(memory, LogLimits{}, [this](std::uint64_t offset, std::size_t bytes, std::string& data) {
          return read_back(offset, bytes, data);
      }) {}

LogPump::~LogPump() {
    abandon();
    close_fd(file_);
}

std::array<int, 2> LogPump::open_pipes() {
    for (Input& input : inputs_) {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) != 0) {
            int error = errno;
            abandon();
            throw std::system_error(error, std::generic_category(), "cannot make a pipe");
        }
        input.fd = ends[0];
        input.write_fd = ends[1];
        (void)fcntl(input.fd, F_SETFL, O_NONBLOCK); // this end alone: the job's end must block
    }
    return {inputs_[0].write_fd, inputs_[1].write_fd};
}

void LogPump::start() {
    close_write_ends();
    for (std::size_t index = 0; index < inputs_.size(); ++index) {
        inputs_[index].poll =
            std::make_unique<Poll>(loop_, inputs_[index].fd, [this, index](int, int) { readable(index); });
        inputs_[index].poll->start(UV_READABLE);
    }
}

void LogPump::close_write_ends() {
    for (Input& input : inputs_) close_fd(input.write_fd);
}

void LogPump::readable(std::size_t index) {
    std::size_t before = outbox_.waiting_bytes();
    for (int turn = 0; turn < reads_per_turn && read_some(index) == read_size; ++turn) {
    }
    if (outbox_.waiting_bytes() != before) grown_();
    if (at_end()) closed_();
}

void LogPump::drain_now() {
    std::size_t before = outbox_.waiting_bytes();
    for (std::size_t index = 0; index < inputs_.size(); ++index) {
        // A process that stayed behind may write without end.
        for (int turn = 0; turn < 64 && read_some(index) > 0; ++turn) {
        }
    }
    if (outbox_.waiting_bytes() != before) grown_();
}

std::size_t LogPump::read_some(std::size_t index) {
    static std::array<char, read_size> buffer; // one thread reads all pipes
    Input& input = inputs_[index];
    if (input.fd < 0) return 0;
    ssize_t size = read(input.fd, buffer.data(), buffer.size());
    if (size > 0) {
        input.lines.feed({buffer.data(), static_cast<std::size_t>(size)},
                         [this, index](std::string_view bytes) { piece(index, bytes); });
        if (input.lines.has_partial()) {
            if (!partial_timer_) partial_timer_ = std::make_unique<Timer>(loop_, [this] { flush_partial_lines(); });
            if (!partial_timer_->active()) partial_timer_->start(partial_line_ms);
        }
        return static_cast<std::size_t>(size);
    }
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    close_input(index);
    return 0;
}

void LogPump::close_input(std::size_t index) {
    inputs_[index].poll.reset(); // before the descriptor: the loop must forget it first
    close_fd(inputs_[index].fd);
}

void LogPump::abandon() {
    for (std::size_t index = 0; index < inputs_.size(); ++index) close_input(index);
    close_write_ends();
}

void LogPump::flush_partial_lines() {
    for (std::size_t index = 0; index < inputs_.size(); ++index) {
        inputs_[index].lines.flush([this, index](std::string_view bytes) { piece(index, bytes); });
    }
    grown_();
}

void LogPump::piece(std::size_t index, std::string_view bytes) {
    std::uint64_t offset = file_size_;
    bool in_file = write_to_file(bytes);
    outbox_.append(index == 0 ? LogStream::out : LogStream::err, bytes, offset, in_file);
}

bool LogPump::write_to_file(std::string_view bytes) {
    if (file_failed_) return false;
    if (file_ < 0) {
        file_ = open(log_path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    std::size_t total = bytes.size();
    while (file_ >= 0 && !bytes.empty()) {
        ssize_t written = write(file_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) break;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    if (file_ < 0 || !bytes.empty()) {
        spdlog::error("event=log_file_failed path={} reason={}", quoted(log_path_), quoted(std::strerror(errno)));
        file_failed_ = true;
        return false;
    }
    file_size_ += total;
    return true;
}

bool LogPump::read_back(std::uint64_t offset, std::size_t bytes, std::string& data) {
    int fd = file_ >= 0 ? file_ : open(log_path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return false;
    data.resize(bytes);
    std::size_t done = 0;
    while (done < bytes) {
        ssize_t size = pread(fd, data.data() + done, bytes - done, static_cast<off_t>(offset + done));
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        done += static_cast<std::size_t>(size);
    }
    if (fd != file_) close(fd);
    return done == bytes;
}

void LogPump::finish(const std::string& host) {
    for (std::size_t index = 0; index < inputs_.size(); ++index) {
        inputs_[index].lines.flush([this, index](std::string_view bytes) { piece(index, bytes); });
    }
    partial_timer_.reset();
    outbox_.close(host + ":" + log_path_);
    close_fd(file_);
}

} // namespace rcq::executor
