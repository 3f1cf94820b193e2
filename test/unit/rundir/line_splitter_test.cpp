#include "rundir/line_splitter.hpp"

#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace rcq::rundir {
namespace {

struct Pieces {
    std::vector<std::string> list;
    void operator()(std::string_view piece) { list.emplace_back(piece); }
    [[nodiscard]] std::string joined() const {
        std::string text;
        for (const std::string& piece : list) text += piece;
        return text;
    }
};

TEST(LineSplitter, keeps_lines_whole_across_reads) {
    LineSplitter splitter;
    Pieces pieces;
    splitter.feed("one\ntw", std::ref(pieces));
    splitter.feed("o\nthree\nfo", std::ref(pieces));
    EXPECT_EQ(pieces.list, (std::vector<std::string>{"one\n", "two\nthree\n"}));
    EXPECT_TRUE(splitter.has_partial());
    splitter.flush(std::ref(pieces));
    EXPECT_EQ(pieces.list.back(), "fo");
    EXPECT_FALSE(splitter.has_partial());
}

TEST(LineSplitter, flush_without_a_partial_line_hands_out_nothing) {
    LineSplitter splitter;
    Pieces pieces;
    splitter.flush(std::ref(pieces));
    splitter.feed("", std::ref(pieces));
    splitter.feed("a\n", std::ref(pieces));
    splitter.flush(std::ref(pieces));
    EXPECT_EQ(pieces.list.size(), 1U);
}

TEST(LineSplitter, cuts_a_line_that_reaches_the_limit) {
    LineSplitter splitter(8);
    Pieces pieces;
    splitter.feed("12345", std::ref(pieces));
    EXPECT_TRUE(pieces.list.empty());
    splitter.feed("6789abcdefghij", std::ref(pieces));
    EXPECT_EQ(pieces.list, (std::vector<std::string>{"12345678", "9abcdefg"}));
    splitter.feed("\n", std::ref(pieces));
    EXPECT_EQ(pieces.list.back(), "hij\n");
}

TEST(LineSplitter, passes_binary_bytes_unchanged) {
    LineSplitter splitter;
    Pieces pieces;
    const std::string bytes("\0\xff\xfe\n\0\0\r\n\x80", 9);
    splitter.feed(bytes, std::ref(pieces));
    splitter.flush(std::ref(pieces));
    EXPECT_EQ(pieces.joined(), bytes);
}

TEST(LineSplitter, any_cut_of_the_input_gives_the_same_bytes_in_whole_lines) {
    std::mt19937 random(7); // NOLINT: a fixed seed
    for (int round = 0; round < 300; ++round) {
        std::string input;
        for (int i = 0; i < 500; ++i) input += random() % 9 == 0 ? '\n' : static_cast<char>('a' + random() % 26);
        LineSplitter splitter(32);
        Pieces pieces;
        for (std::size_t at = 0; at < input.size();) {
            std::size_t length = 1 + random() % 40;
            splitter.feed(std::string_view(input).substr(at, length), std::ref(pieces));
            at += length;
        }
        splitter.flush(std::ref(pieces));
        EXPECT_EQ(pieces.joined(), input);
        for (std::size_t i = 0; i + 1 < pieces.list.size(); ++i) {
            EXPECT_TRUE(pieces.list[i].back() == '\n' || pieces.list[i].size() == 32) << pieces.list[i];
        }
    }
}

TEST(CountLines, counts_an_unfinished_line_too) {
    EXPECT_EQ(count_lines(""), 0U);
    EXPECT_EQ(count_lines("a"), 1U);
    EXPECT_EQ(count_lines("a\n"), 1U);
    EXPECT_EQ(count_lines("a\nb"), 2U);
    EXPECT_EQ(count_lines("\n\n"), 2U);
}

} // namespace
} // namespace rcq::rundir
