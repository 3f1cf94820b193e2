#include "supervisor/watches.hpp"

#include "rundir/paths.hpp"

#include <algorithm>

namespace rcq::supervisor {

namespace {

constexpr std::int64_t killing_takes_ms = 2000; // of many processes on a busy host
constexpr std::int64_t first_walk_after_ms = 1000;
constexpr std::int64_t walk_every_ms = 10'000;
constexpr std::int64_t walk_at_most_every_ms = 1000;
constexpr std::int64_t pause_in_walk_ms = 50; // a step takes about 5

} // namespace

void ContactWatch::look() {
    if (path_.empty()) return;
    if (auto contact = rundir::read_contact(path_.c_str())) last_ = *contact;
}

std::int64_t ContactWatch::kill_at_ms() const {
    return last_.at_ms + last_.lost_after_ms - std::min(killing_takes_ms, last_.lost_after_ms / 4);
}

std::int64_t ContactWatch::end_at_ms() const {
    if (last_.lost_after_ms <= 0) return -1;
    return kill_at_ms() - std::min(kill_grace_ms_, last_.lost_after_ms / 2);
}

QuotaWatch::QuotaWatch(int directory, std::int64_t quota_mib)
    : disk_(directory, rundir::job_dir), quota_bytes_(quota_mib << 20) {}

void QuotaWatch::begin(std::int64_t now_ms) {
    if (quota_bytes_ > 0) due_ms_ = now_ms + first_walk_after_ms;
}

void QuotaWatch::step(std::int64_t now_ms) {
    const auto found = disk_.step();
    if (!found) {
        due_ms_ = now_ms + pause_in_walk_ms;
        return;
    }
    const double left = 1.0 - static_cast<double>(*found) / static_cast<double>(quota_bytes_);
    const auto pause = static_cast<std::int64_t>(left * walk_every_ms);
    due_ms_ = now_ms + std::clamp(pause, walk_at_most_every_ms, walk_every_ms);
}

} // namespace rcq::supervisor
