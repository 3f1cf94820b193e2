#include "replay_options.hpp"

#include "usage_error.hpp"

#include <charconv>

namespace rcq::sim {

Guard guard_of(const ReplayOptions& options) {
    const bool wanted = options.policy == Policy::quota || options.max_wait;
    return options.guard.value_or(wanted ? Guard::job : Guard::off);
}

core::Micros max_wait_of(const ReplayOptions& options) {
    return guard_of(options) == Guard::off ? 0 : options.max_wait.value_or(72 * core::hour);
}

Backfill parse_backfill(const std::string& text) {
    if (text == "none") return {BackfillKind::none};
    if (text == "easy") return {BackfillKind::easy};
    if (text == "conservative") return {BackfillKind::conservative};
    if (text.rfind("depth:", 0) == 0) {
        Backfill backfill{BackfillKind::depth, 0};
        const char* end = text.data() + text.size();
        const auto [rest, error] = std::from_chars(text.data() + 6, end, backfill.depth);
        if (error == std::errc() && rest == end && backfill.depth >= 1 && backfill.depth <= 1'000'000) return backfill;
    }
    throw UsageError("\"" + text +
                     "\" is no kind of backfill: none, easy, depth:N (N from 1 to 1000000) or conservative");
}

std::string name(const Backfill& backfill) {
    switch (backfill.kind) {
    case BackfillKind::none:
        return "none";
    case BackfillKind::easy:
        return "easy";
    case BackfillKind::depth:
        return "depth:" + std::to_string(backfill.depth);
    case BackfillKind::conservative:
        return "conservative";
    }
    return "";
}

std::string_view name(Policy policy) {
    switch (policy) {
    case Policy::quota:
        return "quota";
    case Policy::multifactor:
        return "multifactor";
    case Policy::fairtree:
        return "fairtree";
    case Policy::fifo:
        return "fifo";
    }
    return "";
}

std::string_view name(BackfillOrder order) { return order == BackfillOrder::submit ? "submit" : "shortest"; }
std::string_view name(Guard guard) {
    switch (guard) {
    case Guard::job:
        return "job";
    case Guard::group:
        return "group";
    case Guard::off:
        return "off";
    }
    return "";
}

std::string_view name(Predict predict) { return predict == Predict::none ? "none" : "last2"; }

} // namespace rcq::sim
