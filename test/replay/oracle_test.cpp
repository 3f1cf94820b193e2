// The oracle itself, by cases small enough to follow on paper.
#include "oracle.hpp"
#include "swf_text.hpp"

#include <gtest/gtest.h>

namespace rcq::sim::oracle {
namespace {

std::vector<Micros> starts_in_seconds(const std::string& text, const Rules& rules) {
    std::vector<Micros> starts = simulate(trace_of(text, 10), rules);
    for (Micros& start : starts) start /= core::second;
    return starts;
}

using Starts = std::vector<Micros>;

// number submit wait run processors - - - requested. Job 1 holds six of ten processors until 100; job 2 needs eight and
// is blocked, so from 100 on two are extra.
const std::string blocked = "1 0 -1 100 6 -1 -1 6 100\n"
                            "2 1 -1 100 8 -1 -1 8 100\n";

TEST(Oracle, without_backfill_nobody_overtakes) {
    EXPECT_EQ(starts_in_seconds(blocked + "3 2 -1 10 1 -1 -1 1 10\n", {}), (Starts{0, 100, 100}));
}

TEST(Oracle, easy_starts_what_ends_before_the_shadow_time_or_fits_into_the_extra_processors) {
    const Rules easy{Queue::fcfs, Gaps::easy};
    EXPECT_EQ(starts_in_seconds(blocked + "3 2 -1 98 4 -1 -1 4 98\n", easy), (Starts{0, 100, 2})) << "ends at 100";
    EXPECT_EQ(starts_in_seconds(blocked + "3 2 -1 99 4 -1 -1 4 99\n", easy), (Starts{0, 100, 200})) << "ends at 101";
    EXPECT_EQ(starts_in_seconds(blocked + "3 2 -1 999 2 -1 -1 2 999\n", easy), (Starts{0, 100, 2})) << "is extra";
    EXPECT_EQ(starts_in_seconds(blocked + "3 2 -1 999 1 -1 -1 1 999\n4 2 -1 999 2 -1 -1 2 999\n", easy),
              (Starts{0, 100, 2, 200}))
        << "one extra is left";
}

TEST(Oracle, easy_trusts_the_request_and_not_the_run_time) {
    EXPECT_EQ(starts_in_seconds(blocked + "3 2 -1 10 4 -1 -1 4 500\n", {Queue::fcfs, Gaps::easy}),
              (Starts{0, 100, 200}));
}

TEST(Oracle, shortest_first_offers_the_gap_to_the_shortest_request) {
    const std::string two = blocked + "3 2 -1 90 4 -1 -1 4 90\n4 2 -1 50 4 -1 -1 4 50\n";
    EXPECT_EQ(starts_in_seconds(two, {Queue::fcfs, Gaps::easy}), (Starts{0, 100, 2, 200}));
    EXPECT_EQ(starts_in_seconds(two, {Queue::fcfs, Gaps::easy_shortest}), (Starts{0, 100, 200, 2}));
}

TEST(Oracle, conservative_lets_nobody_delay_any_reservation) {
    // Job 3 is to start at 200 beside nothing; job 4 fits in front of job 2 but would delay job 3.
    const std::string three = blocked + "3 2 -1 100 10 -1 -1 10 100\n4 3 -1 250 2 -1 -1 2 250\n";
    EXPECT_EQ(starts_in_seconds(three, {Queue::fcfs, Gaps::easy}), (Starts{0, 100, 253, 3}));
    EXPECT_EQ(starts_in_seconds(three, {Queue::fcfs, Gaps::conservative}), (Starts{0, 100, 200, 300}));
}

TEST(Oracle, conservative_moves_reservations_up_when_a_job_ends_early) {
    EXPECT_EQ(starts_in_seconds("1 0 -1 10 10 -1 -1 10 100\n2 1 -1 50 5 -1 -1 5 50\n3 2 -1 50 10 -1 -1 10 50\n",
                                {Queue::fcfs, Gaps::conservative}),
              (Starts{0, 10, 60}));
}

} // namespace
} // namespace rcq::sim::oracle
