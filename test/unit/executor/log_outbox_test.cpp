#include "executor/log_outbox.hpp"

#include "rundir/line_splitter.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace rcq::executor {
namespace {

// A log file in memory, written as the pump writes the real one.
struct Fixture {
    LogMemory memory;
    LogLimits limits;
    std::string file;
    bool file_lost = false;
    LogOutbox outbox;

    explicit Fixture(LogLimits wanted = {}, std::size_t memory_limit = 1 << 20)
        : memory{memory_limit, 0}, limits(wanted),
          outbox(memory, wanted, [this](std::uint64_t offset, std::size_t bytes, std::string& data) {
              if (file_lost) return false;
              data = file.substr(offset, bytes);
              return true;
          }) {}

    void write(LogStream stream, const std::string& text) {
        std::uint64_t offset = file.size();
        file += text;
        outbox.append(stream, text, offset, true);
    }

    // Sends everything; checks that seq counts lines without a gap.
    std::string send_all() {
        std::string sent;
        while (!outbox.empty()) {
            EXPECT_EQ(outbox.at(0).seq, expected_seq);
            std::string data = outbox.take_for_sending(0);
            EXPECT_EQ(rundir::count_lines(data), outbox.at(0).lines);
            expected_seq += outbox.at(0).lines;
            sent += data;
            outbox.answered(1);
        }
        return sent;
    }
    std::uint64_t expected_seq = 1;
};

TEST(LogOutbox, counts_lines_over_both_streams) {
    Fixture log;
    log.write(LogStream::out, "a\nb\n");
    log.write(LogStream::err, "c\n");
    log.write(LogStream::out, "d");
    ASSERT_EQ(log.outbox.size(), 3U);
    EXPECT_EQ(log.outbox.at(0).seq, 1U);
    EXPECT_EQ(log.outbox.at(1).seq, 3U);
    EXPECT_EQ(log.outbox.at(1).stream, LogStream::err);
    EXPECT_EQ(log.outbox.at(2).seq, 4U);
    EXPECT_EQ(log.send_all(), log.file);
}

TEST(LogOutbox, small_pieces_of_one_stream_become_one_chunk) {
    Fixture log;
    for (int i = 0; i < 100; ++i) log.write(LogStream::out, "line\n");
    EXPECT_EQ(log.outbox.size(), 1U);
    EXPECT_EQ(log.outbox.at(0).lines, 100U);
    log.write(LogStream::out, "partial");
    EXPECT_EQ(log.outbox.size(), 1U);
    log.write(LogStream::out, "rest\n"); // after an unfinished line a new chunk begins
    EXPECT_EQ(log.outbox.size(), 2U);
    EXPECT_EQ(log.outbox.at(1).seq, 102U);
}

TEST(LogOutbox, a_chunk_that_was_sent_once_never_changes) {
    Fixture log;
    log.write(LogStream::out, "first\n");
    EXPECT_EQ(log.outbox.take_for_sending(0), "first\n");
    log.write(LogStream::out, "second\n");
    ASSERT_EQ(log.outbox.size(), 2U);
    EXPECT_EQ(log.outbox.take_for_sending(0), "first\n"); // sent again after a lost connection
    EXPECT_EQ(log.outbox.at(0).seq, 1U);
    log.outbox.answered(1);
    EXPECT_EQ(log.outbox.at(0).seq, 2U);
    log.write(LogStream::out, "third\n");
    EXPECT_EQ(log.outbox.take_for_sending(0), "second\nthird\n");
}

TEST(LogOutbox, beyond_the_memory_limit_bytes_are_read_from_the_file) {
    LogLimits limits;
    limits.chunk_bytes = 10;
    limits.memory_bytes = 25;
    Fixture log(limits);
    for (int i = 0; i < 10; ++i) log.write(LogStream::out, "line " + std::to_string(i) + "...\n");
    EXPECT_LE(log.memory.used, 25U);
    EXPECT_FALSE(log.outbox.at(log.outbox.size() - 1).in_memory);
    EXPECT_EQ(log.send_all(), log.file);
    EXPECT_EQ(log.memory.used, 0U);
}

TEST(LogOutbox, memory_is_shared_by_all_runs_and_given_back) {
    LogMemory memory{30, 0};
    auto nothing = [](std::uint64_t, std::size_t, std::string&) { return false; };
    {
        LogOutbox one(memory, {}, nothing);
        LogOutbox two(memory, {}, nothing);
        one.append(LogStream::out, "01234567890123456789\n", 0, true);
        two.append(LogStream::out, "01234567890123456789\n", 0, true);
        EXPECT_TRUE(one.at(0).in_memory);
        EXPECT_FALSE(two.at(0).in_memory);
        one.drop();
        EXPECT_EQ(memory.used, 0U);
        two.append(LogStream::err, "x\n", 21, true);
        EXPECT_EQ(memory.used, 2U);
    }
    EXPECT_EQ(memory.used, 0U);
}

TEST(LogOutbox, keeps_head_and_tail_and_says_what_is_left_out) {
    LogLimits limits;
    limits.head_bytes = 100;
    limits.tail_bytes = 50;
    limits.chunk_bytes = 20;
    Fixture log(limits);
    for (int i = 0; i < 100; ++i)
        log.write(i % 2 == 0 ? LogStream::out : LogStream::err, "line no " + std::to_string(100 + i) + "\n");
    ASSERT_EQ(log.file.size(), 1200U);
    std::string head = log.send_all(); // only the head goes out while the job runs
    EXPECT_EQ(head, log.file.substr(0, 96));
    log.outbox.close("host:/run/log");
    std::string rest = log.send_all();
    std::string tail = log.file.substr(1200 - 48);
    EXPECT_EQ(rest,
              "[rcq: " + std::to_string(1200 - 96 - 48) + " bytes left out here; full log: host:/run/log]\n" + tail);
}

TEST(LogOutbox, no_marker_when_head_and_tail_meet) {
    LogLimits limits;
    limits.head_bytes = 100;
    limits.tail_bytes = 100;
    Fixture log(limits);
    for (int i = 0; i < 15; ++i) log.write(LogStream::out, "line no " + std::to_string(100 + i) + "\n");
    log.outbox.close("x");
    EXPECT_EQ(log.send_all(), log.file);
}

TEST(LogOutbox, the_number_of_tail_chunks_is_bounded) {
    LogLimits limits;
    limits.head_bytes = 0;
    limits.tail_chunks = 4;
    Fixture log(limits);
    for (int i = 0; i < 1000; ++i) log.write(i % 2 == 0 ? LogStream::out : LogStream::err, "x\n");
    log.outbox.close("x");
    EXPECT_EQ(log.outbox.size(), 5U); // with the marker
}

TEST(LogOutbox, a_lost_log_file_keeps_the_count_of_lines) {
    LogLimits limits;
    limits.memory_bytes = 0;
    Fixture log(limits);
    log.write(LogStream::out, "a\nb\nc\n");
    log.file_lost = true;
    EXPECT_EQ(rundir::count_lines(log.outbox.take_for_sending(0)), 3U);
}

TEST(LogOutbox, without_a_file_the_head_waits_in_memory_and_the_rest_is_counted) {
    LogLimits limits;
    limits.head_bytes = 10;
    limits.memory_bytes = 0;
    Fixture log(limits);
    log.outbox.append(LogStream::out, "12345\n", 0, false);
    log.outbox.append(LogStream::out, "67890\n", 0, false);
    log.outbox.close("x");
    EXPECT_EQ(log.send_all(), "12345\n[rcq: 6 bytes left out here; full log: x]\n");
}

} // namespace
} // namespace rcq::executor
