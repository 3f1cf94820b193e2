// The jobs of a replay: what is left of a log once it is put in order and cut to a machine.
#pragma once
#include "swf.hpp"

namespace rcq::sim {

struct TraceJob {
    std::int64_t number = 0; // in the log
    core::Micros submit = 0;
    core::Micros run = 0;       // above 0, cut at the requested time
    core::Micros requested = 0; // the run time where the log has none
    std::int32_t processors = 0;
    std::int32_t user = 0; // 0, 1, ... in the order in which they submit first; jobs of unknown users have one together
};

struct Trace {
    std::int32_t processors = 0; // of the machine; at least those of the largest job
    std::optional<std::int64_t> unix_start_time;
    std::vector<TraceJob> jobs; // by (submit, number, place in the log); never empty
    std::int32_t users = 0;
    SkipCounts skipped;
    std::size_t out_of_order = 0; // lines with a submit time before that of the line above; they were sorted in
};

// The first `limit` jobs of the log. Without `processors` the log's own header counts. Throws UsageError, which begins
// with `source`, the name of the log, if there is no size of the machine or no usable job.
Trace make_trace(SwfParser log, std::optional<std::int32_t> processors, std::optional<std::size_t> limit,
                 const std::string& source);

} // namespace rcq::sim
