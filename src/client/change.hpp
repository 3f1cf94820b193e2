// What is done to jobs: to those that are named one by one, or to all that filters match.
#pragma once
#include "client/command.hpp"
#include "client/job_name.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace rcq::client {

// What became of a job: a word or two behind its number, and what programs are told besides.
struct Changed {
    std::string answer;
    std::string new_id; // of what it became; empty: nothing new
};

// Does something to one job. Throws Refusal.
using Change = std::function<Changed(Database&, const JobName&)>;

// Does it to each job, says so, and goes on with the next one when the server refuses: the first refusal is the exit
// code.
ExitCode change_each(Session& session, const std::vector<JobName>& jobs, const Change& change);

// The filters of rcq.change_jobs, as options; all of those that are given must match.
class JobFilter {
public:
    void add_to(CLI::App& command);
    [[nodiscard]] bool given() const { return !texts_.empty() || !lists_.empty(); }

    // Counts what matches or, with `yes`, does it. `priority` is that of set_priority.
    ExitCode run(Session& session, const std::string& action, const std::vector<JobName>& jobs,
                 std::optional<int> priority) const;

private:
    std::map<std::string, std::string> texts_;              // by argument of rcq.change_jobs
    std::map<std::string, std::vector<std::string>> lists_; //
    bool yes_ = false;
};

} // namespace rcq::client
