// What is measured of a schedule, by the definitions that published figures use.
#pragma once
#include "trace.hpp"
#include <cmath>

namespace rcq::sim {

struct Figures {
    std::size_t jobs = 0;
    std::size_t users = 0;
    // Bounded slowdown (Feitelson et al.): max(1, (wait + run) / max(run, 10 s)).
    double bsld_mean = 0;      // over all jobs, no warm-up left out
    double bsld_user_mean = 0; // over the users, of each user's mean
    double wait_mean_h = 0;
    double wait_p95_h = 0; // nearest rank
    double wait_max_h = 0;
    double utilisation = 0; // sum of processors x run / (processors of the machine x makespan), 0 to 1
    double jain = 0;        // fairness over the users' mean bounded slowdowns: 1 all alike, 1 / users one suffers alone
    double makespan_h = 0;  // first submit to last end
};

// `starts` of the trace's jobs, in its order.
Figures measure(const Trace& trace, const std::vector<core::Micros>& starts);

double bounded_slowdown(core::Micros wait, core::Micros run);

// Jain's index, (sum x)^2 / (n sum x^2), of numbers above 0.
double jain_index(const std::vector<double>& values);

// The value of rank ceil(share x n); `sorted` ascending and not empty, `share` above 0, at most 1.
template <typename Number> Number nearest_rank(const std::vector<Number>& sorted, double share) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    return sorted[std::min(std::max(rank, std::size_t{1}), sorted.size()) - 1];
}

} // namespace rcq::sim
