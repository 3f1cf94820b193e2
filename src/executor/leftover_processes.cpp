#include "executor/leftover_processes.hpp"

#include "rundir/paths.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace rcq::executor {

namespace {

constexpr std::string_view supervisor_name = "rcq-supervisor";
constexpr std::string_view executor_name = "rcq-executor";
constexpr int most_ancestors = 10'000;

// Whether a process that cannot be looked into may be one of the run. Our own programs hide what they are, too.
bool may_belong(const ProcessSnapshot& snapshot, const rundir::ProcessStat& process, const Trace& run) {
    if (process.start_ticks < run.not_before) return false;
    if (snapshot.user_of(process.pid).value_or(run.user) != run.user) return false;
    const std::string name = snapshot.name_of(process.pid);
    return name != supervisor_name && name != executor_name;
}

} // namespace

Leftovers leftovers_of(ProcessSnapshot& snapshot, const Trace& run) {
    Leftovers left;
    std::unordered_set<pid_t> members;
    std::unordered_set<pid_t> sessions;
    if (run.session > 1) sessions.insert(run.session);
    bool first = true;
    for (bool grown = true; grown; first = false) { // until nobody new is found
        grown = false;
        for (const rundir::ProcessStat& process : snapshot.processes()) {
            if (members.contains(process.pid) || process.pid <= 1) continue;
            bool member = sessions.contains(process.session) || members.contains(process.parent);
            if (!member && first && process.state != 'Z') {
                const auto& run_dir = snapshot.run_dir_of(process.pid);
                member = run_dir && *run_dir == run.run_dir;
                if (!run_dir && may_belong(snapshot, process, run)) left.certain = false;
            }
            if (!member) continue;
            members.insert(process.pid);
            if (process.session > 1) sessions.insert(process.session);
            if (process.state != 'Z') left.processes.push_back(process.pid);
            grown = true;
        }
    }
    return left;
}

pid_t supervisor_of(ProcessSnapshot& snapshot, const std::string& directory) {
    const std::string run_dir = directory + "/" + rundir::job_dir;
    std::unordered_map<pid_t, pid_t> parents;
    for (const rundir::ProcessStat& process : snapshot.processes()) parents[process.pid] = process.parent;
    for (const rundir::ProcessStat& process : snapshot.processes()) {
        if (process.state == 'Z') continue;
        if (snapshot.name_of(process.pid) == supervisor_name && snapshot.directory_of(process.pid) == directory) {
            return process.pid;
        }
        if (snapshot.run_dir_of(process.pid) != run_dir) continue;
        pid_t above = process.parent;
        for (int steps = 0; above > 1 && steps < most_ancestors; ++steps) {
            if (snapshot.name_of(above) == supervisor_name) return above;
            auto parent = parents.find(above);
            above = parent == parents.end() ? 0 : parent->second;
        }
    }
    return 0;
}

} // namespace rcq::executor
