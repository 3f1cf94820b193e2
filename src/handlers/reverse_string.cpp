#include "handlers/handler.hpp"

#include <algorithm>
#include <vector>

namespace rcq::handlers {

namespace {

struct Range {
    char32_t first, last;
};

// Blocks whose characters attach to the one before them: combining marks, variation selectors, skin tones, tags. Not
// the whole of Unicode's grapheme clusters (UAX 29): marks of Indic scripts and pairs of regional indicators are not
// among them.
constexpr Range attached[] = {{0x0300, 0x036f},   {0x0483, 0x0489},  {0x0591, 0x05bd}, {0x064b, 0x065f},
                              {0x1ab0, 0x1aff},   {0x1dc0, 0x1dff},  {0x20d0, 0x20ff}, {0x302a, 0x302f},
                              {0x3099, 0x309a},   {0xfe00, 0xfe0f},  {0xfe20, 0xfe2f}, {0x1f3fb, 0x1f3ff},
                              {0xe0020, 0xe007f}, {0xe0100, 0xe01ef}};
constexpr char32_t joiner = 0x200d;

bool is_attached(char32_t c) {
    return c == joiner || std::any_of(std::begin(attached), std::end(attached),
                                      [c](Range range) { return c >= range.first && c <= range.last; });
}

// The code point that begins here in valid UTF-8, which the JSON parser has made sure of.
char32_t decode(std::string_view text, std::size_t at, std::size_t length) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    if (length == 1) return byte(0);
    char32_t c = byte(0) & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) c = c << 6 | (byte(i) & 0x3fU);
    return c;
}

std::size_t length_at(std::string_view text, std::size_t at) {
    std::size_t length = 1;
    while (at + length < text.size() && (static_cast<unsigned char>(text[at + length]) & 0xc0U) == 0x80) ++length;
    return length;
}

} // namespace

json reverse_string(const json& payload) {
    const auto& text = member(payload, "text", json::value_t::string).get_ref<const std::string&>();
    // written from the end, unit by unit: a character with what is attached to it
    std::string reversed(text.size(), '\0');
    std::size_t unit = 0;
    bool joined = false;
    for (std::size_t at = 0, length = 0; at < text.size(); at += length) {
        length = length_at(text, at);
        const char32_t c = decode(text, at, length);
        if (at > 0 && !joined && !is_attached(c)) {
            text.copy(reversed.data() + (text.size() - at), at - unit, unit);
            unit = at;
        }
        joined = c == joiner;
    }
    text.copy(reversed.data(), text.size() - unit, unit);
    return {{"text", std::move(reversed)}};
}

} // namespace rcq::handlers
