#include "client/text.hpp"

#include <algorithm>
#include <cwchar>
#include <fmt/format.h>
#include <locale.h>

namespace rcq::client {

namespace {

struct Character {
    char32_t code = 0;
    std::size_t bytes = 1;
    bool valid = false;
};

// The first character of a text that is not empty. Not valid: its first byte begins none.
Character first_character(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) return {lead, 1, true};
    const std::size_t length = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xc2 ? 2 : 0;
    if (length == 0 || lead >= 0xf5 || text.size() < length) return {lead, 1, false};
    char32_t code = lead & (0xff >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte & 0xc0) != 0x80) return {lead, 1, false};
        code = code << 6 | (byte & 0x3f);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    if (overlong || surrogate || code > 0x10ffff) return {lead, 1, false};
    return {code, length, true};
}

bool turns_direction(char32_t code) {
    return code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

int width_of(char32_t code) {
    if (code < 0x300) return 1;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (utf8 == nullptr) return 1;
    const locale_t before = uselocale(utf8);
    const int width = wcwidth(static_cast<wchar_t>(code));
    uselocale(before);
    return width < 0 ? 1 : width;
}

} // namespace

std::string safe_json(std::string_view document) {
    std::string safe;
    safe.reserve(document.size());
    while (!document.empty()) {
        const Character character = first_character(document);
        const char32_t code = character.code;
        if (character.valid && ((code >= 0x7f && code < 0xa0) || turns_direction(code))) {
            safe += fmt::format("\\u{:04x}", static_cast<unsigned>(code));
        } else {
            safe += document.substr(0, character.bytes);
        }
        document.remove_prefix(character.bytes);
    }
    return safe;
}

std::string safe_text(std::string_view text) {
    std::string safe;
    safe.reserve(text.size());
    while (!text.empty()) {
        const Character character = first_character(text);
        const char32_t code = character.code;
        const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
        if (code == '\n') {
            safe += "\\n";
        } else if (code == '\t') {
            safe += "\\t";
        } else if (code == '\r') {
            safe += "\\r";
        } else if (!character.valid || control) {
            safe += fmt::format("\\x{:02x}", static_cast<unsigned>(code));
        } else if (turns_direction(code)) {
            safe += fmt::format("\\u{:04x}", static_cast<unsigned>(code));
        } else {
            safe += text.substr(0, character.bytes);
        }
        text.remove_prefix(character.bytes);
    }
    return safe;
}

std::optional<std::size_t> invalid_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const Character character = first_character(text.substr(at));
        if (!character.valid) return at;
        at += character.bytes;
    }
    return std::nullopt;
}

int display_width(std::string_view safe) {
    int width = 0;
    while (!safe.empty()) {
        const Character character = first_character(safe);
        width += width_of(character.code);
        safe.remove_prefix(character.bytes);
    }
    return width;
}

std::string cut_to_width(std::string_view safe, int width) {
    if (display_width(safe) <= width) return std::string(safe);
    std::size_t kept = 0;
    int used = 1; // the mark
    while (kept < safe.size()) {
        const Character character = first_character(safe.substr(kept));
        used += width_of(character.code);
        if (used > width) break;
        kept += character.bytes;
    }
    return std::string(safe.substr(0, kept)) + "~";
}

std::vector<std::string> in_lines(std::string_view safe, int width) {
    std::vector<std::string> lines(1);
    while (!safe.empty()) {
        const std::string_view word = safe.substr(0, safe.find(' '));
        std::string& line = lines.back();
        if (line.empty()) {
            line = word;
        } else if (display_width(line) + 1 + display_width(word) <= width) {
            line.append(" ").append(word);
        } else {
            lines.emplace_back(word);
        }
        safe.remove_prefix(std::min(safe.size(), word.size() + 1));
    }
    return lines;
}

} // namespace rcq::client
