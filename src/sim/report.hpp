// The result of a replay for people and for programs.
#pragma once
#include "figures.hpp"
#include "replay.hpp"
#include <string>

namespace rcq::sim {

struct Report {
    std::string source; // name of the trace
    const Trace& trace;
    const ReplayOptions& options;
    const Replay& replay;
    Figures figures;
};

// An aligned table, every line ended.
std::string as_table(const Report& report);

// One JSON object with a final line end.
std::string as_json(const Report& report);

// "12 lines left out (no_run_time 9, too_few_fields 3); 4 lines out of order, sorted"; empty if nothing is to be said.
std::string describe_skipped(const Trace& trace);

} // namespace rcq::sim
