#include "handlers/handler.hpp"

#include <gtest/gtest.h>

namespace rcq::handlers {
namespace {

std::string reversed(const std::string& text) { return reverse_string({{"text", text}}).at("text").get<std::string>(); }

TEST(ReverseString, reverses_code_points_and_not_bytes) {
    EXPECT_EQ(reversed(""), "");
    EXPECT_EQ(reversed("a"), "a");
    EXPECT_EQ(reversed("abc\n"), "\ncba");
    EXPECT_EQ(reversed("aß€😀"), "😀€ßa");
    EXPECT_EQ(reversed("日本語"), "語本日");
}

TEST(ReverseString, what_belongs_to_a_character_stays_behind_it) {
    EXPECT_EQ(reversed("xe\u0301y"), "ye\u0301x");                                       // acute accent
    EXPECT_EQ(reversed("a\U0001f44d\U0001f3fdb"), "b\U0001f44d\U0001f3fda");             // skin tone
    EXPECT_EQ(reversed("1\u2764\ufe0f2"), "2\u2764\ufe0f1");                             // variation selector
    EXPECT_EQ(reversed("a\U0001f468\u200d\U0001f4bbb"), "b\U0001f468\u200d\U0001f4bba"); // zero-width joiner
    EXPECT_EQ(reversed("\u0301a"), "a\u0301"); // one with nothing to attach to
}

TEST(ReverseString, twice_is_the_text_again) {
    const std::string text = "Grüße, 世界! e\u0301\u0327x \U0001f468\u200d\U0001f469\u200d\U0001f467.";
    EXPECT_NE(reversed(text), text);
    EXPECT_EQ(reversed(reversed(text)), text);
}

TEST(ReverseString, anything_but_a_text_is_an_error) {
    EXPECT_THROW((void)reverse_string({{"text", 7}}), HandlerError);
    EXPECT_THROW((void)reverse_string(json::object()), HandlerError);
}

} // namespace
} // namespace rcq::handlers
