#include "quoted.hpp"

namespace rcq::core {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string quoted(std::string_view s) {
    constexpr std::size_t shown = 64;
    std::string out = "\"";
    for (char c : s.substr(0, shown)) out += is_control(c) ? '?' : c;
    // Do not cut a UTF-8 character in two.
    if (s.size() > shown) {
        while (out.size() > 1 && (static_cast<unsigned char>(out.back()) & 0xc0) == 0x80) out.pop_back();
        if (out.size() > 1 && (static_cast<unsigned char>(out.back()) & 0x80) != 0) out.pop_back();
        out += "...";
    }
    return out + "\"";
}

} // namespace rcq::core
