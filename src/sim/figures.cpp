#include "figures.hpp"

#include "duration.hpp"

#include <algorithm>
#include <numeric>

namespace rcq::sim {
namespace {

double mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

} // namespace

double bounded_slowdown(core::Micros wait, core::Micros run) {
    const core::Micros bounded_run = std::max(run, 10 * core::second);
    return std::max(1.0, in_seconds(wait + run) / in_seconds(bounded_run));
}

double jain_index(const std::vector<double>& values) {
    const double sum = std::accumulate(values.begin(), values.end(), 0.0);
    const double squares = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
    return sum * sum / (static_cast<double>(values.size()) * squares);
}

Figures measure(const Trace& trace, const std::vector<core::Micros>& starts) {
    std::vector<double> slowdowns;
    std::vector<double> waits_h;
    std::vector<double> user_slowdowns(static_cast<std::size_t>(trace.users));
    std::vector<std::size_t> user_jobs(user_slowdowns.size());
    core::Micros last_end = 0;
    double used_hours = 0;
    for (std::size_t i = 0; i < trace.jobs.size(); ++i) {
        const TraceJob& job = trace.jobs[i];
        const core::Micros wait = starts[i] - job.submit;
        slowdowns.push_back(bounded_slowdown(wait, job.run));
        waits_h.push_back(in_hours(wait));
        user_slowdowns[static_cast<std::size_t>(job.user)] += slowdowns.back();
        ++user_jobs[static_cast<std::size_t>(job.user)];
        last_end = std::max(last_end, starts[i] + job.run);
        used_hours += job.processors * in_hours(job.run);
    }
    for (std::size_t user = 0; user < user_jobs.size(); ++user)
        user_slowdowns[user] /= static_cast<double>(user_jobs[user]);

    Figures figures;
    figures.jobs = trace.jobs.size();
    figures.users = user_jobs.size();
    figures.bsld_mean = mean(slowdowns);
    figures.bsld_user_mean = mean(user_slowdowns);
    figures.wait_mean_h = mean(waits_h);
    std::sort(waits_h.begin(), waits_h.end());
    figures.wait_p95_h = nearest_rank(waits_h, 0.95);
    figures.wait_max_h = waits_h.back();
    figures.makespan_h = in_hours(last_end - trace.jobs.front().submit);
    figures.utilisation = used_hours / (trace.processors * figures.makespan_h);
    figures.jain = jain_index(user_slowdowns);
    return figures;
}

} // namespace rcq::sim
