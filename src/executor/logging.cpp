#include "executor/logging.hpp"

#include <algorithm>
#include <spdlog/sinks/stdout_sinks.h>

namespace rcq::executor {

void setup_logging(const std::string& level) {
    auto logger = spdlog::stderr_logger_st("rcq-executor");
    logger->set_pattern("time=%Y-%m-%dT%H:%M:%S.%e%z level=%l %v");
    logger->set_level(spdlog::level::from_str(level));
    spdlog::set_default_logger(logger);
}

std::string quoted(std::string_view value) {
    auto plain = [](char c) { return c > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f; };
    if (!value.empty() && std::all_of(value.begin(), value.end(), plain)) return std::string(value);
    std::string text = "\"";
    for (char c : value) {
        if (c == '\n') {
            text += "\\n";
        } else if (c == '"' || c == '\\') {
            text += '\\';
            text += c;
        } else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
            text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            text += c;
        }
    }
    return text + '"';
}

} // namespace rcq::executor
