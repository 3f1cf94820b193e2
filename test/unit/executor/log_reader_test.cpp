#include "executor/log_reader.hpp"

#include "rundir/paths.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace rcq::executor {
namespace {

namespace fs = std::filesystem;

// A run's directory, written as a supervisor writes it.
class Log {
public:
    Log() {
        std::string pattern = fs::temp_directory_path() / "rcq-log-XXXXXX";
        directory_ = mkdtemp(pattern.data());
    }
    ~Log() { fs::remove_all(directory_); }
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void write(LogStream stream, const std::string& text) {
        std::ofstream(directory_ + "/" + rundir::log_file, std::ios::app) << text;
        rundir::LogPiece piece;
        piece.bytes = static_cast<std::uint32_t>(text.size());
        piece.lines = lines_of(text);
        piece.stream = stream;
        piece.whole_lines = text.back() == '\n';
        append(piece);
        content += text;
        pieces.push_back(text);
    }
    void append(const rundir::LogPiece& piece) {
        std::ofstream(directory_ + "/" + rundir::index_file, std::ios::app)
            .write(reinterpret_cast<const char*>(&piece), sizeof piece);
    }
    static std::uint32_t lines_of(const std::string& text) {
        auto newlines = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
        return newlines + (text.back() == '\n' ? 0 : 1);
    }
    [[nodiscard]] const std::string& directory() const { return directory_; }

    std::string content;
    std::vector<std::string> pieces;

private:
    std::string directory_;
};

// What a server keeps: chunks by the number of their first line, each once.
struct Server {
    std::string bytes;
    std::uint64_t next_seq = 1;

