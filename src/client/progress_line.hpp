// The one line that `rcq wait` keeps on a terminal.
#pragma once
#include "client/job_state.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rcq::client {

struct Waiting {
    std::vector<JobState> jobs;
    double waited_s = 0;
    std::optional<double> starts_in_s; // of the only job, while it is pending, by the scheduler's forecast
};

// What is known in at most `width` columns (0: any), safe to show, without control characters but colours:
// "job 42 running on node1 [#########-----------]  45 % 3m12s, epoch 4".
std::string progress_line(const Waiting& waiting, int width, bool colours);

} // namespace rcq::client
