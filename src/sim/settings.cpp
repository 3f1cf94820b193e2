#include "settings.hpp"

namespace rcq::sim {
namespace {

core::Policy core_policy(Policy policy) {
    switch (policy) {
    case Policy::quota:
        return core::Policy::quota;
    case Policy::multifactor:
        return core::Policy::multifactor;
    case Policy::fairtree:
        return core::Policy::fairtree;
    case Policy::fifo:
        break;
    }
    return core::Policy::fifo;
}

core::Backfill core_backfill(BackfillKind kind) {
    switch (kind) {
    case BackfillKind::none:
        return core::Backfill::none;
    case BackfillKind::easy:
        return core::Backfill::easy;
    case BackfillKind::depth:
        return core::Backfill::depth;
    case BackfillKind::conservative:
        break;
    }
    return core::Backfill::conservative;
}

} // namespace

core::Settings core_settings(const ReplayOptions& options) {
    core::Settings settings;
    settings.policy = core_policy(options.policy);
    settings.backfill = core_backfill(options.backfill.kind);
    settings.backfill_depth = options.backfill.depth;
    settings.backfill_order =
        options.order == BackfillOrder::shortest ? core::BackfillOrder::shortest : core::BackfillOrder::rank;
    settings.usage_window = {core::WindowKind::half_life, options.half_life, 0};
    settings.count_planned = options.count_planned;
    settings.correct_estimates = false; // the conventions know no correction
    settings.fairshare_cap = options.cap;
    settings.fairshare_floor = options.floor;
    settings.wait_boost_per_hour = options.boost_per_hour;
    settings.max_wait = max_wait_of(options);
    settings.guard_scope = guard_of(options) == Guard::group ? core::GuardScope::group : core::GuardScope::job;
    settings.guard_spacing = options.guard_spacing;
    settings.user_fairness = options.user_fairness;
    settings.weight_age = options.age_weight;
    settings.weight_fair_share = options.fair_share_weight;
    settings.weight_size = options.size_weight;
    settings.max_age = options.max_age;
    return settings;
}

} // namespace rcq::sim
