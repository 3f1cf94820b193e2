#include "core/array_feed.hpp"
#include "plan_story.hpp"
#include "random_world.hpp"
#include <gtest/gtest.h>

using namespace rcq::core;
namespace core = rcq::core;

namespace {

using Demands = std::vector<Demand>;

class ArrayFeedTest : public PlanTest {
protected:
    WaitingArray array(JobId id, std::int64_t waiting, double waited_h = 0, std::int32_t cores = 1) {
        Job like = one(id, 1, waited_h, cores);
        like.array = id;
        return {id, like, waiting, false};
    }
    // What is asked for becomes pending tasks.
    Demands meet(WaitingArray& a) {
        Demands asked = feed.demand(c, now, 1000);
        for (const Demand& d : asked)
            for (std::int32_t i = 0; i < d.count; ++i)
                feed.task(next_task++, d.array, TaskState::pending, a.like.eligible_at);
        for (const Demand& d : asked) a.waiting -= d.count;
        feed.put(a);
        return asked;
    }
    ArrayFeed feed;
    JobId next_task = 1000;
};

TEST_F(ArrayFeedTest, as_many_tasks_as_there_is_room_for_and_one_that_waits) {
    host(1, 4);
    host(2, 5);
    WaitingArray a = array(7, 1'000'000, 0, 2);
    feed.put(a);
    EXPECT_EQ(feed.arrays(), 1U);
    EXPECT_EQ(meet(a), (Demands{{7, 2 + 2 + 1}}));
    EXPECT_EQ(meet(a), Demands{});
    a.waiting = 0;
    feed.put(a);
    EXPECT_EQ(feed.arrays(), 0U);
}

TEST_F(ArrayFeedTest, without_room_one_task_stands_for_all) {
    WaitingArray a = array(7, 1'000'000);
    feed.put(a);
    EXPECT_EQ(meet(a), (Demands{{7, 1}}));
    EXPECT_EQ(meet(a), Demands{});
    host(1, 3); // now there is room
    EXPECT_EQ(meet(a), (Demands{{7, 3}}));
    feed.task_gone(1000);
    EXPECT_EQ(meet(a), (Demands{{7, 1}}));
    feed.task(1001, 7, TaskState::placed, a.like.eligible_at);
    EXPECT_EQ(meet(a), (Demands{{7, 1}}));
}

TEST_F(ArrayFeedTest, no_more_than_there_are) {
    host(1, 10);
    WaitingArray a = array(7, 3);
    feed.put(a);
    EXPECT_EQ(feed.demand(c, now, 2), (Demands{{7, 2}}));
    EXPECT_EQ(meet(a), (Demands{{7, 3}}));
}

TEST_F(ArrayFeedTest, every_dimension_of_a_shape_bounds_it) {
    Executor e = host_of(1, 100);
    e.capacity = {100, 100 * 1024, 4000};
    e.consumables["disk"] = 6;
    e.features = {"ssd"};
    c.put_executor(e);
    c.set_consumables({{"licence", 5}});
    const auto needed = [&](auto change) {
        WaitingArray a = array(7, 1000);
        change(a.like.shape);
        feed.put(a);
        const Demands asked = feed.demand(c, now, 1000);
        return asked.at(0).count - 1;
    };
    EXPECT_EQ(needed([](Shape&) {}), 100);
    EXPECT_EQ(needed([](Shape& s) { s.need.cpu_cores = 30; }), 3);
    EXPECT_EQ(needed([](Shape& s) { s.need.cpu_cores = 30, s.min_cores = 10; }), 10);
    EXPECT_EQ(needed([](Shape& s) { s.need.memory_mib = 20 * 1024; }), 5);
    EXPECT_EQ(needed([](Shape& s) { s.need.gpu_milli = 2000; }), 2);
    EXPECT_EQ(needed([](Shape& s) { s.need.gpu_milli = 400; }), 8);
    EXPECT_EQ(needed([](Shape& s) { s.consumables["disk"] = 4; }), 1);
    EXPECT_EQ(needed([](Shape& s) { s.consumables["licence"] = 2; }), 2);
    EXPECT_EQ(needed([](Shape& s) { s.exclusive = true; }), 1);
    EXPECT_EQ(needed([](Shape& s) { s.constraint = Constraint::all_of({"ssd"}); }), 100);
    EXPECT_EQ(needed([](Shape& s) { s.constraint = Constraint::all_of({"tape"}); }), 0);
}

TEST_F(ArrayFeedTest, arrays_of_one_lane_have_their_turn_in_order) {
    host(1, 5);
    WaitingArray older = array(8, 3, 2), younger = array(7, 100, 1), elsewhere = array(9, 100);
    elsewhere.like.priority = 9;
    for (const WaitingArray& a : {older, younger, elsewhere}) feed.put(a);
    EXPECT_EQ(feed.demand(c, now, 1000), (Demands{{7, 3}, {8, 3}, {9, 6}}));
    younger.like.estimate = minute; // may start where the others are too long
    feed.put(younger);
    EXPECT_EQ(feed.demand(c, now, 1000), (Demands{{7, 6}, {8, 3}, {9, 6}}));
}

TEST_F(ArrayFeedTest, blocked_arrays_and_those_whose_time_has_not_come_want_nothing) {
    host(1, 5);
    WaitingArray a = array(7, 100);
    a.blocked = true;
    feed.put(a);
    EXPECT_EQ(feed.demand(c, now, 1000), Demands{});
    EXPECT_EQ(feed.arrays(), 1U);
    EXPECT_FALSE(feed.next_due(now));
    a.blocked = false;
    a.like.eligible_at = now + 5;
    feed.put(a);
    EXPECT_EQ(feed.demand(c, now + 4, 1000), Demands{});
    EXPECT_EQ(feed.next_due(now), now + 5);
    EXPECT_EQ(feed.demand(c, now + 5, 1000), (Demands{{7, 6}}));
    feed.drop(7);
    EXPECT_EQ(feed.demand(c, now + 5, 1000), Demands{});
    EXPECT_FALSE(feed.next_due(now));
}

TEST_F(ArrayFeedTest, a_throttle_counts_what_is_placed_and_what_is_pending) {
    host(1, 20);
    WaitingArray a = array(7, 100);
    a.like.array_throttle = 4;
    feed.task(1, 7, TaskState::placed, now); // before its array is known
    feed.put(a);
    EXPECT_EQ(meet(a), (Demands{{7, 3}}));
    EXPECT_EQ(meet(a), Demands{});
    feed.task_gone(1);
    EXPECT_EQ(meet(a), (Demands{{7, 1}}));
}

TEST_F(ArrayFeedTest, a_task_that_is_tried_again_later_does_not_count) {
    host(1, 2);
    WaitingArray a = array(7, 100, 1);
    feed.put(a);
    feed.task(1, 7, TaskState::pending, now + hour);
    feed.task(2, 7, TaskState::pending, a.like.eligible_at);
    EXPECT_EQ(meet(a), (Demands{{7, 2}}));
}

TEST_F(ArrayFeedTest, where_many_hold_reservations_as_many_wait) {
    WaitingArray a = array(7, 1000);
    feed.put(a);
    EXPECT_EQ(feed.demand(c, now, 1000), (Demands{{7, 1}}));
    settings().backfill = Backfill::depth;
    settings().backfill_depth = 20;
    use_settings();
    EXPECT_EQ(feed.demand(c, now, 1000), (Demands{{7, 20}}));
}

// --- against a plan that sees all tasks

std::string text(const std::vector<Placement>& placements) {
    std::string text;
    for (const Placement& p : placements) text += std::to_string(p.job) + "@" + std::to_string(p.executor) + " ";
    return text;
}

// Two clusters that differ only in which tasks of arrays they know.
class Twins {
public:
    explicit Twins(unsigned seed) : w(Maker(seed).world()), random_(seed) {
        if (w.settings.backfill == Backfill::conservative) w.settings.backfill = Backfill::easy;
        std::vector<Job> ordinary;
        for (Job& job : w.jobs) {
            job.array = 0;
            job.array_throttle = 0;
            if (job.held || draw(2) == 0)
                ordinary.push_back(job);
            else
                add_array(job);
        }
        for (core::Run& run : w.runs) { // some are tasks of the arrays
            run.array = 0;
            run.array_throttle = 0;
            if (arrays_.empty() || draw(2) == 0) continue;
            const WaitingArray& of = arrays_[static_cast<std::size_t>(draw(static_cast<int>(arrays_.size())))];
            run.array = of.id;
            run.array_throttle = of.like.array_throttle;
            feed.task(run.job, of.id, TaskState::placed, of.like.eligible_at);
        }
        w.jobs.clear();
        for (Cluster* c : {&all, &fed}) {
            load(*c, w); // and advances, so that both expect the same jobs
            for (const Job& job : ordinary) c->put_job(job);
            for (const WaitingArray& array : arrays_) { // strangers count for fair shares from their first job on
                c->put_job(array.like);
                c->drop_job(array.like.id);
            }
        }
        for (WaitingArray& array : arrays_) fill(array);
        for (PlanState* state : {&state_of_all, &state_of_fed}) {
            for (const auto& [group, at] : w.lifted) state->last_lifted[group] = at;
            state->preemptors = w.preemptors;
        }
    }

