// The executor's own log: one line per event on stderr, `time=... level=... event=... key=value ...`.
// Write spdlog::info("event=connected host={}", quoted(host)): every value that is not a number goes through quoted().
#pragma once
#include <spdlog/spdlog.h>
#include <string>
#include <string_view>

namespace rcq::executor {

// Level: debug, info, warning or error.
void setup_logging(const std::string& level);

// The value as it stands when it is one plain word, else in double quotes with \n, \" and control bytes escaped.
std::string quoted(std::string_view value);

} // namespace rcq::executor
