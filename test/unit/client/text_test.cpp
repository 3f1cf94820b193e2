// What people see of text that others wrote.
#include "client/text.hpp"

#include <gtest/gtest.h>
#include <string>

namespace rcq::client {
namespace {

TEST(SafeText, ordinary_text_stays_as_it_is) {
    EXPECT_EQ(safe_text("train.sh -c 8 \\ \"q\""), "train.sh -c 8 \\ \"q\"");
    EXPECT_EQ(safe_text("Größe 日本 🚀"), "Größe 日本 🚀");
}

TEST(SafeJson, is_the_same_json_without_what_a_terminal_obeys) {
    EXPECT_EQ(safe_json("{\"a\": \"Gr\u00f6\u00dfe \\u001b \\n\"}\n"), "{\"a\": \"Gr\u00f6\u00dfe \\u001b \\n\"}\n");
    EXPECT_EQ(safe_json("\"\x7f \u0080\u009b\u009f\u00a0 \u202e\u2066\""),
              "\"\\u007f \\u0080\\u009b\\u009f\u00a0 \\u202e\\u2066\"");
}

TEST(SafeText, nothing_moves_the_cursor) {
    EXPECT_EQ(safe_text("a\nb\tc\rd"), "a\\nb\\tc\\rd");
    EXPECT_EQ(safe_text("\x1b[2J\x7f"), "\\x1b[2J\\x7f");
    EXPECT_EQ(safe_text("\xc2\x9b"
                        "31m"),
              "\\x9b31m"); // CSI in one character
    EXPECT_EQ(safe_text(std::string("a\0b", 3)), "a\\x00b");
}

TEST(SafeText, nothing_turns_the_direction_of_writing) {
    EXPECT_EQ(safe_text("a\u202eb"), "a\\u202eb");
    EXPECT_EQ(safe_text("a\u2066b"), "a\\u2066b");
}

TEST(SafeText, bytes_that_are_no_utf8_are_shown_as_numbers) {
    EXPECT_EQ(safe_text("gr\xf6\xdf"
                        "e"),
              "gr\\xf6\\xdfe");
    EXPECT_EQ(safe_text("\xe2\x82"), "\\xe2\\x82");          // cut off
    EXPECT_EQ(safe_text("\xc0\xaf"), "\\xc0\\xaf");          // overlong
    EXPECT_EQ(safe_text("\xed\xa0\x80"), "\\xed\\xa0\\x80"); // a surrogate
    EXPECT_EQ(safe_text("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
}

TEST(InvalidUtf8, is_found_where_it_begins) {
    EXPECT_EQ(invalid_utf8("abc ü"), std::nullopt);
    EXPECT_EQ(invalid_utf8("ab\xff"), 2u);
    EXPECT_EQ(invalid_utf8(""), std::nullopt);
}

TEST(DisplayWidth, counts_columns_not_bytes) {
    EXPECT_EQ(display_width("abc"), 3);
    EXPECT_EQ(display_width("Größe"), 5);
    EXPECT_EQ(display_width("日本"), 4);
    EXPECT_EQ(display_width("e\u0301"), 1);
}

TEST(CutToWidth, keeps_what_fits_and_says_that_there_was_more) {
    EXPECT_EQ(cut_to_width("abcdef", 6), "abcdef");
    EXPECT_EQ(cut_to_width("abcdef", 4), "abc~");
    EXPECT_EQ(cut_to_width("日本語", 4), "日~"); // no half of a wide one
    EXPECT_EQ(cut_to_width("abc", 1), "~");
}

TEST(InLines, breaks_at_blanks) {
    EXPECT_EQ(in_lines("one two three", 7), (std::vector<std::string>{"one two", "three"}));
    EXPECT_EQ(in_lines("extraordinary word", 5), (std::vector<std::string>{"extraordinary", "word"}));
    EXPECT_EQ(in_lines("", 5), (std::vector<std::string>{""}));
}

} // namespace
} // namespace rcq::client
