#include "settings.hpp"

#include "usage_error.hpp"

namespace rcq::sim {
namespace {

// A month of usage, as a quota counts it.
constexpr core::Micros month = 730 * core::hour;

} // namespace

core::Settings core_settings(const ReplayOptions& options) {
    if (options.policy != Policy::quota)
        throw UsageError("--policy " + std::string(name(options.policy)) +
                         ": the scheduler has the policy quota alone");
    if (options.backfill.kind != BackfillKind::none)
        throw UsageError("--backfill " + name(options.backfill) + ": the scheduler has no backfill, use none");

    core::Settings settings;
    settings.fairshare_cap = options.cap;
    settings.fairshare_floor = options.floor;
    settings.wait_boost_per_hour = options.boost_per_hour;
    settings.usage_window = month;
    settings.max_wait = max_wait_of(options);
    settings.guard_scope = guard_of(options) == Guard::group ? core::GuardScope::group : core::GuardScope::job;
    settings.guard_spacing = options.guard_spacing;
    settings.user_fairness = options.user_fairness;
    return settings;
}

} // namespace rcq::sim
