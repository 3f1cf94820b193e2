// Traces for tests, from text.
#pragma once
#include "sim/trace.hpp"
#include <string>

namespace rcq::sim {

inline SwfParser parse(const std::string& text) {
    SwfParser parser;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        parser.add_line(std::string_view(text).substr(at, end - at));
        at = end + 1;
    }
    return parser;
}

inline Trace trace_of(const std::string& text, std::optional<std::int32_t> processors = {}) {
    return make_trace(parse(text), processors, {}, "test");
}

} // namespace rcq::sim
