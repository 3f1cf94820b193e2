// The queue of one lane: an ordered tree by (eligible_at, id) that also knows the least planned duration below each
// node, so that "the earliest job that fits a hole of d seconds" costs no more than a look-up. On demand it keeps a
// second order, by planned duration, of the jobs whose time has come.
//
// A treap whose node priorities are a hash of the job id: balanced whatever the order of arrival, and the same tree
// for the same jobs.
#pragma once
#include "types.hpp"
#include <memory>
#include <set>

namespace rcq::core {

struct LaneEntry {
    Micros eligible_at = 0;
    JobId id = 0;
    std::optional<std::int64_t> own_plan_s; // none: planned with the default of the moment, which may change

    // Order of the lane.
    bool before(const LaneEntry& other) const {
        return eligible_at != other.eligible_at ? eligible_at < other.eligible_at : id < other.id;
    }
};

// A bound on planned durations, in seconds.
struct PlanBound {
    std::int64_t limit_s = INT64_MAX;
    std::int64_t default_s = 0; // what entries without a plan of their own count as
    bool admits(const LaneEntry& e) const { return e.own_plan_s.value_or(default_s) <= limit_s; }
};

class LaneTree {
public:
    LaneTree() = default;
    LaneTree(LaneTree&&) = delete; // stays where it is, as do the pointers that it gives out

    // No entry of the same (eligible_at, id) may be in it.
    void insert(const LaneEntry& entry);
    // False if there was none of the same (eligible_at, id).
    bool erase(const LaneEntry& entry);

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    // Each O(log n), first() and last() O(1). Null: no such entry. Pointers stay valid until the entry is erased.
    const LaneEntry* first() const { return first_; }
    const LaneEntry* last() const { return last_; }
    const LaneEntry* after(const LaneEntry& entry) const;
    // The first entry that the bound admits, of all, or of those after `entry`.
    const LaneEntry* first_within(const PlanBound& bound) const;
    const LaneEntry* next_within(const LaneEntry& entry, const PlanBound& bound) const;

    // Keeps the second order from now on, or no longer. O(n) when that changes something.
    void order_by_plan(bool keep);
    // Entries eligible by then are in the second order, when it is kept. Never goes backwards.
    void advance(Micros now);
    // The entry of the least planned duration, the first of equal ones in the order of the lane, of all or of those
    // after `last` in this order; null: none that the bound admits. Needs order_by_plan(true).
    const LaneEntry* shortest_within(const LaneEntry* last, const PlanBound& bound) const;

private:
    struct Node;
    // Node is incomplete here, so that its layout stays in the source.
    struct NodeDeleter {
        void operator()(Node* node) const;
    };
    using Link = std::unique_ptr<Node, NodeDeleter>;

    static void split(Link tree, const LaneEntry& at, Link& before, Link& rest);
    static Link merge(Link before, Link rest);
    static void insert_at(Link& tree, Link node);
    static bool erase_at(Link& tree, const LaneEntry& entry);
    static const LaneEntry* last_of(const Node* node);
    static const LaneEntry* find(const Node* node, const LaneEntry* after, const PlanBound& bound);

    // Entries without a plan of their own come last, as their place changes with the default.
    struct ByPlan {
        bool operator()(const LaneEntry& a, const LaneEntry& b) const;
    };

    Link root_;
    std::optional<std::set<LaneEntry, ByPlan>> by_plan_;
    Micros now_ = INT64_MIN;
    const LaneEntry* first_ = nullptr; // kept, as is last_, because every plan asks every lane
    const LaneEntry* last_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace rcq::core
