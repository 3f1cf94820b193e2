#include "lanes.hpp"
#include <string_view>
#include <utility>

namespace rcq::core {
namespace {

class Fnv1a {
public:
    void byte(std::uint8_t b) { hash_ = (hash_ ^ b) * 0x100000001b3U; }
    void word32(std::int64_t value) { number(static_cast<std::uint64_t>(value), 4); }
    void word64(std::int64_t value) { number(static_cast<std::uint64_t>(value), 8); }
    void text(std::string_view s) {
        word32(static_cast<std::int64_t>(s.size()));
        for (char c : s) byte(static_cast<std::uint8_t>(c));
    }
    std::uint64_t value() const { return hash_; }

private:
    void number(std::uint64_t value, int bytes) {
        for (int i = 0; i < bytes; ++i) byte(static_cast<std::uint8_t>(value >> (8 * i)));
    }
    std::uint64_t hash_ = 0xcbf29ce484222325U;
};

} // namespace

LaneSpec lane_spec(const Job& job) {
    const bool throttled = job.array != 0 && job.array_throttle > 0;
    return {job.group,
            job.user,
            job.priority,
            job.preemptible,
            job.concurrency_key,
            throttled ? job.array : 0,
            throttled ? job.array_throttle : 0,
            job.shape};
}

std::uint64_t lane_key(const LaneSpec& spec) {
    Fnv1a hash;
    hash.word32(spec.group);
    hash.word32(spec.user);
    hash.word32(spec.priority);
    hash.byte(spec.preemptible ? 1 : 0);
    hash.text(spec.concurrency_key);
    hash.word64(spec.array);
    hash.word32(spec.array_throttle);
    hash.word32(spec.shape.need.cpu_cores);
    hash.word64(spec.shape.need.memory_mib);
    hash.word32(spec.shape.need.gpu_milli);
    hash.word32(spec.shape.min_cores);
    hash.text(spec.shape.gpu_type);
    hash.text(spec.shape.constraint.text());
    hash.word32(static_cast<std::int64_t>(spec.shape.consumables.size()));
    for (const auto& [name, amount] : spec.shape.consumables) {
        hash.text(name);
        hash.word64(amount);
    }
    hash.byte(spec.shape.exclusive ? 1 : 0);
    return hash.value();
}

Lane& Lanes::open(const LaneSpec& spec) {
    auto [it, fresh] = lanes_.try_emplace(spec);
    Lane& lane = it->second;
    if (!fresh) return lane;
    lane.key = lane_key(spec);
    lane.spec = spec;
    lane.waiting.advance(now_);
    lane.waiting.order_by_plan(by_plan_);
    const auto [shape, unseen] = shapes_.try_emplace(spec.shape);
    if (unseen) {
        if (free_numbers_.empty()) free_numbers_.push_back(numbers_++);
        shape->second.number = free_numbers_.back();
        free_numbers_.pop_back();
    }
    ++shape->second.lanes;
    lane.shape = &*shape;
    return lane;
}

void Lanes::close_if_empty(Lane& lane) {
    if (!lane.waiting.empty() || lane.held != 0) return;
    ShapeUse& use = lane.shape->second;
    if (--use.lanes == 0) {
        free_numbers_.push_back(use.number);
        shapes_.erase(shapes_.find(lane.shape->first));
    }
    lanes_.erase(lanes_.find(lane.spec));
}

void Lanes::insert(Lane& lane, const LaneEntry& entry) {
    lane.waiting.insert(entry);
    ++lane.shape->second.jobs;
    if (entry.eligible_at > now_) ++to_come_[entry.eligible_at];
}

void Lanes::erase(Lane& lane, const LaneEntry& entry) {
    if (!lane.waiting.erase(entry)) return;
    --lane.shape->second.jobs;
    if (entry.eligible_at <= now_) return;
    const auto to_come = to_come_.find(entry.eligible_at);
    if (--to_come->second == 0) to_come_.erase(to_come);
}

void Lanes::order_by_plan(bool keep) {
    by_plan_ = keep;
    for (auto& [spec, lane] : lanes_) {
        lane.waiting.advance(now_);
        lane.waiting.order_by_plan(keep);
    }
}

void Lanes::advance(Micros now) {
    if (now < now_) return; // to_come_ has no entries any more of jobs that would be to come again
    now_ = now;
    to_come_.erase(to_come_.begin(), to_come_.upper_bound(now));
    if (!by_plan_) return;
    for (auto& [spec, lane] : lanes_) lane.waiting.advance(now);
}

std::optional<Micros> Lanes::next_due(Micros now) const {
    const auto next = to_come_.upper_bound(now);
    return next == to_come_.end() ? std::nullopt : std::optional(next->first);
}

} // namespace rcq::core
