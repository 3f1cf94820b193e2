// Lanes: pending jobs that share one scheduling key (group, user, base priority, shape), each an ordered queue.
// Inside a lane every factor but waiting is equal, so its first job is its best one at all times, and what does not
// fit for one of them fits for none.
#pragma once
#include "lane_tree.hpp"
#include <map>

namespace rcq::core {

// 64-bit FNV-1a over a canonical encoding: group, user, priority, cpu_cores (4 bytes each), memory_mib (8), gpu_milli
// (4), then each feature, in order, as its length (4) and its bytes; numbers little-endian, two's complement.
// The order of the features and duplicates do not matter. A stable value: other processes compute it from the same
// columns, and it may be stored.
std::uint64_t lane_key(GroupId group, UserId user, std::int32_t priority, const Shape& shape);

struct LaneId {
    GroupId group = 0;
    UserId user = 0;
    std::int32_t priority = 0; // the jobs', without the group's
    std::uint64_t key = 0;     // lane_key()
    Shape shape;
    friend auto operator<=>(const LaneId&, const LaneId&) = default;
};

struct Lane {
    LaneId id;
    LaneTree waiting;
    std::size_t held = 0; // jobs of this key that wait outside: they keep the lane alive and take no part
};

class Lanes {
public:
    // The lane of a key, made if need be. References stay valid until the lane is closed.
    Lane& open(GroupId group, UserId user, std::int32_t priority, const Shape& shape);
    // Forgets the lane if nothing waits in it and nothing is held.
    void close_if_empty(Lane& lane);

    // Ordered by group, then user.
    const std::map<LaneId, Lane>& all() const { return lanes_; }

private:
    std::map<LaneId, Lane> lanes_;
};

} // namespace rcq::core
