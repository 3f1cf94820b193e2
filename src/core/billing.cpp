#include "billing.hpp"
#include <algorithm>
#include <cmath>

namespace rcq::core {
namespace {

// Far above anything real, and low enough that a rate times a duration, added up over a cluster, stays in 64 bits.
constexpr double max_amount = 4e18;
constexpr double max_rate = 1e9; // a million billed cores in one job
constexpr std::int64_t max_plan_seconds = 10LL * 365 * 86'400;

std::int64_t to_whole(double value, double high) {
    if (!(value > 0)) return 0; // NaN, too
    return static_cast<std::int64_t>(std::llround(std::min(value, high)));
}

std::int64_t to_plan_seconds(Micros duration) {
    if (duration <= second) return 1;
    return std::min((duration - 1) / second + 1, max_plan_seconds);
}

} // namespace

Billed billed_from_core_seconds(double core_seconds) { return to_whole(core_seconds * 1000.0, max_amount); }

Billed billed_from_hours(double cpu_hours) { return to_whole(cpu_hours * billed_per_hour, max_amount); }

double billed_cores(double cores, double gb, double gpus, std::string_view gpu_type, const Settings& s) {
    const auto own = s.bill_per_gpu_type.find(gpu_type);
    const double per_gpu = own == s.bill_per_gpu_type.end() ? s.bill_per_gpu_hour : own->second;
    return cores * s.bill_per_cpu_hour + gb * s.bill_per_gb_hour + gpus * per_gpu;
}

BilledRate billed_rate(const Resources& r, std::string_view gpu_type, const Settings& s) {
    const double gb = static_cast<double>(r.memory_mib) / 1024.0;
    return to_whole(billed_cores(r.cpu_cores, gb, r.gpu_milli / 1000.0, gpu_type, s) * 1000.0, max_rate);
}

std::optional<std::int64_t> own_plan_seconds(std::optional<Micros> estimate, std::optional<Micros> time_limit) {
    if (estimate) return to_plan_seconds(*estimate);
    if (time_limit) return to_plan_seconds(*time_limit);
    return std::nullopt;
}

std::int64_t default_plan_seconds(const Group& group, const Settings& settings) {
    return to_plan_seconds(group.default_estimate.value_or(settings.default_estimate));
}

} // namespace rcq::core
