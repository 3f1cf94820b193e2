#include "estimates.hpp"
#include <algorithm>
#include <numeric>

namespace rcq::core {
namespace {

// Of an even number of values the mean of the two in the middle. Reorders them; there is at least one.
double median(double* first, double* end) {
    double* upper = first + (end - first) / 2;
    std::nth_element(first, upper, end);
    if ((end - first) % 2 == 1) return *upper;
    return (*std::max_element(first, upper) + *upper) / 2;
}

} // namespace

void Estimates::record(UserId user, Micros estimate, Micros actual) {
    if (estimate <= 0 || actual < 0) return;
    Ratios& ratios = users_[user];
    ratios.last[ratios.recorded++ % samples_kept] = static_cast<double>(actual) / static_cast<double>(estimate);
    if (ratios.recorded < samples_needed) return;
    auto sorted = ratios.last;
    ratios.correction = std::max(1.0, median(sorted.data(), sorted.data() + std::min(ratios.recorded, samples_kept)));
}

double Estimates::correction(UserId user) const {
    const auto it = users_.find(user);
    return it == users_.end() ? 1.0 : it->second.correction;
}

void RunTimes::record(UserId user, Micros actual) {
    LastTwo& runs = users_[user];
    runs.before = runs.last;
    runs.last = actual;
}

std::optional<Micros> RunTimes::predict(UserId user) const {
    const auto it = users_.find(user);
    if (it == users_.end() || !it->second.before) return std::nullopt;
    return std::midpoint(*it->second.before, *it->second.last);
}

} // namespace rcq::core
