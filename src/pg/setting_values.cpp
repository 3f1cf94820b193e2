#include "setting_values.hpp"

namespace rcq::pg {

namespace {

// The enumerator whose name is at the same place in the list.
template <class Enum> Enum chosen(const std::string& value, std::initializer_list<std::string_view> names) {
    return static_cast<Enum>(std::find(names.begin(), names.end(), value) - names.begin());
}

} // namespace

core::Settings to_settings(const std::map<std::string, std::string>& values) {
    const auto number = [&](const char* name) { return std::stod(values.at(name)); };
    const auto duration = [&](const char* name) { return static_cast<core::Micros>(number(name) * core::second); };
    core::Settings settings;
    settings.fairshare_cap = number("fairshare_cap");
    settings.fairshare_floor = number("fairshare_floor");
    settings.wait_boost_per_hour = number("wait_boost_per_hour");
    settings.max_wait = duration("max_wait");
    settings.guard_scope = values.at("guard_scope") == "job" ? core::GuardScope::job : core::GuardScope::group;
    settings.guard_spacing = duration("guard_spacing");
    settings.user_fairness = number("user_fairness") != 0;
    settings.default_estimate = duration("default_estimate");
    settings.bill_per_cpu_hour = number("billing_cpu_hour");
    settings.bill_per_gb_hour = number("billing_gb_hour");
    settings.bill_per_gpu_hour = number("billing_gpu_hour");
    settings.max_concurrent_jobs = static_cast<int32>(number("max_concurrent_jobs"));
    settings.usage_window.epoch_day = POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE;
    settings.policy = chosen<core::Policy>(values.at("policy"), {"quota", "multifactor", "fairtree", "fifo"});
    settings.usage_window.kind =
        chosen<core::WindowKind>(values.at("fairshare_window"), {"rolling", "month", "half_life"});
    settings.usage_window.length = settings.usage_window.kind == core::WindowKind::half_life
                                       ? duration("fairshare_half_life")
                                       : duration("fairshare_window_length");
    settings.count_planned = number("count_planned_usage") != 0;
    settings.correct_estimates = number("correct_estimates") != 0;
    settings.weight_age = number("weight_age");
    settings.weight_fair_share = number("weight_fair_share");
    settings.weight_priority = number("weight_priority");
    settings.weight_size = number("weight_size");
    settings.max_age = duration("max_age");
    settings.fairshare_damping = number("fairshare_damping");
    settings.backfill = chosen<core::Backfill>(values.at("backfill"), {"none", "easy", "depth", "conservative"});
    settings.backfill_depth = static_cast<int32>(number("backfill_depth"));
    settings.backfill_order = chosen<core::BackfillOrder>(values.at("backfill_order"), {"rank", "shortest"});
    settings.max_jobs_per_group = static_cast<int32>(number("max_jobs_per_group"));
    settings.max_jobs_per_user = static_cast<int32>(number("max_jobs_per_user"));
    settings.preemption = number("preemption") != 0;
    settings.preempt_after = duration("preempt_after");
    settings.max_preemptions = static_cast<int32>(number("max_preemptions"));
    return settings;
}

} // namespace rcq::pg
