#include "trace.hpp"

#include "usage_error.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace rcq::sim {
namespace {

using core::Micros;

// One job after the other, all would end before this: so no computed time can leave the range of Micros.
constexpr Micros longest_replay = 250'000 * (365 * core::day);

std::string reasons(const SkipCounts& skipped) {
    std::string text;
    for (const Skip skip : all_skips)
        if (skipped[skip] > 0)
            text += (text.empty() ? "" : ", ") + std::string(name(skip)) + " " + std::to_string(skipped[skip]);
    return text.empty() ? "it has no lines of jobs" : "lines left out: " + text;
}

} // namespace

Trace make_trace(SwfParser log, std::optional<std::int32_t> processors, std::optional<std::size_t> limit,
                 const std::string& source) {
    Trace trace;
    if (!processors) processors = log.max_processors;
    if (!processors && !log.jobs.empty())
        throw UsageError(source + " does not say how large its machine is (no \"; MaxProcs:\"): add --processors N");
    trace.processors = processors.value_or(0);
    trace.unix_start_time = log.unix_start_time;
    trace.skipped = log.skipped;

    const std::size_t fitting = log.jobs.size();
    std::erase_if(log.jobs, [&](const SwfJob& job) { return job.processors > trace.processors; });
    trace.skipped[Skip::too_large] += fitting - log.jobs.size();
    for (std::size_t i = 1; i < log.jobs.size(); ++i)
        if (log.jobs[i].submit < log.jobs[i - 1].submit) ++trace.out_of_order;
    std::stable_sort(log.jobs.begin(), log.jobs.end(), [](const SwfJob& a, const SwfJob& b) {
        return std::tie(a.submit, a.number) < std::tie(b.submit, b.number);
    });
    if (limit && *limit < log.jobs.size()) log.jobs.resize(*limit);
    if (log.jobs.empty())
        throw UsageError(source + " has no usable job (" + reasons(trace.skipped) +
                         "): is it a trace in the Standard Workload Format?");

    std::unordered_map<std::int64_t, std::int32_t> users;
    Micros total = 0;
    for (const SwfJob& job : log.jobs) {
        const Micros requested = job.requested.value_or(job.run);
        const auto user = users.try_emplace(job.user, static_cast<std::int32_t>(users.size())).first->second;
        trace.jobs.push_back({job.number, job.submit, std::min(job.run, requested), requested, job.processors, user});
        total += requested;
        if (total > longest_replay)
            throw UsageError(source + ": the requested times add up to more than 250,000 years: use --limit-jobs");
    }
    trace.users = static_cast<std::int32_t>(users.size());
    return trace;
}

} // namespace rcq::sim
