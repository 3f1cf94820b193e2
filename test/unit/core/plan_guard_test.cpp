#include "plan_story.hpp"

using namespace rcq::core;

namespace {

class GuardTest : public PlanTest {};

TEST_F(GuardTest, with_scope_job_every_job_that_waited_too_long_goes_first_oldest_first) {
    host(1, 4);
    settings().guard_scope = GuardScope::job;
    use_settings();
    group(1, 1);
    use(1, 1000); // far over its quota
    submit(1, 1, 80);
    submit(2, 1, 90);
    submit(3, 1, 72); // not longer than max_wait
    submit(4, 2);
    submit(5, 2);
    EXPECT_EQ(placed(), (Ids{2, 1, 4, 5}));
    EXPECT_TRUE(last.placements[0].lifted);
    EXPECT_FALSE(last.placements[2].lifted);
    EXPECT_TRUE(state.last_lifted.empty());
}

TEST_F(GuardTest, with_scope_group_one_job_of_each_group_is_lifted_at_a_time) {
    host(1, 3);
    group(1, 1);
    use(1, 1000);
    for (JobId id = 1; id <= 5; ++id) submit(id, 1, static_cast<double>(100 - id));
    for (JobId id = 11; id <= 15; ++id) submit(id, 2);
    EXPECT_EQ(placed(), (Ids{1, 11, 12}));
    EXPECT_EQ(state.last_lifted.at(1), now);
    apply();
    for (JobId id : {1, 11, 12}) c.drop_run(id);
    EXPECT_EQ(placed({}, now + 10 * minute - 1), (Ids{13, 14, 15}));
    EXPECT_EQ(placed({}, now + 10 * minute), (Ids{2, 13, 14}));
}

TEST_F(GuardTest, a_lifted_job_that_fits_nowhere_leaves_its_turn_to_the_next) {
    host(1, 1);
    submit(1, 1, 100, 99);
    submit(2, 1, 90);
    Job urgent = one(3, 2);
    urgent.priority = 10;
    c.put_job(urgent);
    EXPECT_EQ(placed(), Ids{2});
    EXPECT_TRUE(last.placements[0].lifted);
}

TEST_F(GuardTest, the_guard_can_be_switched_off) {
    host(1, 1);
    settings().max_wait = 0;
    use_settings();
    group(1, 0);
    submit(1, 1, 1000);
    submit(2, 2);
    EXPECT_EQ(placed(), Ids{2});
}

} // namespace
