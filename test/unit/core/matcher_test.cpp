#include "core/matcher.hpp"
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;

namespace {

Executor executor(ExecutorId id, Resources capacity, Features features = {}) {
    Executor e;
    e.id = id;
    e.capacity = capacity;
    e.features = std::move(features);
    return e;
}

Shape needs(Resources need, const Features& features = {}) {
    Shape s;
    s.need = need;
    s.constraint = Constraint::all_of(features);
    return s;
}

// Its free GPUs packed.
void add(Holes& holes, const Executor& e, const Resources& free) { holes.add(e, free, GpuRoom(free.gpu_milli)); }

Reason why(std::vector<Executor> list, const Shape& shape) {
    std::vector<const Executor*> pointers;
    for (const Executor& e : list) pointers.push_back(&e);
    return why_not(pointers, shape);
}

TEST(Matcher, a_job_without_gpus_goes_to_a_host_without_gpus) {
    const auto gpu = executor(1, {4, 4096, 4000});
    const auto plain = executor(2, {64, 65536, 0});
    Holes holes;
    add(holes, gpu, gpu.capacity);
    add(holes, plain, plain.capacity);
    EXPECT_EQ(holes.best(needs({1, 100, 0}))->executor->id, 2);
    EXPECT_EQ(holes.best(needs({1, 100, 1000}))->executor->id, 1);
}

TEST(Matcher, a_job_without_gpus_takes_a_gpu_host_when_nothing_else_is_left_the_busiest_first) {
    const auto idle = executor(1, {4, 4096, 4000});
    const auto busy = executor(2, {4, 4096, 4000});
    Holes holes;
    add(holes, idle, idle.capacity);
    add(holes, busy, {4, 4096, 1000});
    EXPECT_EQ(holes.best(needs({1, 100, 0}))->executor->id, 2);
}

TEST(Matcher, the_smallest_hole_that_is_large_enough_is_taken) {
    const auto large = executor(1, {64, 65536, 0});
    const auto small = executor(2, {8, 8192, 0});
    Holes holes;
    add(holes, large, large.capacity);
    add(holes, small, small.capacity);
    EXPECT_EQ(holes.best(needs({8, 100, 0}))->executor->id, 2);
    EXPECT_EQ(holes.best(needs({9, 100, 0}))->executor->id, 1);
    EXPECT_EQ(holes.best(needs({65, 100, 0})), nullptr);
}

TEST(Matcher, equal_holes_go_by_executor_id) {
    const auto b = executor(7, {8, 8192, 0});
    const auto a = executor(3, {8, 8192, 0});
    Holes holes;
    add(holes, b, b.capacity);
    add(holes, a, a.capacity);
    EXPECT_EQ(holes.best(needs({1, 1, 0}))->executor->id, 3);
}

TEST(Matcher, all_wanted_features_must_be_there) {
    const auto a = executor(1, {8, 8192, 0}, {"avx512", "ib"});
    const auto b = executor(2, {64, 65536, 0}, {"avx512", "ib", "ssd"});
    Holes holes;
    add(holes, a, a.capacity);
    add(holes, b, b.capacity);
    EXPECT_EQ(holes.best(needs({1, 1, 0}, {"ib"}))->executor->id, 1);
    EXPECT_EQ(holes.best(needs({1, 1, 0}, {"ib", "ssd"}))->executor->id, 2);
    EXPECT_EQ(holes.best(needs({1, 1, 0}, {"tape"})), nullptr);
}

TEST(Matcher, executors_that_are_offline_draining_full_or_overbooked_offer_nothing) {
    auto offline = executor(1, {8, 8192, 0});
    offline.accepting = false;
    auto draining = executor(2, {8, 8192, 0});
    draining.draining = true;
    const auto other = executor(3, {8, 8192, 1000});
    Holes holes;
    add(holes, offline, offline.capacity);
    add(holes, draining, draining.capacity);
    add(holes, other, {0, 8192, 1000});
    add(holes, other, {8, 0, 1000});
    add(holes, other, {-4, 8192, 1000});
    add(holes, other, {8, 8192, -1000});
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
        for (std::size_t i = 0; i < list.size(); ++i) add(holes, list[i], free[i]);
        for (int step = 0; step < 30; ++step) {
            const Shape s = needs({1 + draw(4), 1024 * (1 + draw(8)), 1000 * draw(3)});
            const Hole* hole = holes.best(s);
            std::optional<Fitness> least;
            for (std::size_t i = 0; i < list.size(); ++i)
                if (s.need.fits_in(free[i]) && (!least || fitness(list[i], free[i]) < *least))
                    least = fitness(list[i], free[i]);
            ASSERT_EQ(hole != nullptr, least.has_value());
            if (!hole) continue;
            ASSERT_EQ(hole->fitness, *least);
            free[static_cast<std::size_t>(hole->executor->id)] -= s.need;
            holes.take(hole, s);
        }
        for (std::size_t i = 0; i < list.size(); ++i) holes.remove(list[i], free[i]);
        ASSERT_TRUE(holes.all().empty());
    }
}

