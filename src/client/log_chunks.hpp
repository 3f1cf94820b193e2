// The output of a job, piece by piece, by way of rcq.log_chunks.
#pragma once
#include "client/watch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rcq::client {

struct LogChunk {
    int attempt = 0;
    std::int64_t seq = 0; // number of its first line
    std::string stream;   // stdout, stderr
    std::string bytes;
};

struct LogAnswer {
    std::vector<LogChunk> chunks;
    bool ended = false; // nothing comes after these
    bool full = false;  // there may be more already
};

class LogSource {
public:
    // From the beginning of this attempt on; nothing: of the latest one that was started.
    LogSource(Watch& watch, std::int64_t job, std::optional<int> attempt)
        : watch_(watch), job_(job), attempt_(attempt) {}

    // What has come since the last call, some 256 kB of it at most. Throws as Watch::ask.
    LogAnswer next();

private:
    Watch& watch_;
    std::int64_t job_;
    std::optional<int> attempt_;
    std::int64_t seq_ = 0;
};

} // namespace rcq::client