    void meet_demand() {
        for (;;) {
            const std::vector<Demand> asked = feed.demand(fed, w.now, 1 + draw(50));
            if (asked.empty()) return;
            for (const Demand& d : asked) {
                WaitingArray& array = *std::find_if(arrays_.begin(), arrays_.end(),
                                                    [&](const WaitingArray& a) { return a.id == d.array; });
                ASSERT_GT(d.count, 0);
                ASSERT_LE(d.count, array.waiting);
                for (std::int32_t i = 0; i < d.count; ++i) make_next(array);
                asked_for += static_cast<std::size_t>(d.count);
                feed.put(array);
            }
        }
    }

    void compare_plans() {
        Budget budget;
        budget.max_placements = w.max_placements;
        const Plan expected = plan(all, state_of_all, w.now, budget);
        placed = plan(fed, state_of_fed, w.now, budget);
        ASSERT_EQ(text(placed.placements), text(expected.placements));
        ASSERT_EQ(placed.preemptions, expected.preemptions);
    }

    // The plan comes true, some runs end, a moment passes.
    void go_on() {
        for (const Placement& p : placed.placements) {
            const Job job = *all.find_job(p.job);
            const core::Run run = run_of(job, p, w.now, w.now);
            for (Cluster* c : {&all, &fed}) c->put_run(run);
            if (job.array != 0) feed.task(job.id, job.array, TaskState::placed, job.eligible_at);
            if (job.array != 0) ++tasks_placed;
        }
        w.now += 10 * second;
        for (const Executor& e : w.executors)
            for (const JobId run : all.runs_of(e.id)) {
                if (draw(3) != 0) continue;
                for (Cluster* c : {&all, &fed}) c->drop(run);
                feed.task_gone(run);
            }
        for (Cluster* c : {&all, &fed}) c->advance(w.now);
    }

