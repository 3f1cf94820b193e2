// Text that may come from a user, kept to a length.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace rcq::rundir {

// At most `limit` bytes of it, without a part of a character of UTF-8 at the end.
inline std::string cut(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return std::string(text);
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
    return std::string(text.substr(0, limit));
}

} // namespace rcq::rundir
