// What of one run's log still has to reach the database, read from the files `log` and `log.index` of its directory
// when it is asked for: no byte is kept here and no file stays open.
//
// What is sent is one stream of bytes that any executor forms alike: the pieces of the head in their order as they
// come; once the run has ended a line that says what was left out, and the pieces of the tail; at last a line that
// tells what the supervisor had to drop. An executor that takes the run over therefore needs to know only how many
// bytes are stored.
#pragma once
#include "rundir/log_index.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rcq::executor {

using rundir::LogStream;

struct LogLimits {
    std::uint64_t head_bytes = 8U << 20;
    std::uint64_t tail_bytes = 8U << 20;
    std::uint64_t tail_pieces = 65536;
    std::uint64_t chunk_bytes = 64U << 10;
};

// Whole pieces of one stream.
struct LogChunk {
    std::uint64_t seq = 0; // number of its first line
    LogStream stream = LogStream::out;
    std::uint64_t lines = 0;
    std::string data;
};

class LogReader {
public:
    explicit LogReader(std::string directory, LogLimits limits = {});

    // So much of the stream is stored already.
    void resume(std::uint64_t next_seq, std::uint64_t bytes);

    // The run has ended: nothing is appended any more. `place` is named to those who look for what was left out; it
    // must be the same for every executor. `dropped` bytes of output are in no file; nothing: the supervisor died.
    void close(const std::string& place, std::optional<std::int64_t> dropped);
    // The log is longer than the head, so that some of it may be left out.
    [[nodiscard]] bool has_tail() const;

    struct Taken {
        std::vector<LogChunk> chunks;
        bool more = false; // there is more than fits
    };
    // What follows, at most so much, but one chunk in any case. Under way until answered() or rewind().
    Taken take(std::size_t bytes, std::size_t chunks);
    // What is under way has arrived.
    void answered();
    // What is under way was lost on its way: it is taken again, in the same chunks.
    void rewind();
    // The chunk under way, a single one if any, is refused: it is taken again with as many bytes and lines, but without
    // what it says, so that the stream stays the same for every executor. False when it was that already.
    bool blank();
    // Nothing more is to be sent.
    void drop();

    // Everything has arrived and nothing more will come.
    [[nodiscard]] bool complete();
    // The sequence number of what is taken next.
    [[nodiscard]] std::uint64_t next_seq() const { return at_.seq; }

private:
    class Files;
    enum class Part : std::uint8_t { head, left_out, tail, dropped, end };
    struct Cursor {
        Part part = Part::head;
        std::uint64_t piece = 0;  // its number in the index
        std::uint64_t offset = 0; // where it begins in the log
        std::uint64_t seq = 1;
    };
    struct Item { // a piece, or a line of our own
        std::uint64_t bytes = 0;
        std::uint64_t lines = 1;
        LogStream stream = LogStream::err;
        bool whole_lines = true;
        std::string text; // of our own
    };

    std::optional<Item> item_at(Files& files, Cursor& at);
    static void step_over(Cursor& at, const Item& item);
    void find_tail(Files& files, const Cursor& head_end);
    bool skip_stored(Files& files);
    std::optional<LogChunk> form_chunk(Files& files, Cursor& at, std::uint32_t& items, bool frozen);

    std::string directory_;
    LogLimits limits_;
    Cursor at_;                        // what comes before has arrived
    Cursor ahead_;                     // behind what is under way
    std::uint64_t stored_ahead_ = 0;   // bytes of the stream from at_ on that are stored already
    std::deque<std::uint32_t> frozen_; // items of the chunks that were taken once and have not arrived
    std::size_t under_way_ = 0;        // of them
    bool blank_ = false;               // the first of them says nothing
    bool closed_ = false;
    std::string place_;
    std::int64_t dropped_ = 0;
    bool supervisor_died_ = false;
    bool tail_known_ = false;
    Cursor tail_;
    std::uint64_t left_out_ = 0;
};

} // namespace rcq::executor
