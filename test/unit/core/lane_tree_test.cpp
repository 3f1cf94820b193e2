#include "core/lane_tree.hpp"
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
        ASSERT_EQ(tree.last() == nullptr, list.empty());
        if (!list.empty()) {
            ASSERT_EQ(tree.first()->id, list.front().id);
            ASSERT_EQ(tree.last()->id, list.back().id);
        }
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

TEST(LaneTree, jobs_whose_time_has_come_by_planned_duration_equal_a_sort_whatever_the_default_is) {
    std::mt19937 random(11);
    const auto draw = [&](int n) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(n)); };
    LaneTree tree;
    Micros now = 0;
    std::vector<LaneEntry> list;
    for (int step = 0; step < 3000; ++step) {
        if (step % 500 == 250) tree.order_by_plan(false); // and on again: made anew from what is in it
        if (step % 500 == 251 || step == 0) tree.order_by_plan(true);
        if (list.size() > 40 || (!list.empty() && draw(3) == 0)) {
            const auto at = static_cast<std::size_t>(draw(static_cast<int>(list.size())));
            ASSERT_TRUE(tree.erase(list[at]));
            list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
        } else {
            LaneEntry e{now + draw(60) - 30, step, {}};
            if (draw(3) != 0) e.own_plan_s = draw(6);
            tree.insert(e);
            list.push_back(e);
        }
        now += draw(3);
        tree.advance(now);
        if (step % 500 == 250) continue;
        const PlanBound bound{draw(8) - 1, draw(6)};
        std::vector<LaneEntry> sorted;
        const auto plan_of = [&](const LaneEntry& e) { return e.own_plan_s.value_or(bound.default_s); };
        for (const LaneEntry& e : list)
            if (bound.admits(e) && e.eligible_at <= now) sorted.push_back(e);
        std::sort(sorted.begin(), sorted.end(), [&](const LaneEntry& a, const LaneEntry& b) {
            return plan_of(a) != plan_of(b) ? plan_of(a) < plan_of(b) : a.before(b);
        });
        std::vector<JobId> expected, found;
        for (const LaneEntry& e : sorted) expected.push_back(e.id);
        for (const LaneEntry* e = tree.shortest_within(nullptr, bound); e; e = tree.shortest_within(e, bound))
            found.push_back(e->id);
        ASSERT_EQ(found, expected) << "step " << step;
    }
}

} // namespace