TEST(Matcher, an_exclusive_job_goes_only_where_nothing_is_taken_and_takes_everything) {
    const auto used = executor(1, {8, 8192, 0});
    const auto idle = executor(2, {64, 65536, 2000});
    Holes holes;
    add(holes, used, {7, 8192, 0});
    add(holes, idle, idle.capacity);
    Shape alone = needs({1, 1024, 0});
    alone.exclusive = true;
    const Hole* hole = holes.best(alone);
    ASSERT_NE(hole, nullptr);
    EXPECT_EQ(hole->executor->id, 2);
    EXPECT_EQ(holes.take(hole, alone), GpuRoom::no_slot);
    EXPECT_EQ(holes.all().size(), 1U);
    EXPECT_EQ(holes.best(alone), nullptr);
    EXPECT_EQ(why({used}, alone), Reason::resources);
}

TEST(Matcher, a_job_goes_only_to_gpus_of_a_model_that_it_allows) {
    auto t4 = executor(1, {8, 8192, 1000});
    t4.gpu_type = "T4";
    auto a100 = executor(2, {64, 65536, 8000});
    a100.gpu_type = "A100";
    Holes holes;
    add(holes, t4, t4.capacity);
    add(holes, a100, a100.capacity);
    Shape s = needs({1, 1024, 1000});
    EXPECT_EQ(holes.best(s)->executor->id, 1);
    s.gpu_type = "H100|A100";
    EXPECT_EQ(holes.best(s)->executor->id, 2);
    s.gpu_type = "H100";
    EXPECT_EQ(holes.best(s), nullptr);
    EXPECT_EQ(why({t4, a100}, s), Reason::never_fits);
}

TEST(Matcher, shares_that_are_free_on_two_devices_are_no_room_for_one_that_needs_both) {
    const auto e = executor(1, {8, 8192, 2000});
    Holes holes;
    add(holes, e, e.capacity);
    EXPECT_EQ(holes.take(holes.best(needs({1, 1024, 600})), needs({1, 1024, 600})), 0);
    EXPECT_EQ(holes.take(holes.best(needs({1, 1024, 600})), needs({1, 1024, 600})), 1);
    EXPECT_EQ(holes.best(needs({1, 1024, 500})), nullptr);
    EXPECT_EQ(holes.take(holes.best(needs({1, 1024, 400})), needs({1, 1024, 400})), 0);
    EXPECT_EQ(why({e}, needs({1, 1024, 1500})), Reason::never_fits) << "neither a share nor whole devices";
}

TEST(Matcher, holes_that_are_turned_down_are_passed_over) {
    const auto small = executor(1, {8, 8192, 0});
    const auto large = executor(2, {64, 65536, 0});
    Holes holes;
    add(holes, small, small.capacity);
    add(holes, large, large.capacity);
    const auto not_small = [](const Hole& h) { return h.executor->id != 1; };
    EXPECT_EQ(holes.best(needs({1, 1024, 0}), not_small)->executor->id, 2);
    EXPECT_EQ(holes.best(needs({1, 1024, 0}), [](const Hole&) { return false; }), nullptr);
}