    World w;
    Cluster all, fed;
    PlanState state_of_all, state_of_fed;
    ArrayFeed feed;
    Plan placed;
    std::size_t tasks = 0, asked_for = 0, tasks_placed = 0;

private:
    int draw(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

    void add_array(const Job& like) {
        WaitingArray array{like.id, like, 1 + draw(40), draw(8) == 0};
        array.like.array = like.id;
        array.like.array_throttle = draw(3) == 0 ? 1 + draw(6) : 0;
        arrays_.push_back(array);
    }

    Job task_of(const WaitingArray& array, std::int64_t number) const {
        Job task = array.like;
        task.id = array.id * 100'000 + number;
        return task;
    }

    void fill(WaitingArray& array) {
        sizes_[array.id] = array.waiting;
        if (!array.blocked) {
            tasks += static_cast<std::size_t>(array.waiting);
            for (std::int64_t i = 0; i < array.waiting; ++i) all.put_job(task_of(array, i));
            for (int n = draw(3) == 0 ? draw(5) : 0; n > 0 && array.waiting > 0; --n) make_next(array);
            for (int n = draw(4) == 0 ? draw(4) : 0; n > 0; --n) { // tried again
                Job task = task_of(array, 50'000 + n);
                task.eligible_at += (1 + draw(3)) * hour;
                for (Cluster* c : {&all, &fed}) c->put_job(task);
                feed.task(task.id, array.id, TaskState::pending, task.eligible_at);
            }
        }
        feed.put(array);
    }

    void make_next(WaitingArray& array) {
        const Job task = task_of(array, sizes_.at(array.id) - array.waiting--);
        fed.put_job(task);
        feed.task(task.id, array.id, TaskState::pending, task.eligible_at);
    }

    std::mt19937 random_;
    std::vector<WaitingArray> arrays_;
    std::map<JobId, std::int64_t> sizes_;
};

TEST(ArrayFeed, a_plan_places_the_same_tasks_as_if_all_were_jobs) {
    std::size_t tasks = 0, asked_for = 0, placed = 0;
    for (unsigned seed = 0; seed < 1500; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Twins twins(seed);
        for (int round = 0; round < 4; ++round) {
            SCOPED_TRACE("round " + std::to_string(round));
            ASSERT_NO_FATAL_FAILURE(twins.meet_demand());
            ASSERT_NO_FATAL_FAILURE(twins.compare_plans());
            twins.go_on();
        }
        tasks += twins.tasks;
        asked_for += twins.asked_for;
        placed += twins.tasks_placed;
    }
    EXPECT_GT(placed, 5000U);
    EXPECT_LT(asked_for, tasks / 2);
}

} // namespace
