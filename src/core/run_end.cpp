#include "run_end.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace rcq::core {

namespace {

constexpr std::string_view ends[] = {"exit_code",   "signal",      "timeout",   "oom",        "disk_quota",
                                     "spawn_error", "not_started", "cancelled", "bad_result", "executor_lost",
                                     "preempted",   "requeued",    "deadline"};
static_assert(std::size(ends) == static_cast<std::size_t>(RunEnd::deadline) + 1);

constexpr double year_s = 31'536'000;

bool succeeded(const RunFacts& facts) { return facts.reported == RunEnd::exit_code && facts.exit_code == 0; }

RunEnd recorded_end(const RunFacts& facts) {
    if (facts.cancel_requested || facts.reported == RunEnd::executor_lost || succeeded(facts)) return facts.reported;
    if (facts.requeue_requested) return RunEnd::requeued;
    if (facts.preempt_requested) return RunEnd::preempted;
    // a run that its executor ended unasked (a drain that ran out of time) was lost, not cancelled
    if (facts.reported == RunEnd::cancelled) return RunEnd::executor_lost;
    if (facts.reported == RunEnd::timeout && facts.deadline_passed) return RunEnd::deadline;
    return facts.reported;
}

} // namespace

std::string_view word(RunEnd end) { return ends[static_cast<std::size_t>(end)]; }

std::optional<RunEnd> reported_end(std::string_view word) {
    const auto last = std::begin(ends) + static_cast<std::ptrdiff_t>(RunEnd::bad_result) + 1;
    const auto found = std::find(std::begin(ends), last, word);
    if (found == last) return std::nullopt;
    return static_cast<RunEnd>(found - std::begin(ends));
}

std::string_view word(AfterRun status) {
    constexpr std::string_view words[] = {"completed", "failed", "cancelled", "pending"};
    return words[static_cast<std::size_t>(status)];
}

RunVerdict judge(const RunFacts& facts, const std::function<std::optional<double>(RunEnd)>& retry_delay) {
    RunVerdict verdict;
    verdict.end = recorded_end(facts);
    if (succeeded(facts)) {
        verdict.status = AfterRun::completed;
    } else if (facts.cancel_requested) {
        verdict.status = AfterRun::cancelled;
    } else if (verdict.end == RunEnd::preempted || verdict.end == RunEnd::requeued) {
        verdict.status = AfterRun::pending;
    } else if (verdict.lost()) {
        const bool again = facts.requeue || verdict.end == RunEnd::not_started;
        verdict.status = again && facts.losses < facts.max_losses ? AfterRun::pending : AfterRun::failed;
    } else if (verdict.end != RunEnd::deadline && facts.failures < facts.max_retries) {
        verdict.retry_after = retry_delay(verdict.end);
        if (verdict.retry_after) verdict.status = AfterRun::pending;
    }
    return verdict;
}

std::optional<double> RetryPolicy::delay(RunEnd end, int exit_code, int failures, double chance) const {
    const bool of_this_end = ends && ends->count(word(end)) > 0;
    const bool of_this_code = end == RunEnd::exit_code && exit_codes && exit_codes->count(exit_code) > 0;
    if ((ends || exit_codes) && !of_this_end && !of_this_code) return std::nullopt;
    double seconds = exponential ? delay_s * std::exp2(std::min(failures, 60)) : delay_s;
    seconds = std::min({seconds, max_delay_s.value_or(year_s), year_s});
    return seconds * (1 + jitter * (2 * chance - 1));
}

} // namespace rcq::core
