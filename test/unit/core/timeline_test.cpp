#include "core/timeline.hpp"
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;

namespace {

using Line = Timeline<Count>;

// Who holds how much from when until when; what is free at a time is added up.
struct Holds {
    struct Hold {
        Micros from, until;
        std::int64_t n;
    };
    std::int64_t total = 0;
    std::vector<Hold> all;

    std::int64_t free_at(Micros t) const {
        std::int64_t free = total;
        for (const Hold& h : all)
            if (h.from <= t && t < h.until) free -= h.n;
        return free;
    }
    bool fits_throughout(std::int64_t n, Micros from, Micros until) const {
        for (Micros t = from; t < until; ++t)
            if (free_at(t) < n) return false;
        return true;
    }
};

TEST(Timeline, equals_adding_up_what_is_held_at_every_instant) {
    std::mt19937 random(5);
    const auto draw = [&](int n) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(n)); };
    constexpr Micros now = 100, horizon = now + 200;
    std::size_t waits = 0, nevers = 0, cut_short = 0;
    for (int round = 0; round < 1500; ++round) {
        Holds holds;
        holds.total = draw(10); // may be less than what is held: an executor that came back smaller
        Line::Releases releases;
        std::int64_t held = 0;
        for (JobId id = 0, runs = draw(6); id < runs; ++id) {
            const std::int64_t n = 1 + draw(3);
            const Micros until = now + 1 + draw(40);
            releases.insert({until, id, {n}, now - 10, {}});
            holds.all.push_back({INT64_MIN, until, n});
            held += n;
        }
        Line line({holds.total - held}, releases, now);
        for (int step = 0; step < 12; ++step) {
            const std::int64_t n = 1 + draw(6);
            const Micros length = 1 + draw(20), from = now + (draw(2) == 0 ? draw(60) : 0);
            ASSERT_EQ(line.free_now().n, holds.free_at(now));
            Micros expected = never;
            for (Micros t = from; t < horizon && expected == never; ++t)
                if (holds.fits_throughout(n, t, t + length)) expected = t;
            ASSERT_EQ(line.earliest({n}, length, from), expected);
            Micros lasts = 0;
            while (lasts < 200 && holds.free_at(now + lasts) >= n) ++lasts;
            ASSERT_EQ(line.lasts({n}), lasts == 200 ? never : lasts);
            waits += expected != never && expected > from ? 1U : 0U;
            nevers += expected == never ? 1U : 0U;
            cut_short += lasts > 0 && lasts < 200 ? 1U : 0U;
            if (draw(2) == 0 || expected == never) continue;
            const Micros until = draw(8) == 0 ? never : expected + length;
            line.promise(expected, until, {n});
            holds.all.push_back({expected, until, n});
        }
    }
    EXPECT_GT(waits, 1000U);
    EXPECT_GT(nevers, 1000U);
    EXPECT_GT(cut_short, 100U);
}

TEST(Timeline, a_run_past_its_plan_takes_twice_as_long_as_so_far_but_not_longer_than_its_limit) {
    EXPECT_EQ(overdue_end(0, {}, 10 * minute), 20 * minute);
    EXPECT_EQ(overdue_end(0, 15 * minute, 10 * minute), 15 * minute);
    EXPECT_EQ(overdue_end(0, 5 * minute, 10 * minute), 10 * minute + second); // it is being killed
    EXPECT_EQ(overdue_end(minute, {}, minute), minute + second);
    EXPECT_EQ(overdue_end(hour, {}, minute), minute + second); // a clock ahead of ours
    Line::Releases releases{{5 * minute, 1, {3}, 0, {}}, {minute, 2, {1}, 0, 12 * minute}};
    Line line({0}, releases, 10 * minute);
    EXPECT_EQ(line.earliest({1}, minute, 0), 12 * minute);
    EXPECT_EQ(line.earliest({4}, minute, 0), 20 * minute);
    EXPECT_EQ(line.earliest({5}, minute, 0), never);
}

TEST(Timeline, what_is_given_and_taken_at_one_instant_counts_together) {
    Line::Releases releases{{200, 1, {2}, 0, {}}};
    Line line({0}, releases, 100);
    line.promise(200, 300, {2});
    EXPECT_EQ(line.earliest({2}, 10, 100), 300);
    EXPECT_EQ(line.earliest({1}, 10, 100), 300);
    line.promise(300, 400, {2}); // hand over to hand over
    EXPECT_EQ(line.earliest({1}, 10, 100), 400);
}

TEST(Timeline, lengths_beyond_the_end_of_time_never_end) {
    EXPECT_EQ(later(100, never), never);
    EXPECT_EQ(later(100, never - 100), never);
    EXPECT_EQ(later(100, 5), 105);
    Line::Releases none;
    Line line({2}, none, 100);
    line.promise(150, never, {1});
    EXPECT_EQ(line.lasts({2}), 50);
    EXPECT_EQ(line.lasts({1}), never);
    EXPECT_EQ(line.earliest({1}, never, 100), 100);
    EXPECT_EQ(line.earliest({2}, 50, 100), 100);
    EXPECT_EQ(line.earliest({2}, 51, 100), never);
}

} // namespace
