// What executors say about runs, read from its JSON.
#pragma once
#include "../core/run_end.hpp"
#include "guard.hpp"

namespace rcq::pg {

// How a run ended. What is pointed to lasts as long as the JSON it was read from and the memory context of that time.
struct RunReport {
    int64 job_id = 0;
    int64 token = 0;
    core::RunEnd end = core::RunEnd::executor_lost;
    std::optional<int32> exit_code, signal, peak_memory_mib;
    std::optional<float> cpu_seconds;
    TimestampTz ended_at = DT_NOEND; // by the clock of whoever reports: later than now is now
    const text* message = nullptr;
    const Jsonb* output = nullptr;    // {"dir", "files"}
    std::optional<JsonbValue> result; // as the job left it
    bool may_go_on = false;           // of a lost run: its processes may live for as long as `lost_after`
};

// RC023 when it is no array of objects, or one of them is no report. What a host says about files is cut, so that none
// fills the database with it.
std::vector<RunReport> parse_reports(Jsonb* finished);

// What a run that goes on has used.
struct RunUsage {
    int64 job_id = 0;
    int64 token = 0;
    std::optional<float> cpu_seconds;
    std::optional<int32> peak_memory_mib;
};

// RC023 likewise; elements without job or token are left out.
std::vector<RunUsage> parse_usage(Jsonb* usage);

} // namespace rcq::pg
