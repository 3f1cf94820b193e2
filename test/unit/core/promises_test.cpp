#include "core/promises.hpp"
#include <gtest/gtest.h>
#include <memory>

using namespace rcq::core;
namespace core = rcq::core;

namespace {

constexpr Micros now = 1000 * hour;

class PromisesTest : public testing::Test {
protected:
    PromisesTest() { c.advance(now); }

    void put(ExecutorId id, std::int32_t cores, Consumables consumables = {}) {
        Executor e;
        e.id = id;
        e.capacity = {cores, 1024, 0};
        e.consumables = std::move(consumables);
        c.put_executor(e);
    }
    core::Run run(JobId id, ExecutorId executor, std::int32_t cores, Micros length, Consumables consumables = {}) {
        core::Run r;
        r.job = id;
        r.executor = executor;
        r.resources = {cores, 1, 0};
        r.consumables = std::move(consumables);
        r.claimed_at = now;
        r.estimate = length;
        c.put_run(r);
        return r;
    }
    Ask ask(std::int32_t cores, Micros length, Consumables consumables = {}, GroupId group = 1) {
        shapes.push_back(std::make_unique<Shape>());
        shapes.back()->need = {cores, 1, 0};
        shapes.back()->consumables = std::move(consumables);
        return {shapes.back().get(), group, length / second};
    }
    Promises promises() const { return Promises({c.hosts().all(), c.holdings(), c.windows()}, now); }
    const Hole& hole(ExecutorId id) const {
        for (const Hole& h : c.hosts().holes().all())
            if (h.executor->id == id) return h;
        throw std::out_of_range("no hole");
    }

