#include "rundir/end.hpp"

#include <gtest/gtest.h>

namespace rcq::rundir {
namespace {

TEST(End, comes_back_as_it_was_written) {
    End end;
    end.kind = "oom";
    end.exit_code = 0;
    end.signal = 9;
    end.message = "two\nlines, a \\n that is none, a = and a \\";
    end.cpu_us = 123;
    end.peak_kib = 456;
    end.ended_ms = 789;
    end.boot = "b";
    end.log_dropped = 1'000'000'000'000;
    end.host_fault = "\n";
    const auto back = decode_end(encode(end));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->kind, end.kind);
    EXPECT_EQ(back->exit_code, end.exit_code);
    EXPECT_EQ(back->signal, end.signal);
    EXPECT_EQ(back->message, end.message);
    EXPECT_EQ(back->cpu_us, end.cpu_us);
    EXPECT_EQ(back->peak_kib, end.peak_kib);
    EXPECT_EQ(back->ended_ms, end.ended_ms);
    EXPECT_EQ(back->boot, end.boot);
    EXPECT_EQ(back->log_dropped, end.log_dropped);
    EXPECT_EQ(back->host_fault, end.host_fault);
}

TEST(End, is_lines_that_can_be_read) {
    End end;
    end.kind = "exit_code";
    end.exit_code = 3;
    EXPECT_TRUE(encode(end).starts_with("kind=exit_code\nexit_code=3\n"));
    EXPECT_FALSE(decode_end(encode(end))->signal);
}

TEST(End, long_texts_are_cut_between_characters) {
    End end;
    end.kind = "spawn_error";
    end.message = "xx";
    for (int i = 0; i < 100'000; ++i) end.message += "\u20ac"; // three bytes
    end.host_fault = std::string(1'000'000, '\n');
    end.boot = std::string(1'000'000, '\\');
    const std::string text = encode(end);
    EXPECT_LT(text.size(), 64U << 10);
    const auto back = decode_end(text);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->message, end.message.substr(0, 2 + 3 * ((4096 - 2) / 3)));
    EXPECT_EQ(back->host_fault, std::string(4096, '\n'));
    EXPECT_EQ(back->boot, std::string(4096, '\\'));
}

TEST(End, without_a_kind_is_none) {
    EXPECT_FALSE(decode_end(""));
    EXPECT_FALSE(decode_end("exit_code=0\n"));
    EXPECT_FALSE(decode_end(std::string(100, '\0')));
}

TEST(End, that_was_cut_off_is_none) {
    End end;
    end.kind = "exit_code";
    end.exit_code = 31;
    const std::string text = encode(end);
    const std::size_t complete = text.find("31\n") + 3;
    for (std::size_t size = 0; size < complete; ++size) {
        if (text[size] == 'e' && text.substr(0, size) == "kind=exit_code\n") continue; // whole lines only
        EXPECT_FALSE(decode_end(text.substr(0, size))) << size;
    }
}

TEST(End, with_what_is_no_number_is_none) {
    EXPECT_FALSE(decode_end("kind=signal\nsignal=nine\n"));
    EXPECT_FALSE(decode_end("kind=signal\nsignal=9999999999\n"));
    EXPECT_FALSE(decode_end("kind=signal\ncpu_us=1s\n"));
}

TEST(End, names_that_are_not_known_are_skipped) {
    const auto end = decode_end("kind=signal\nof_a_later_version=x\nsignal=9\n");
    ASSERT_TRUE(end);
    EXPECT_EQ(end->signal, 9);
}

} // namespace
} // namespace rcq::rundir
