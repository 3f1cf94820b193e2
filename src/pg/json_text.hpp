// JSON written piece by piece into a string.
#pragma once
#include "prelude.hpp"

namespace rcq::pg {

inline void append_json_string(std::string& out, std::string_view value) {
    out += '"';
    std::size_t plain = 0; // begin of what needs no escape
    for (std::size_t at = 0; at < value.size(); at++) {
        const auto c = static_cast<unsigned char>(value[at]);
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        out.append(value, plain, at - plain);
        plain = at + 1;
        if (c == '"' || c == '\\') {
            out += '\\';
            out += value[at];
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else {
            constexpr char digits[] = "0123456789abcdef";
            out += "\\u00";
            out += digits[c >> 4];
            out += digits[c & 15];
        }
    }
    out.append(value, plain, value.size() - plain);
    out += '"';
}

template <class Number> void append_json_number(std::string& out, Number value) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out.append(digits, static_cast<std::size_t>(end - digits));
}

} // namespace rcq::pg
