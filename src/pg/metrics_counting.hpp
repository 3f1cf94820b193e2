// Counting by backends: what a transaction did counts when it has committed, and not at all when it has not.
#pragma once
#include "metrics.hpp"

namespace rcq::pg {

void count(Counter counter, uint64 by);
// A run with which a job ended took so long.
void count_run(double seconds);
// A run ended so, its job is now that, after so many seconds.
void count_end(std::string_view end, std::string_view status, std::optional<double> seconds);

} // namespace rcq::pg