    Cluster c;
    std::vector<std::unique_ptr<Shape>> shapes;
};

TEST_F(PromisesTest, the_earliest_start_is_when_enough_runs_have_ended) {
    put(1, 4);
    run(1, 1, 2, hour);
    run(2, 1, 2, 2 * hour);
    Promises p = promises();
    EXPECT_EQ(p.earliest(ask(2, hour)).at, now + hour);
    const Ask all = ask(4, hour);
    const Start start = p.earliest(all);
    EXPECT_EQ(start.at, now + 2 * hour);
    p.reserve(start, all);
    EXPECT_EQ(p.earliest(ask(2, hour)).at, now + hour);              // just before it
    EXPECT_EQ(p.earliest(ask(2, hour + second)).at, now + 3 * hour); // or after it
    EXPECT_EQ(p.earliest(ask(5, hour)).at, never);
}

TEST_F(PromisesTest, of_equal_starts_the_executor_that_would_be_fitter_if_it_were_empty) {
    put(1, 8);
    put(2, 4);
    put(3, 4);
    EXPECT_EQ(promises().earliest(ask(2, hour)).executor, 2);
    EXPECT_EQ(promises().earliest(ask(6, hour)).executor, 1);
}

TEST_F(PromisesTest, a_hole_lasts_until_the_promise_that_needs_it) {
    put(1, 4);
    run(1, 1, 3, hour);
    Promises p = promises();
    const Ask all = ask(4, hour), one = ask(1, minute);
    EXPECT_EQ(p.lasts(hole(1), one), never);
    p.reserve(p.earliest(all), all);
    EXPECT_EQ(p.lasts(hole(1), one), hour);
    EXPECT_FALSE(p.delays_nothing(1, one));
}

TEST_F(PromisesTest, behind_a_window_that_never_ends_nothing_is_promised) {
    put(1, 4);
    run(1, 1, 4, hour);
    c.set_windows({{0, 1, {}, now + 3 * hour, never}});
    Promises p = promises();
    EXPECT_EQ(p.earliest(ask(1, 2 * hour)).at, now + hour);
    EXPECT_EQ(p.earliest(ask(1, 2 * hour + second)).at, never);
    put(2, 4);
    run(2, 2, 4, 5 * hour);
    const Start elsewhere = promises().earliest(ask(1, 2 * hour + second));
    EXPECT_EQ(elsewhere.executor, 2);
    EXPECT_EQ(elsewhere.at, now + 5 * hour);
}

TEST_F(PromisesTest, consumables_of_an_executor_are_waited_for_where_they_are) {
    put(1, 4);
    put(2, 4, {{"disk", 2}});
    run(1, 2, 1, hour, {{"disk", 1}});
    Promises p = promises();
    const Ask two = ask(1, hour, {{"disk", 2}}), one = ask(1, hour, {{"disk", 1}});
    EXPECT_FALSE(p.has_consumables(hole(1), *one.shape));
    EXPECT_FALSE(p.has_consumables(hole(2), *two.shape));
    EXPECT_TRUE(p.has_consumables(hole(2), *one.shape));
    const Start start = p.earliest(two);
    EXPECT_EQ(start.executor, 2);
    EXPECT_EQ(start.at, now + hour);
    p.reserve(start, two);
    EXPECT_EQ(p.lasts(hole(2), one), hour);
    EXPECT_EQ(p.lasts(hole(2), ask(1, hour)), never);
    p.place(2, ask(1, 3 * hour, {{"disk", 1}}), {1, 1, 0}); // takes what was free
    EXPECT_FALSE(p.has_consumables(hole(2), *one.shape));
    EXPECT_EQ(p.earliest(ask(1, hour, {{"disk", 3}})).at, never);
}

TEST_F(PromisesTest, consumables_of_the_cluster_are_waited_for_everywhere) {
    put(1, 4);
    put(2, 4);
    c.set_consumables({{"licence", 2}});
    run(1, 2, 1, hour, {{"licence", 1}});
    Promises p = promises();
    const Ask two = ask(1, hour, {{"licence", 2}}), one = ask(1, hour, {{"licence", 1}});
    EXPECT_EQ(p.earliest(two).at, now + hour);
    p.reserve(p.earliest(two), two);
    EXPECT_EQ(p.lasts(hole(2), one), hour);
    EXPECT_EQ(p.lasts(hole(1), one), hour);
    EXPECT_FALSE(p.delays_nothing(2, one));
    EXPECT_TRUE(p.delays_nothing(2, ask(1, hour)));
}

TEST_F(PromisesTest, windows_end_what_a_hole_lasts_and_move_starts) {
    put(1, 4);
    put(2, 4);
    Window w;
    w.executor = 1;
    w.group = 7;
    w.from = now + hour;
    w.until = now + 2 * hour;
    Window all = w;
    all.executor.reset();
    all.group.reset();
    all.from = now + 3 * hour;
    all.until = now + 4 * hour;
    Window empty = all;
    empty.from = empty.until = now + minute;
    c.set_windows({all, empty, w});
    Promises p = promises();
    EXPECT_EQ(p.lasts(hole(1), ask(1, hour)), hour);
    EXPECT_EQ(p.lasts(hole(2), ask(1, hour)), 3 * hour);
    EXPECT_EQ(p.lasts(hole(1), ask(1, hour, {}, 7)), 3 * hour);
    EXPECT_EQ(p.earliest_on(1, ask(1, hour)), now);
    EXPECT_EQ(p.earliest_on(1, ask(1, hour + second)), now + 4 * hour); // an hour between the two does not do
    EXPECT_EQ(p.earliest(ask(1, 3 * hour)).executor, 2);
    EXPECT_TRUE(p.is_open(1, 1, now, hour));
    EXPECT_FALSE(p.is_open(1, 1, now, hour + 1));
    EXPECT_TRUE(p.is_open(1, 7, now, 3 * hour));
}

TEST_F(PromisesTest, a_run_that_is_to_stop_leaves_its_room_within_a_second) {
    put(1, 4, {{"disk", 1}});
    const core::Run r = run(1, 1, 3, 10 * hour, {{"disk", 1}});
    Promises p = promises();
    const Ask four = ask(4, 20 * hour, {{"disk", 1}});
    EXPECT_EQ(p.earliest(four).at, now + 10 * hour);
    p.stop(r);
    EXPECT_EQ(p.earliest(four).at, now + second);
    p.reserve({1, now + second}, four);
    EXPECT_EQ(p.lasts(hole(1), ask(1, hour)), second);
    EXPECT_EQ(p.earliest(ask(4, hour)).at, now + 20 * hour + second); // its planned end gives nothing more
}

} // namespace
