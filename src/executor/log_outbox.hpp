// What of one run's log still has to reach the database. The first `head_bytes` are sent as they come; of the rest only
// the last `tail_bytes`, at the end, after a line that says what was left out. Bytes wait in memory while there is room
// for them and otherwise stay in the log file, from which they are read when they are sent.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace rcq::executor {

enum class LogStream : std::uint8_t { out, err };

// Memory for waiting chunks, shared by all runs.
struct LogMemory {
    std::size_t limit = 64u << 20;
    std::size_t used = 0;
};

struct LogLimits {
    std::size_t head_bytes = 8u << 20;
    std::size_t tail_bytes = 8u << 20;
    std::size_t memory_bytes = 16u << 20; // of one run
    std::size_t chunk_bytes = 64u << 10;  // chunks that were never sent grow up to this
    std::size_t tail_chunks = 65536;
};

struct LogChunk {
    std::uint64_t seq = 0;
    LogStream stream = LogStream::out;
    std::uint64_t lines = 0;
    std::uint64_t offset = 0; // in the log file
    std::size_t bytes = 0;
    bool in_memory = false;
    bool whole_lines = true;
    std::string data; // when in memory
};

class LogOutbox {
public:
    // Reads bytes of the log file; false when they are gone.
    using Reader = std::function<bool(std::uint64_t offset, std::size_t bytes, std::string& data)>;

    LogOutbox(LogMemory& memory, LogLimits limits, Reader reader);
    ~LogOutbox();
    LogOutbox(const LogOutbox&) = delete;
    LogOutbox& operator=(const LogOutbox&) = delete;

    // One piece of whole lines, or an unfinished line, that stands at `offset` of the log file (when `in_file`).
    void append(LogStream stream, std::string_view piece, std::uint64_t offset, bool in_file);

    // No more pieces will come: queues the tail. `log_file` is named in the marker line.
    void close(const std::string& log_file);

    // Forgets everything that waits.
    void drop();

    [[nodiscard]] bool empty() const { return queue_.empty(); }
    [[nodiscard]] std::size_t size() const { return queue_.size(); }
    [[nodiscard]] std::size_t waiting_bytes() const { return queue_bytes_; }
    [[nodiscard]] const LogChunk& at(std::size_t index) const { return queue_[index]; }

    // The bytes of a chunk that is about to be sent; from then on it is never changed.
    std::string take_for_sending(std::size_t index);

    // The first `count` chunks have reached the database.
    void answered(std::size_t count);

private:
    void queue_chunk(LogChunk chunk);
    bool grow_last(LogStream stream, std::string_view piece, std::uint64_t offset, bool in_file);
    void append_to_tail(LogStream stream, std::string_view piece, std::uint64_t offset);
    [[nodiscard]] bool fits_in_memory(std::size_t bytes) const;
    void release(LogChunk& chunk);

    LogMemory& memory_;
    LogLimits limits_;
    Reader reader_;
    std::deque<LogChunk> queue_;
    std::deque<LogChunk> tail_;
    std::size_t frozen_ = 0; // chunks at the front of the queue that were sent once
    std::size_t queue_bytes_ = 0;
    std::size_t memory_used_ = 0;
    std::size_t head_used_ = 0;
    std::size_t tail_used_ = 0;
    std::uint64_t left_out_ = 0;
    std::uint64_t next_seq_ = 1;
    bool head_full_ = false;
};

} // namespace rcq::executor
