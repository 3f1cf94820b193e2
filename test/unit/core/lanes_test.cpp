#include "core/lanes.hpp"
#include <gtest/gtest.h>

using namespace rcq::core;

namespace {

LaneSpec spec() {
    LaneSpec s;
    s.group = 1;
    s.user = 2;
    s.priority = 5;
    s.shape.need = {4, 1024, 0};
    return s;
}

TEST(LaneKey, is_the_documented_hash_of_the_documented_bytes) {
    LaneSpec s = spec();
    s.preemptible = true;
    s.concurrency_key = "db";
    s.array = 258;
    s.array_throttle = 3;
    s.shape.need.gpu_milli = 500;
    s.shape.min_cores = 2;
    s.shape.gpu_type = "a100";
    s.shape.constraint = Constraint::all_of({"b", "a"});
    s.shape.consumables = {{"x", 258}};
    s.shape.exclusive = true;
    const std::string bytes("\1\0\0\0"                  // group
                            "\2\0\0\0"                  // user
                            "\5\0\0\0"                  // priority
                            "\1"                        // preemptible
                            "\2\0\0\0db"                // concurrency key
                            "\2\1\0\0\0\0\0\0"          // array
                            "\3\0\0\0"                  // its throttle
                            "\4\0\0\0"                  // cores
                            "\0\4\0\0\0\0\0\0"          // memory
                            "\364\1\0\0"                // GPU
                            "\2\0\0\0"                  // least cores
                            "\4\0\0\0a100"              // GPU type
                            "\3\0\0\0a&b"               // constraint
                            "\1\0\0\0"                  // consumables
                            "\1\0\0\0x\2\1\0\0\0\0\0\0" // the first of them
                            "\1",                       // exclusive
                            4 * 3 + 1 + 6 + 8 + 4 + 4 + 8 + 4 + 4 + 8 + 7 + 4 + 13 + 1);
    std::uint64_t hash = 14695981039346656037U;
    for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    EXPECT_EQ(lane_key(s), hash);
}

TEST(LaneKey, every_field_makes_a_difference) {
    std::vector<LaneSpec> specs(18, spec());
    specs[1].group = 2;
    specs[2].user = 1;
    specs[3].priority = 6;
    specs[4].preemptible = true;
    specs[5].concurrency_key = "a";
    specs[6].shape.need.cpu_cores = 5;
    specs[7].shape.need.memory_mib = 1025;
    specs[8].shape.need.gpu_milli = 1;
    specs[9].shape.min_cores = 1;
    specs[10].shape.gpu_type = "a";
    specs[11].shape.constraint = Constraint::all_of({"a"});
    specs[12].shape.constraint = Constraint::all_of({"a", "b"});
    specs[13].shape.consumables = {{"a", 1}};
    specs[14].shape.consumables = {{"a", 2}};
    specs[15].shape.exclusive = true;
    specs[16].array = 1;
    specs[17].array_throttle = 1;
    for (const LaneSpec& a : specs)
        for (const LaneSpec& b : specs) {
            EXPECT_EQ(lane_key(a) == lane_key(b), &a == &b) << &a - specs.data() << " " << &b - specs.data();
            EXPECT_EQ(a == b, &a == &b);
        }
}

TEST(LaneKey, only_arrays_with_a_throttle_have_lanes_of_their_own) {
    Job job, task;
    task.array = 7;
    EXPECT_EQ(lane_spec(task), lane_spec(job));
    task.array_throttle = 2;
    EXPECT_EQ(lane_spec(task).array, 7);
    EXPECT_EQ(lane_spec(task).array_throttle, 2);
    Job other = task;
    other.array = 8;
    EXPECT_NE(lane_spec(task), lane_spec(other));
    other.array = 0;
    EXPECT_EQ(lane_spec(other), lane_spec(job));
}

TEST(LaneKey, constraints_that_mean_the_same_share_a_lane) {
    LaneSpec a = spec(), b = spec();
    a.shape.constraint = Constraint::all_of({"b", "a", "b"});
    b.shape.constraint = std::get<Constraint>(Constraint::parse("a & b"));
    EXPECT_EQ(lane_key(a), lane_key(b));
    Lanes lanes;
    EXPECT_EQ(&lanes.open(a), &lanes.open(b));
}

TEST(Lanes, a_lane_lives_while_something_waits_or_is_held) {
    Lanes lanes;
    const LaneSpec s = spec();
    LaneSpec other = s;
    other.priority = 6;
    Lane& lane = lanes.open(s);
    EXPECT_EQ(&lane, &lanes.open(s));
    EXPECT_NE(&lane, &lanes.open(other));
    EXPECT_EQ(lane.key, lane_key(s));
    EXPECT_EQ(lane.spec, s);
    lane.held = 1;
    lanes.close_if_empty(lane);
    EXPECT_EQ(lanes.all().size(), 2U);
    lane.held = 0;
    lanes.insert(lane, {0, 1, {}});
    lanes.close_if_empty(lane);
    EXPECT_EQ(lanes.all().size(), 2U);
    lanes.erase(lane, {0, 1, {}});
    lanes.close_if_empty(lane);
    EXPECT_EQ(lanes.all().size(), 1U);
}

TEST(Lanes, the_next_job_to_become_eligible_is_known) {
    Lanes lanes;
    LaneSpec second = spec();
    second.user = 9;
    Lane& a = lanes.open(spec());
    Lane& b = lanes.open(second);
    lanes.insert(a, {50, 1, {}});
    EXPECT_EQ(lanes.next_due(0), 50);
    lanes.advance(10);
    lanes.insert(a, {10, 2, {}});
    lanes.insert(b, {30, 3, {}});
    lanes.insert(b, {30, 4, {}});
    EXPECT_EQ(lanes.next_due(10), 30);
    EXPECT_EQ(lanes.next_due(30), 50); // somewhat later than the last advance
    lanes.erase(b, {30, 3, {}});
    EXPECT_EQ(lanes.next_due(10), 30);
    lanes.erase(b, {30, 4, {}});
    EXPECT_EQ(lanes.next_due(10), 50);
    lanes.advance(50);
    EXPECT_FALSE(lanes.next_due(50));
    lanes.erase(a, {50, 1, {}});
    lanes.erase(a, {50, 1, {}}); // is not in it
    EXPECT_FALSE(lanes.next_due(50));
}

TEST(Lanes, lanes_of_one_shape_share_its_number_which_is_free_again_when_all_are_gone) {
    Lanes lanes;
    LaneSpec other_user = spec(), other_shape = spec();
    other_user.user = 9;
    other_shape.shape.exclusive = true;
    Lane& a = lanes.open(spec());
    Lane& b = lanes.open(other_user);
    Lane& c = lanes.open(other_shape);
    EXPECT_EQ(a.shape, b.shape);
    EXPECT_NE(a.shape->second.number, c.shape->second.number);
    EXPECT_EQ(lanes.shape_numbers(), 2U);
    lanes.insert(a, {0, 1, {}});
    lanes.insert(b, {0, 2, {}});
    lanes.erase(b, {0, 3, {}}); // is not in it
    EXPECT_EQ(a.shape->second.jobs, 2U);
    lanes.erase(a, {0, 1, {}});
    lanes.close_if_empty(a);
    EXPECT_EQ(b.shape->second.lanes, 1U);
    EXPECT_EQ(b.shape->second.jobs, 1U);
    lanes.erase(b, {0, 2, {}});
    lanes.close_if_empty(b);
    EXPECT_EQ(lanes.shapes().size(), 1U);
    LaneSpec third = spec();
    third.shape.need.cpu_cores = 77;
    EXPECT_LT(lanes.open(third).shape->second.number, 2U);
    EXPECT_EQ(lanes.shape_numbers(), 2U);
}

} // namespace