// Jobs that want 500 with 8 cores are to be expected, and nothing else.
TEST(Matcher, of_two_shared_devices_the_one_is_taken_whose_rest_nobody_could_use_anyway) {
    const auto e = executor(1, {64, 65536, 2000});
    GpuRoom gpus(2000);
    gpus.take_at(500, gpus.unused_slot()); // 500 left: enough for one
    gpus.take_at(550, gpus.unused_slot()); // 450 left: for none
    Holes holes;
    holes.expect(std::make_shared<const Workload>(Workload({{needs({8, 1024, 500}), 1}})));
    holes.add(e, {64, 65536, 950}, gpus);
    const Shape s = needs({1, 1024, 450});
    EXPECT_EQ(holes.take(holes.best(s), s), 1);
    EXPECT_EQ(holes.take(holes.best(s), s), 0);
}

// Jobs of one whole GPU are expected: of two hosts with as much free, a share goes to the one that has it in pieces.
TEST(Matcher, a_share_goes_to_devices_in_shared_use_before_it_opens_a_free_one_elsewhere) {
    const auto whole = executor(1, {64, 65536, 2000});
    const auto pieces = executor(2, {64, 65536, 2000});
    GpuRoom halves(2000);
    halves.take_at(500, halves.unused_slot());
    halves.take_at(500, halves.unused_slot());
    Holes holes;
    holes.expect(std::make_shared<const Workload>(Workload({{needs({8, 1024, 1000}), 1}})));
    holes.add(whole, {64, 65536, 1000}, GpuRoom(1000));
    holes.add(pieces, {64, 65536, 1000}, halves);
    EXPECT_EQ(holes.best(needs({1, 1024, 500}))->executor->id, 2);
}

// Jobs of 1 GPU and 8 cores are expected: the host with cores to spare loses nothing when a job takes many of them.
TEST(Matcher, cores_are_taken_where_the_gpus_beside_them_stay_usable) {
    const auto tight = executor(1, {16, 65536, 2000});
    const auto roomy = executor(2, {64, 65536, 2000});
    Holes holes;
    add(holes, tight, tight.capacity);
    add(holes, roomy, roomy.capacity);
    const Shape cores_only = needs({12, 1024, 0});
    EXPECT_EQ(holes.best(cores_only)->executor->id, 1) << "best fit";
    holes.expect(std::make_shared<const Workload>(Workload({{needs({8, 1024, 1000}), 1}})));
    EXPECT_EQ(holes.best(cores_only)->executor->id, 2);
    holes.expect(nullptr);
    EXPECT_EQ(holes.best(cores_only)->executor->id, 1);
}

TEST(Matcher, a_shape_larger_than_every_executor_never_fits) {
    EXPECT_EQ(why({executor(1, {8, 8192, 0})}, needs({9, 1, 0})), Reason::never_fits);
    EXPECT_EQ(why({executor(1, {8, 8192, 0})}, needs({1, 1, 0}, {"ssd"})), Reason::never_fits);
}

TEST(Matcher, without_any_executor_the_reason_is_no_executor) {
    EXPECT_EQ(why({}, needs({1, 1, 0})), Reason::no_executor);
}

TEST(Matcher, a_shape_that_fits_only_offline_executors_has_no_executor) {
    auto offline = executor(1, {16, 8192, 0});
    offline.accepting = false;
    auto draining = executor(2, {16, 8192, 0});
    draining.draining = true;
    EXPECT_EQ(why({offline, executor(3, {8, 8192, 0})}, needs({9, 1, 0})), Reason::no_executor);
    EXPECT_EQ(why({offline, draining}, needs({9, 1, 0})), Reason::no_executor);
}

TEST(Matcher, a_shape_that_fits_only_draining_executors_is_drained) {
    auto draining = executor(1, {16, 8192, 0});
    draining.draining = true;
    EXPECT_EQ(why({draining, executor(2, {8, 8192, 0})}, needs({9, 1, 0})), Reason::drained);
    draining.accepting = false;
    EXPECT_EQ(why({draining}, needs({9, 1, 0})), Reason::drained);
}

TEST(Matcher, a_shape_that_fits_an_executor_in_service_waits_for_resources) {
    EXPECT_EQ(why({executor(1, {16, 8192, 0})}, needs({9, 1, 0})), Reason::resources);
}

} // namespace
