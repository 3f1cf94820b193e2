// Lanes: pending jobs that share one scheduling key (group, user, base priority, shape, what else tells them apart for
// the scheduler), each an ordered queue. Inside a lane every factor but waiting is equal, so its first job is its best
// one at all times, and what does not fit for one of them fits for none.
#pragma once
#include "lane_tree.hpp"
#include <map>

namespace rcq::core {

struct LaneSpec {
    GroupId group = 0;
    UserId user = 0;
    std::int32_t priority = 0; // the jobs', without the group's
    bool preemptible = false;
    std::string concurrency_key;
    JobId array = 0; // of tasks whose array has a throttle; 0: none, or an array without one
    std::int32_t array_throttle = 0;
    Shape shape;
    friend auto operator<=>(const LaneSpec&, const LaneSpec&) = default;
};

LaneSpec lane_spec(const Job& job);

// 64-bit FNV-1a over a canonical encoding of the fields in the order of their declaration: numbers little-endian and in
// two's complement, in the size of their type (flags 1 byte), texts as their length (4) and their bytes, consumables as
// their number (4) and their pairs. A stable value: other processes compute it from the same columns.
std::uint64_t lane_key(const LaneSpec& spec);

// A shape that some lane has. Its number is small, and free for another one when no lane has it any more.
struct ShapeUse {
    std::size_t number = 0;
    std::size_t lanes = 0;
    std::size_t jobs = 0; // waiting in those lanes, held ones not counted
};
using Shapes = std::map<Shape, ShapeUse>;

struct Lane {
    std::uint64_t key = 0; // lane_key()
    LaneSpec spec;
    Shapes::value_type* shape = nullptr;
    LaneTree waiting;
    std::size_t held = 0; // jobs of this key that wait outside: they keep the lane alive and take no part
};

class Lanes {
public:
    // The lane of a key, made if need be. References stay valid until the lane is closed.
    Lane& open(const LaneSpec& spec);
    // Forgets the lane if nothing waits in it and nothing is held.
    void close_if_empty(Lane& lane);

    void insert(Lane& lane, const LaneEntry& entry);
    void erase(Lane& lane, const LaneEntry& entry);

    // Whether lanes can say which of their jobs is the shortest: see LaneTree::order_by_plan().
    void order_by_plan(bool keep);

    // Time passes; an earlier time than before changes nothing. Cost: jobs whose time has come; lanes, if they can say
    // which is the shortest.
    void advance(Micros now);
    // The first time after `now` at which a waiting job becomes eligible; none: there is no such job. `now` is no
    // earlier than the last advance(). O(log n)
    std::optional<Micros> next_due(Micros now) const;

    // Ordered by group, then user.
    const std::map<LaneSpec, Lane>& all() const { return lanes_; }

    const Shapes& shapes() const { return shapes_; }
    // Above the number of every shape.
    std::size_t shape_numbers() const { return numbers_; }

private:
    std::map<LaneSpec, Lane> lanes_;
    Shapes shapes_;
    std::size_t numbers_ = 0;
    std::vector<std::size_t> free_numbers_;
    bool by_plan_ = false;
    Micros now_ = INT64_MIN;
    std::map<Micros, std::size_t> to_come_; // waiting jobs by eligible_at, of those after now_
};

} // namespace rcq::core
