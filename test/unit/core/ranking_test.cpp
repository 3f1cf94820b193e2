#include "plan_story.hpp"

using namespace rcq::core;

namespace {

class RankingTest : public PlanTest {};

TEST_F(RankingTest, jobs_that_are_left_are_ranked_by_what_they_will_be_after_the_placements) {
    host(1, 1);
    group(1, 2);
    submit(1, 1, 3);
    submit(2, 1, 2);
    submit(3, 2, 1);
    submit(4, 2, 100);
    EXPECT_EQ(placed(), Ids{4}); // lifted
    ASSERT_EQ(last.ranked.size(), 3U);
    EXPECT_EQ(last.ranked[0].job, 1);
    EXPECT_EQ(last.ranked[1].job, 2);
    EXPECT_EQ(last.ranked[2].job, 3);
    EXPECT_EQ(last.ranked[2].position, 3U);
    EXPECT_DOUBLE_EQ(last.ranked[0].factors.multiplier, 2);
    EXPECT_DOUBLE_EQ(last.ranked[2].factors.multiplier, 1);
    EXPECT_EQ(last.ranked[0].reason, Reason::resources);
}

TEST_F(RankingTest, the_ranking_shows_lifted_jobs_first_and_stops_at_its_length) {
    group(1, 0);
    submit(1, 1, 100);
    submit(2, 1, 99);
    submit(3, 2);
    Budget two;
    two.max_ranked = 2;
    placed(two);
    ASSERT_EQ(last.ranked.size(), 2U);
    EXPECT_EQ(last.ranked[0].job, 1);
    EXPECT_TRUE(last.ranked[0].lifted);
    EXPECT_EQ(last.ranked[1].job, 3);
    EXPECT_FALSE(last.ranked[1].lifted);
    settings().guard_scope = GuardScope::job;
    use_settings();
    placed();
    ASSERT_EQ(last.ranked.size(), 3U);
    EXPECT_EQ(last.ranked[1].job, 2);
    EXPECT_TRUE(last.ranked[1].lifted);
}

TEST_F(RankingTest, a_lane_report_names_its_key_and_its_factors) {
    group(7, 100);
    submit(1, 7, 5);
    placed();
    ASSERT_EQ(last.lanes.size(), 1U);
    const LaneReport& l = last.lanes[0];
    EXPECT_EQ(l.lane_key, lane_key(lane_spec(one(1, 7))));
    EXPECT_EQ(l.group, 7);
    EXPECT_EQ(l.user, 700);
    EXPECT_DOUBLE_EQ(l.base, 10);
    EXPECT_DOUBLE_EQ(l.multiplier, 2);
    EXPECT_DOUBLE_EQ(l.user_factor, 1);
    EXPECT_EQ(l.count, 1U);
}

} // namespace
