// What is said in the calls of the protocol, as plain data.
#pragma once
#include "executor/capacity.hpp"
#include "executor/log_reader.hpp"
#include "executor/run.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rcq::executor {

// How often the server must hear of an executor, and when it gives up its runs.
struct Terms {
    double lease_s = 30;
    double lost_after_s = 300;
    bool operator==(const Terms&) const = default;
};

struct Registration {
    int executor = 0;
    std::string name;
    std::string channel;
    Terms terms;
    std::int64_t server_start = 0; // tells a start of the server from all others; 0: it is older than 0.6
};

struct EndReport {
    std::int64_t job_id = 0;
    std::int64_t token = 0;
    const RunEnd* end = nullptr;
    std::string output_dir; // empty: no outputs
    std::string result;     // JSON; empty: none
};

struct UsageReport {
    std::int64_t job_id = 0;
    std::int64_t token = 0;
    double cpu_seconds = 0;
    std::int64_t peak_memory_mib = 0;
};

struct SyncRequest {
    int executor = 0;
    std::int64_t incarnation = 0;
    std::int64_t acked_seq = 0;
    std::optional<std::vector<std::int64_t>> live_tokens;
    std::vector<EndReport> finished;
    std::vector<UsageReport> usage;
    int max_new = 0;
};

struct SyncRow {
    std::string kind; // a word of protocol::sync_row
    std::int64_t seq = 0;
    std::int64_t job_id = 0;
    std::int64_t token = 0;
    std::string body;
    // Of a start: the JSON of the job's payload, which is not in the body, so that no number in it is read and written
    // again.
    std::optional<std::string> payload;
};

// How much of a run's log the server has.
struct LogPosition {
    std::int64_t token = 0;
    std::uint64_t next_seq = 1;
    std::uint64_t bytes = 0;
};

// How far runs say they are.
struct ProgressBatch {
    std::vector<std::int64_t> job_ids;
    std::vector<std::int64_t> tokens;
    std::vector<int> percents;
    std::vector<std::string> messages; // empty: none
    [[nodiscard]] bool empty() const { return tokens.empty(); }
};

struct LogBatch {
    std::vector<std::int64_t> job_ids;
    std::vector<std::int64_t> tokens;
    std::vector<std::int64_t> seqs;
    std::vector<LogStream> streams;
    std::vector<std::string> chunks;
    [[nodiscard]] bool empty() const { return chunks.empty(); }
};

} // namespace rcq::executor
