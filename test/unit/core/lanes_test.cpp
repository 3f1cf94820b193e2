#include "core/lanes.hpp"
#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;

namespace {

TEST(LaneTree, jobs_come_by_eligibility_and_then_by_id) {
    LaneTree t;
    for (const LaneEntry& e : std::vector<LaneEntry>{{20, 1, {}}, {10, 3, {}}, {10, 2, {}}, {5, 9, {}}}) t.insert(e);
    std::vector<JobId> order;
    for (const LaneEntry* e = t.first(); e; e = t.after(*e)) order.push_back(e->id);
    EXPECT_EQ(order, (std::vector<JobId>{9, 2, 3, 1}));
    EXPECT_EQ(t.size(), 4U);
}

TEST(LaneTree, erasing_what_is_not_in_it_changes_nothing) {
    LaneTree t;
    EXPECT_FALSE(t.erase({1, 1, {}}));
    t.insert({1, 1, {}});
    EXPECT_FALSE(t.erase({2, 1, {}}));
    EXPECT_TRUE(t.erase({1, 1, {}}));
    EXPECT_TRUE(t.empty());
    EXPECT_EQ(t.first(), nullptr);
}

TEST(LaneTree, the_earliest_job_within_a_bound_equals_a_linear_search) {
    std::mt19937 random(3);
    const auto draw = [&](int n) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(n)); };
    LaneTree tree;
    std::vector<LaneEntry> list;
    for (int step = 0; step < 4000; ++step) {
        if (list.size() > 60 || (!list.empty() && draw(3) == 0)) {
            const auto at = static_cast<std::size_t>(draw(static_cast<int>(list.size())));
            ASSERT_TRUE(tree.erase(list[at]));
            list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
        } else {
            LaneEntry e{draw(20), step, {}};
            if (draw(3) != 0) e.own_plan_s = draw(100);
            tree.insert(e);
            list.insert(std::upper_bound(list.begin(), list.end(), e, [](auto& a, auto& b) { return a.before(b); }), e);
        }
        ASSERT_EQ(tree.size(), list.size());
        const PlanBound bound{draw(100) - 1, draw(100)};
        const LaneEntry from{draw(20), draw(step + 1), {}};
        JobId first = -1, next = -1, after = -1;
        for (const LaneEntry& e : list) {
            const bool late = from.before(e);
            if (first < 0 && bound.admits(e)) first = e.id;
            if (next < 0 && late && bound.admits(e)) next = e.id;
            if (after < 0 && late) after = e.id;
        }
        const auto id = [](const LaneEntry* e) { return e ? e->id : -1; };
        ASSERT_EQ(id(tree.first_within(bound)), first);
        ASSERT_EQ(id(tree.next_within(from, bound)), next);
        ASSERT_EQ(id(tree.after(from)), after);
    }
}

TEST(LaneTree, a_hundred_thousand_jobs_in_order_of_arrival_keep_it_shallow) {
    LaneTree t; // would overflow the stack if it were a list
    for (JobId id = 0; id < 100'000; ++id) t.insert({id, id, {}});
    EXPECT_EQ(t.size(), 100'000U);
    for (JobId id = 0; id < 100'000; ++id) ASSERT_TRUE(t.erase({id, id, {}}));
}

TEST(LaneKey, is_the_documented_hash_of_the_documented_bytes) {
    // FNV-1a by hand over: group 1, user 2, priority 5, 4 cores, 1024 MiB, 0 GPUs, feature "a"
    const std::string bytes("\1\0\0\0\2\0\0\0\5\0\0\0\4\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\1\0\0\0a", 33);
    std::uint64_t hash = 14695981039346656037U;
    for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    EXPECT_EQ(lane_key(1, 2, 5, {{4, 1024, 0}, {"a"}}), hash);
}

TEST(LaneKey, every_column_makes_a_difference) {
    const Shape s{{1, 1, 1}, {"a", "b"}};
    const auto key = lane_key(1, 1, 1, s);
    EXPECT_NE(key, lane_key(2, 1, 1, s));
    EXPECT_NE(key, lane_key(1, 2, 1, s));
    EXPECT_NE(key, lane_key(1, 1, 2, s));
    EXPECT_NE(key, lane_key(1, 1, 1, {{2, 1, 1}, {"a", "b"}}));
    EXPECT_NE(key, lane_key(1, 1, 1, {{1, 2, 1}, {"a", "b"}}));
    EXPECT_NE(key, lane_key(1, 1, 1, {{1, 1, 2}, {"a", "b"}}));
    EXPECT_NE(key, lane_key(1, 1, 1, {{1, 1, 1}, {"ab"}}));
    EXPECT_EQ(key, lane_key(1, 1, 1, {{1, 1, 1}, {"b", "a", "b"}}));
}

TEST(Lanes, a_lane_lives_while_something_waits_or_is_held) {
    Lanes lanes;
    const Shape s{{1, 1, 0}, {}};
    Lane& lane = lanes.open(1, 2, 5, s);
    EXPECT_EQ(&lane, &lanes.open(1, 2, 5, s));
    EXPECT_NE(&lane, &lanes.open(1, 2, 6, s));
    EXPECT_EQ(lane.id.key, lane_key(1, 2, 5, s));
    lane.held = 1;
    lanes.close_if_empty(lane);
    EXPECT_EQ(lanes.all().size(), 2U);
    lane.held = 0;
    lanes.close_if_empty(lane);
    EXPECT_EQ(lanes.all().size(), 1U);
}

} // namespace
