// Base64 with the standard alphabet (RFC 4648, section 4).
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace rcq::handlers {

std::string encode_base64(std::string_view bytes);

// Line breaks are skipped, the padding may be left out; nothing when anything else is no base64.
std::optional<std::string> decode_base64(std::string_view text);

} // namespace rcq::handlers
