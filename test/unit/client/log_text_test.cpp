// Output of jobs on a terminal: what is shown of it, in pieces cut anywhere.
#include "client/log_text.hpp"

#include <gtest/gtest.h>

using rcq::client::LogText;

namespace {

std::string shown(std::string_view bytes, bool colours = true) {
    LogText text(colours);
    std::string out = text.add(bytes);
    return out + text.end();
}

} // namespace

TEST(LogText, text_lines_and_tabs_stay) { EXPECT_EQ(shown("a\tb\nc\xc3\xbc\n"), "a\tb\nc\xc3\xbc\n"); }

TEST(LogText, whatever_ends_a_line_is_one_end_of_line) { EXPECT_EQ(shown("10 %\r20 %\r\nx\r"), "10 %\n20 %\nx\n"); }

TEST(LogText, colours_stay_and_are_ended) {
    EXPECT_EQ(shown("\x1b[1;31mred"), "\x1b[1;31mred\x1b[0m");
    EXPECT_EQ(shown("\x1b[1;31mred", false), "red");
    EXPECT_EQ(shown("plain"), "plain");
}

TEST(LogText, what_moves_the_cursor_or_asks_the_terminal_is_written_out) {
    EXPECT_EQ(shown("\x1b[2J\x1b]0;t\a\x1b"
                    "c\b\x7f\x1b[31"),
              "\\x1b[2J\\x1b]0;t\\x07\\x1bc\\x08\\x7f\\x1b[31");
    EXPECT_EQ(shown("\xc2\x9b"
                    "2J"),
              "\\x9b2J");
    EXPECT_EQ(shown("\x1b[" + std::string(100, '1') + "m"), "\\x1b[" + std::string(100, '1') + "m");
}

TEST(LogText, bytes_that_are_no_text_are_written_as_numbers) {
    EXPECT_EQ(shown(std::string_view("\0\xff\xc3(\xe2\x82", 6)), "\\x00\\xff\\xc3(\\xe2\\x82");
}

TEST(LogText, where_pieces_are_cut_does_not_matter) {
    const std::string bytes = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\r\n\x1b[31mred\x1b[0m\x1b[2J\r\xff\xc3\n\x1b[4";
    const std::string whole = shown(bytes);
    for (std::size_t first = 0; first <= bytes.size(); ++first) {
        for (std::size_t second = first; second <= bytes.size(); ++second) {
            LogText text(true);
            std::string out = text.add(bytes.substr(0, first));
            out += text.add(bytes.substr(first, second - first));
            out += text.add(bytes.substr(second));
            out += text.end();
            ASSERT_EQ(out, whole) << "cut at " << first << " and " << second;
        }
    }
}
