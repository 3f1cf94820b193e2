// What can be chosen for a replay. The defaults are the conventions behind published figures for traces of the archive,
// not those of the server.
#pragma once
#include "core/settings.hpp"
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace rcq::sim {

enum class Policy { quota, multifactor, fairtree, fifo };
enum class BackfillKind { none, easy, depth, conservative };
enum class BackfillOrder { submit, shortest };
enum class Guard { job, group, off };
enum class Predict { none, last2 };

inline constexpr std::array all_policies = {Policy::quota, Policy::multifactor, Policy::fairtree, Policy::fifo};
inline constexpr std::array all_backfill_orders = {BackfillOrder::submit, BackfillOrder::shortest};
inline constexpr std::array all_guards = {Guard::job, Guard::group, Guard::off};
inline constexpr std::array all_predictions = {Predict::none, Predict::last2};

struct Backfill {
    BackfillKind kind = BackfillKind::easy;
    std::int32_t depth = 1; // number of reservations, of kind depth
};

struct ReplayOptions {
    Policy policy = Policy::quota;
    Backfill backfill;
    BackfillOrder order = BackfillOrder::submit;
    core::Micros half_life = 7 * core::day; // of usage; above 0
    double age_weight = 1;                  // multifactor and fairtree
    double fair_share_weight = 1;
    double size_weight = 0;
    core::Micros max_age = 7 * core::day; // above 0
    double cap = 2.0;                     // quota
    double floor = 0.01;
    double boost_per_hour = 0.01;
    std::optional<Guard> guard;           // see guard_of()
    std::optional<core::Micros> max_wait; // see max_wait_of()
    core::Micros guard_spacing = 10 * core::minute;
    bool user_fairness = false;
    bool count_planned = false;
    Predict predict = Predict::none;
};

// The starvation guard belongs to the policy quota: where nothing is said it acts there, for every job, after 72 h, and
// with the other policies only if a longest wait is given.
Guard guard_of(const ReplayOptions& options);
core::Micros max_wait_of(const ReplayOptions& options); // 0 = the guard never acts

// "none", "easy", "depth:N" with N from 1 to 1,000,000, "conservative". Throws UsageError.
Backfill parse_backfill(const std::string& text);
std::string name(const Backfill& backfill);
std::string_view name(Policy policy);
std::string_view name(BackfillOrder order);
std::string_view name(Guard guard);
std::string_view name(Predict predict);

} // namespace rcq::sim