    void store(const std::vector<LogChunk>& chunks) {
        for (const LogChunk& chunk : chunks) {
            EXPECT_EQ(chunk.lines, Log::lines_of(chunk.data));
            if (chunk.seq < next_seq) continue; // a repetition
            EXPECT_EQ(chunk.seq, next_seq);
            next_seq += chunk.lines;
            bytes += chunk.data;
        }
    }
};

std::string read_all(LogReader& reader) {
    Server server;
    server.next_seq = reader.next_seq();
    for (;;) {
        auto taken = reader.take(1 << 20, 100);
        if (taken.chunks.empty()) return server.bytes;
        server.store(taken.chunks);
        reader.answered();
    }
}

TEST(LogReader, counts_lines_over_both_streams) {
    Log log;
    log.write(LogStream::out, "a\nb\n");
    log.write(LogStream::err, "c\n");
    log.write(LogStream::out, "d");
    LogReader reader(log.directory());
    auto chunks = reader.take(1000, 10).chunks;
    ASSERT_EQ(chunks.size(), 3U);
    EXPECT_EQ(chunks[0].seq, 1U);
    EXPECT_EQ(chunks[1].seq, 3U);
    EXPECT_EQ(chunks[1].stream, LogStream::err);
    EXPECT_EQ(chunks[2].seq, 4U);
    EXPECT_EQ(chunks[2].data, "d");
}

TEST(LogReader, pieces_of_one_stream_go_together_up_to_an_unfinished_line) {
    Log log;
    for (int i = 0; i < 100; ++i) log.write(LogStream::out, "line\n");
    log.write(LogStream::out, "partial");
    log.write(LogStream::out, "rest\n");
    LogReader reader(log.directory());
    auto chunks = reader.take(1 << 20, 10).chunks;
    ASSERT_EQ(chunks.size(), 2U);
    EXPECT_EQ(chunks[0].lines, 101U);
    EXPECT_EQ(chunks[1].seq, 102U);
}

TEST(LogReader, what_was_taken_once_is_taken_again_unchanged) {
    Log log;
    log.write(LogStream::out, "first\n");
    LogReader reader(log.directory());
    EXPECT_EQ(reader.take(1000, 10).chunks.at(0).data, "first\n");
    log.write(LogStream::out, "second\n");
    reader.rewind();
    auto chunks = reader.take(1000, 10).chunks;
    ASSERT_EQ(chunks.size(), 2U);
    EXPECT_EQ(chunks[0].data, "first\n");
    EXPECT_EQ(chunks[1].data, "second\n");
    EXPECT_EQ(chunks[1].seq, 2U);
}

TEST(LogReader, says_when_more_waits_than_fits) {
    Log log;
    for (int i = 0; i < 10; ++i) log.write(i % 2 == 0 ? LogStream::out : LogStream::err, "0123456789\n");
    LogReader reader(log.directory());
    auto by_bytes = reader.take(25, 100);
    EXPECT_EQ(by_bytes.chunks.size(), 2U);
    EXPECT_TRUE(by_bytes.more);
    auto by_count = reader.take(1000, 3);
    EXPECT_EQ(by_count.chunks.size(), 3U);
    EXPECT_TRUE(by_count.more);
    EXPECT_EQ(reader.take(1, 100).chunks.size(), 1U) << "one in any case";
    auto rest = reader.take(1000, 4);
    EXPECT_EQ(rest.chunks.size(), 4U);
    EXPECT_FALSE(rest.more);
}

TEST(LogReader, head_and_tail_with_a_line_between_that_says_what_is_missing) {
    Log log;
    LogReader reader(log.directory(), {100, 50, 1000, 20});
    for (int i = 0; i < 100; ++i) {
        log.write(i % 2 == 0 ? LogStream::out : LogStream::err, "line no " + std::to_string(100 + i) + "\n");
    }
    EXPECT_EQ(read_all(reader), log.content.substr(0, 96)) << "only the head while the job runs";
    EXPECT_FALSE(reader.complete());
    reader.close("host:/run/log", 0);
    EXPECT_FALSE(reader.complete());
    EXPECT_EQ(read_all(reader),
              "[rcq: 1056 bytes left out here; full log: host:/run/log]\n" + log.content.substr(1152));
    EXPECT_TRUE(reader.complete());
}

TEST(LogReader, no_such_line_when_head_and_tail_meet) {
    Log log;
    for (int i = 0; i < 15; ++i) log.write(LogStream::out, "line no " + std::to_string(100 + i) + "\n");
    LogReader reader(log.directory(), {100, 100, 1000, 50});
    reader.close("x", 0);
    EXPECT_EQ(read_all(reader), log.content);
}

TEST(LogReader, the_number_of_pieces_in_the_tail_is_bounded) {
    Log log;
    for (int i = 0; i < 1000; ++i) log.write(LogStream::out, "x\n");
    LogReader reader(log.directory(), {0, 1000, 4, 50});
    reader.close("x", 0);
    EXPECT_EQ(read_all(reader), "[rcq: 1992 bytes left out here; full log: x]\nx\nx\nx\nx\n");
}

TEST(LogReader, dropped_output_is_told_at_the_end) {
    Log log;
    log.write(LogStream::out, "kept\n");
    LogReader reader(log.directory());
    reader.close("x", 77);
    const std::string all = read_all(reader);
    EXPECT_TRUE(all.starts_with("kept\n[rcq: 77 bytes of output were dropped")) << all;
    EXPECT_TRUE(reader.complete());
}

TEST(LogReader, a_run_without_output_is_complete_at_its_end) {
    Log log;
    LogReader reader(log.directory());
    EXPECT_FALSE(reader.complete());
    reader.close("x", 0);
    EXPECT_TRUE(reader.complete());
}

TEST(LogReader, a_lost_log_file_keeps_the_count_of_lines) {
    Log log;
    log.write(LogStream::out, "a\nb\nc\n");
    fs::remove(log.directory() + "/" + rundir::log_file);
    LogReader reader(log.directory());
    EXPECT_EQ(Log::lines_of(reader.take(1000, 1).chunks.at(0).data), 3U);
}

TEST(LogReader, what_cannot_be_read_back_or_is_refused_counts_as_many_bytes_and_lines) {
    for (const std::string text :
         {"a\nb\nc\n", "x", "one\ntwo", "\n\ny\n", "a long line, longer than what is said of it, by far\n"}) {
        Log log;
        log.write(LogStream::out, text);
        LogReader refused(log.directory());
        EXPECT_EQ(refused.take(1000, 1).chunks.at(0).data, text);
        EXPECT_TRUE(refused.blank());
        const std::string blank = refused.take(1000, 1).chunks.at(0).data;
        EXPECT_NE(blank, text);
        EXPECT_FALSE(refused.blank()) << "not even that is taken";
        fs::remove(log.directory() + "/" + rundir::log_file);
        LogReader lost(log.directory());
        for (const std::string& instead : {blank, lost.take(1000, 1).chunks.at(0).data}) {
            EXPECT_EQ(instead.size(), text.size());
            EXPECT_EQ(Log::lines_of(instead), Log::lines_of(text));
        }
    }
}

TEST(LogReader, after_a_refused_chunk_comes_the_next_one) {
    Log log;
    log.write(LogStream::out, "refused\n");
    log.write(LogStream::err, "next\n");
    LogReader reader(log.directory());
    EXPECT_TRUE(reader.blank()) << "nothing is under way";
    EXPECT_EQ(reader.take(1000, 1).chunks.at(0).data, "refused\n");
    EXPECT_TRUE(reader.blank());
    (void)reader.take(1000, 1);
    reader.answered();
    const auto next = reader.take(1000, 1).chunks.at(0);
    EXPECT_EQ(next.data, "next\n");
    EXPECT_EQ(next.seq, 2U);
    reader.rewind();
    EXPECT_EQ(reader.take(1000, 1).chunks.at(0).data, "next\n");
}

TEST(LogReader, what_a_dying_supervisor_wrote_beyond_the_index_is_not_part_of_the_tail) {
    Log log;
    for (int i = 0; i < 100; ++i) log.write(LogStream::out, "line no " + std::to_string(100 + i) + "\n");
    std::ofstream(log.directory() + "/" + rundir::log_file, std::ios::app) << "not in the index\n";
    LogReader reader(log.directory(), {100, 50, 1000, 20});
    reader.close("x", std::nullopt);
    EXPECT_EQ(read_all(reader),
              log.content.substr(0, 96) + "[rcq: 1056 bytes left out here; full log: x]\n" + log.content.substr(1152));
}

// An index of 100 million pieces, most of which are a hole: adding it up would find pieces that no supervisor writes.
TEST(LogReader, what_is_left_out_is_not_read) {
    Log log;
    for (int i = 0; i < 10; ++i) log.write(LogStream::out, "line no " + std::to_string(i) + "\n");
    fs::resize_file(log.directory() + "/" + rundir::index_file, std::uintmax_t{16} * 100'000'000);
    fs::resize_file(log.directory() + "/" + rundir::log_file, 1'000'000'000);
    log.write(LogStream::out, "the end\n");
    LogReader reader(log.directory(), {50, 50, 1000, 20});
    reader.close("x", 0);
    EXPECT_EQ(read_all(reader),
              log.content.substr(0, 50) + "[rcq: 999999950 bytes left out here; full log: x]\nthe end\n");
}

TEST(LogReader, what_no_supervisor_writes_ends_the_index) {
    for (const rundir::LogPiece& odd : {rundir::LogPiece{UINT32_MAX, 1}, rundir::LogPiece{0, 0}, rundir::LogPiece{5, 6},
                                        rundir::LogPiece{5, 1, static_cast<LogStream>(7)}}) {
        Log log;
        log.write(LogStream::out, "sound\n");
        log.append(odd);
        log.append({6, 1});
        LogReader reader(log.directory());
        reader.close("x", 0);
        EXPECT_EQ(read_all(reader), "sound\n");
        EXPECT_TRUE(reader.complete());
    }
}

TEST(LogReader, dropped_it_has_nothing_more_to_say) {
    Log log;
    log.write(LogStream::out, "a\n");
    LogReader reader(log.directory());
    (void)reader.take(100, 1);
    reader.drop();
    EXPECT_TRUE(reader.take(100, 1).chunks.empty());
    EXPECT_TRUE(reader.complete());
}

// The stream as the header describes it.
std::string expected_stream(const Log& log, const LogLimits& limits, std::int64_t dropped) {
    std::string head;
    std::size_t at = 0;
    while (at < log.pieces.size() && head.size() + log.pieces[at].size() <= limits.head_bytes) head += log.pieces[at++];
    std::string tail;
    std::size_t first = log.pieces.size();
    while (first > at && log.pieces.size() - first < limits.tail_pieces &&
           tail.size() + log.pieces[first - 1].size() <= limits.tail_bytes) {
        tail.insert(0, log.pieces[--first]);
    }
    const std::size_t left_out = log.content.size() - head.size() - tail.size();
    if (left_out > 0) head += "[rcq: " + std::to_string(left_out) + " bytes left out here; full log: h:/log]\n";
    head += tail;
    if (dropped > 0) {
        head += "[rcq: " + std::to_string(dropped) +
                " bytes of output were dropped, beyond the limit of the log or for want of room on the disk; the log "
                "ends here]\n";
    }
    return head;
}

// Random output, answers that are lost before or after they were stored, executors that take over: each byte of the
// stream arrives exactly once and in its place.
TEST(LogReader, whatever_happens_on_the_way_the_stream_arrives_once) {
    std::mt19937 random(4711);
    auto below = [&random](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    for (int round = 0; round < 400; ++round) {
        Log log;
        const LogLimits limits{below(400), below(400), 1 + below(40), 1 + below(100)};
        const std::int64_t dropped = below(3) == 0 ? 5 : 0;
        Server server;
        std::optional<LogReader> reader(std::in_place, log.directory(), limits);
        bool closed = false;
        std::size_t to_write = below(60);
        for (int step = 0; step < 5000 && !(closed && reader->complete()); ++step) {
            const std::size_t what = below(10);
            if (what < 4 && to_write > 0) {
                --to_write;
                std::string text(1 + below(30), 'a' + static_cast<char>(below(26)));
                for (char& byte : text) byte = below(6) == 0 ? '\n' : byte;
                if (below(3) != 0) text += '\n';
                log.write(below(2) == 0 ? LogStream::out : LogStream::err, text);
            } else if (what < 8) {
                auto taken = reader->take(1 + below(200), 1 + below(5));
                const std::size_t fate = below(6);
                if (fate != 0) server.store(taken.chunks); // else the batch never reached the server
                if (fate > 1) {
                    reader->answered();
                } else {
                    reader->rewind(); // fate 1: stored, but the answer was lost
                }
            } else if (what == 8 && below(4) == 0) { // another executor takes over
                reader.emplace(log.directory(), limits);
                if (closed) reader->close("h:/log", dropped);
                reader->resume(server.next_seq, server.bytes.size());
            } else if (to_write == 0 && !closed) {
                closed = true;
                reader->close("h:/log", dropped);
            }
        }
        ASSERT_TRUE(closed && reader->complete()) << "round " << round;
        ASSERT_EQ(server.bytes, expected_stream(log, limits, dropped)) << "round " << round;
    }
}

} // namespace
} // namespace rcq::executor
