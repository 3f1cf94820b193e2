// Records of the file `log.index`: the file `log` is the concatenation of the pieces they describe, in order. A piece
// is appended to `log` first and to the index after it, so the index never names bytes that are not there.
#pragma once
#include <cstdint>

namespace rcq::rundir {

enum class LogStream : std::uint8_t { out, err };

struct LogPiece {
    std::uint32_t bytes = 0;
    std::uint32_t lines = 0; // a last line without a newline counts too
    LogStream stream = LogStream::out;
    bool whole_lines = true; // ends with a newline
    std::uint8_t reserved[6] = {};
};
static_assert(sizeof(LogPiece) == 16);

// A piece is at most this long; so is a line, before it is cut.
inline constexpr std::uint32_t max_piece_bytes = 64U << 10;
// An unfinished line becomes a piece after this time.
inline constexpr int partial_line_ms = 1000;

} // namespace rcq::rundir
