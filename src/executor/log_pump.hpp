// Moves what a run writes from its two pipes into its log file and its outbox. The job waits for nothing but the disk.
#pragma once
#include "executor/log_outbox.hpp"
#include "executor/loop.hpp"
#include "rundir/line_splitter.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace rcq::executor {

class LogPump {
public:
    // `grown` is called after pieces have entered the outbox; `closed` once both pipes are at their end.
    LogPump(uv_loop_t* loop, LogMemory& memory, std::string log_path, std::function<void()> grown,
            std::function<void()> closed);
    ~LogPump();
    LogPump(const LogPump&) = delete;
    LogPump& operator=(const LogPump&) = delete;

    // Makes the pipes; the write ends are for the child. Throws std::system_error.
    std::array<int, 2> open_pipes();

    // Starts to read; to be called after the child has its ends, which are closed here.
    void start();

    // Reads what is there now without waiting.
    void drain_now();

    // Gives up what may still come through the pipes.
    void abandon();

    [[nodiscard]] bool at_end() const { return inputs_[0].fd < 0 && inputs_[1].fd < 0; }

    // No more output: unfinished lines, tail and marker go to the outbox, the file is closed.
    void finish(const std::string& host);

    [[nodiscard]] LogOutbox& outbox() { return outbox_; }
    [[nodiscard]] std::uint64_t bytes_in_file() const { return file_size_; }

private:
    struct Input {
        int fd = -1;
        int write_fd = -1;
        std::unique_ptr<Poll> poll;
        rundir::LineSplitter lines;
    };

    void readable(std::size_t index);
    std::size_t read_some(std::size_t index); // bytes read; 0 when there is nothing now, or at the end
    void close_input(std::size_t index);
    void close_write_ends();
    void piece(std::size_t index, std::string_view bytes);
    bool write_to_file(std::string_view bytes);
    bool read_back(std::uint64_t offset, std::size_t bytes, std::string& data);
    void flush_partial_lines();

    uv_loop_t* loop_;
    std::string log_path_;
    std::function<void()> grown_;
    std::function<void()> closed_;
    std::array<Input, 2> inputs_;
    LogOutbox outbox_;
    std::unique_ptr<Timer> partial_timer_;
    int file_ = -1;
    bool file_failed_ = false;
    std::uint64_t file_size_ = 0;
};

} // namespace rcq::executor
