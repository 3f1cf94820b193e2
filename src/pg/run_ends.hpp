// The end of any number of runs, reported by their executor or found by the scheduler.
#pragma once
#include "run_reports.hpp"

namespace rcq::pg {

struct EndAnswer {
    int64 job_id = 0;
    int64 token = 0;
    std::string_view answer; // protocol::answer
};

// Records what these runs of one executor came to, in ascending job id, each once however often it is listed. Waits for
// nobody: a job whose row somebody else holds or has just changed is left as it is and answered `retry`. Lost runs, and
// those that were not started, are not charged. Job rows are only read for runs that failed or were lost and may be
// followed by another one. Of a job that is not to live twice (on_disconnect = kill) the next run waits until a lost
// one that may go on has been ended by its supervisor.
std::vector<EndAnswer> end_runs(int32 executor, std::vector<RunReport> reports);

// The report of a run that nobody reports.
RunReport lost_run(int64 job_id, int64 token, const char* message);

} // namespace rcq::pg
