#include "core/matcher.hpp"
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;

namespace {

Executor executor(ExecutorId id, Resources capacity, Features features = {}) {
    return {id, capacity, std::move(features), true, false};
}

Reason why(std::vector<Executor> list, const Shape& shape) {
    std::vector<const Executor*> pointers;
    for (const Executor& e : list) pointers.push_back(&e);
    return why_not(pointers, shape);
}

TEST(Matcher, a_job_without_gpus_goes_to_a_host_without_gpus) {
    const auto gpu = executor(1, {4, 4096, 4000});
    const auto plain = executor(2, {64, 65536, 0});
    Holes holes;
    holes.add(gpu, gpu.capacity);
    holes.add(plain, plain.capacity);
    EXPECT_EQ(holes.best({{1, 100, 0}, {}})->executor->id, 2);
    EXPECT_EQ(holes.best({{1, 100, 1000}, {}})->executor->id, 1);
}

TEST(Matcher, a_job_without_gpus_takes_a_gpu_host_when_nothing_else_is_left_the_busiest_first) {
    const auto idle = executor(1, {4, 4096, 4000});
    const auto busy = executor(2, {4, 4096, 4000});
    Holes holes;
    holes.add(idle, idle.capacity);
    holes.add(busy, {4, 4096, 1000});
    EXPECT_EQ(holes.best({{1, 100, 0}, {}})->executor->id, 2);
}

TEST(Matcher, the_smallest_hole_that_is_large_enough_is_taken) {
    const auto large = executor(1, {64, 65536, 0});
    const auto small = executor(2, {8, 8192, 0});
    Holes holes;
    holes.add(large, large.capacity);
    holes.add(small, small.capacity);
    EXPECT_EQ(holes.best({{8, 100, 0}, {}})->executor->id, 2);
    EXPECT_EQ(holes.best({{9, 100, 0}, {}})->executor->id, 1);
    EXPECT_EQ(holes.best({{65, 100, 0}, {}}), nullptr);
}

TEST(Matcher, equal_holes_go_by_executor_id) {
    const auto b = executor(7, {8, 8192, 0});
    const auto a = executor(3, {8, 8192, 0});
    Holes holes;
    holes.add(b, b.capacity);
    holes.add(a, a.capacity);
    EXPECT_EQ(holes.best({{1, 1, 0}, {}})->executor->id, 3);
}

TEST(Matcher, all_wanted_features_must_be_there) {
    const auto a = executor(1, {8, 8192, 0}, {"avx512", "ib"});
    const auto b = executor(2, {64, 65536, 0}, {"avx512", "ib", "ssd"});
    Holes holes;
    holes.add(a, a.capacity);
    holes.add(b, b.capacity);
    EXPECT_EQ(holes.best({{1, 1, 0}, {"ib"}})->executor->id, 1);
    EXPECT_EQ(holes.best({{1, 1, 0}, {"ib", "ssd"}})->executor->id, 2);
    EXPECT_EQ(holes.best({{1, 1, 0}, {"tape"}}), nullptr);
}

TEST(Matcher, executors_that_are_offline_draining_full_or_overbooked_offer_nothing) {
    auto offline = executor(1, {8, 8192, 0});
    offline.accepting = false;
    auto draining = executor(2, {8, 8192, 0});
    draining.draining = true;
    const auto other = executor(3, {8, 8192, 1000});
    Holes holes;
    holes.add(offline, offline.capacity);
    holes.add(draining, draining.capacity);
    holes.add(other, {0, 8192, 1000});
    holes.add(other, {8, 0, 1000});
    holes.add(other, {-4, 8192, 1000});
    holes.add(other, {8, 8192, -1000});
    EXPECT_TRUE(holes.all().empty());
}

TEST(Matcher, taking_from_holes_equals_building_them_afresh) {
    std::mt19937 random(5);
    const auto draw = [&](int n) { return static_cast<std::int32_t>(random() % static_cast<unsigned>(n)); };
    for (int round = 0; round < 300; ++round) {
        std::vector<Executor> list;
        std::vector<Resources> free;
        for (ExecutorId id = 0; id < 12; ++id) {
            list.push_back(executor(id, {1 + draw(16), 1024 * (1 + draw(64)), 1000 * draw(3)}));
            free.push_back(list.back().capacity);
        }
        Holes holes;
        for (std::size_t i = 0; i < list.size(); ++i) holes.add(list[i], free[i]);
        for (int step = 0; step < 30; ++step) {
            const Shape s{{1 + draw(4), 1024 * (1 + draw(8)), 500 * draw(3)}, {}};
            const Hole* hole = holes.best(s);
            std::optional<Fitness> least;
            for (std::size_t i = 0; i < list.size(); ++i)
                if (s.need.fits_in(free[i]) && (!least || fitness(list[i], free[i]) < *least))
                    least = fitness(list[i], free[i]);
            ASSERT_EQ(hole != nullptr, least.has_value());
            if (!hole) continue;
            ASSERT_EQ(hole->fitness, *least);
            free[static_cast<std::size_t>(hole->executor->id)] -= s.need;
            holes.take(hole, s.need);
        }
        for (std::size_t i = 0; i < list.size(); ++i) holes.remove(list[i], free[i]);
        ASSERT_TRUE(holes.all().empty());
    }
}

TEST(Matcher, a_shape_larger_than_every_executor_never_fits) {
    EXPECT_EQ(why({executor(1, {8, 8192, 0})}, {{9, 1, 0}, {}}), Reason::never_fits);
    EXPECT_EQ(why({executor(1, {8, 8192, 0})}, {{1, 1, 0}, {"ssd"}}), Reason::never_fits);
}

TEST(Matcher, without_any_executor_the_reason_is_no_executor) {
    EXPECT_EQ(why({}, {{1, 1, 0}, {}}), Reason::no_executor);
}

TEST(Matcher, a_shape_that_fits_only_offline_executors_has_no_executor) {
    auto offline = executor(1, {16, 8192, 0});
    offline.accepting = false;
    auto draining = executor(2, {16, 8192, 0});
    draining.draining = true;
    EXPECT_EQ(why({offline, executor(3, {8, 8192, 0})}, {{9, 1, 0}, {}}), Reason::no_executor);
    EXPECT_EQ(why({offline, draining}, {{9, 1, 0}, {}}), Reason::no_executor);
}

TEST(Matcher, a_shape_that_fits_only_draining_executors_is_drained) {
    auto draining = executor(1, {16, 8192, 0});
    draining.draining = true;
    EXPECT_EQ(why({draining, executor(2, {8, 8192, 0})}, {{9, 1, 0}, {}}), Reason::drained);
    draining.accepting = false;
    EXPECT_EQ(why({draining}, {{9, 1, 0}, {}}), Reason::drained);
}

TEST(Matcher, a_shape_that_fits_an_executor_in_service_waits_for_resources) {
    EXPECT_EQ(why({executor(1, {16, 8192, 0})}, {{9, 1, 0}, {}}), Reason::resources);
}

} // namespace
