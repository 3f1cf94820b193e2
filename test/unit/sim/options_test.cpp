#include "sim/duration.hpp"
#include "sim/replay_options.hpp"
#include "sim/usage_error.hpp"

#include <gtest/gtest.h>

namespace rcq::sim {
namespace {

TEST(Duration, is_a_number_and_a_unit) {
    EXPECT_EQ(parse_duration("7d"), 7 * core::day);
    EXPECT_EQ(parse_duration("72h"), 72 * core::hour);
    EXPECT_EQ(parse_duration("30m"), 30 * core::minute);
    EXPECT_EQ(parse_duration("90s"), 90 * core::second);
    EXPECT_EQ(parse_duration("90"), 90 * core::second);
    EXPECT_EQ(parse_duration("1.5h"), 90 * core::minute);
    EXPECT_EQ(parse_duration("0"), 0);
}

TEST(Duration, is_nothing_else) {
    for (const char* text : {"", "d", "7w", "7 d", " 7d", "7dd", "-1h", "nan", "inf", "1e3h", "0x7d", "36526d", "1d12h",
                             "99999999999999999999999999999999d"})
        EXPECT_THROW(parse_duration(text), UsageError) << text;
}

TEST(Duration, is_shown_in_the_largest_whole_unit) {
    for (const char* text : {"7d", "90m", "25h", "61s", "0s"}) EXPECT_EQ(format_duration(parse_duration(text)), text);
    EXPECT_EQ(format_duration(parse_duration("72h")), "3d");
}

TEST(Backfill, is_named_as_it_is_parsed) {
    for (const char* text : {"none", "easy", "depth:1", "depth:1000000", "conservative"})
        EXPECT_EQ(name(parse_backfill(text)), text);
    for (const char* text :
         {"", "EASY", "depth", "depth:", "depth:0", "depth:-1", "depth:1000001", "depth:5x", "easy "})
        EXPECT_THROW(parse_backfill(text), UsageError) << text;
}

TEST(Guard, belongs_to_quota_unless_a_longest_wait_is_given) {
    ReplayOptions options;
    EXPECT_EQ(guard_of(options), Guard::job);
    EXPECT_EQ(max_wait_of(options), 72 * core::hour);
    for (const Policy policy : {Policy::multifactor, Policy::fairtree, Policy::fifo}) {
        options.policy = policy;
        options.max_wait.reset();
        EXPECT_EQ(guard_of(options), Guard::off);
        EXPECT_EQ(max_wait_of(options), 0);
        options.max_wait = core::hour;
        EXPECT_EQ(guard_of(options), Guard::job);
        EXPECT_EQ(max_wait_of(options), core::hour);
    }
    options.guard = Guard::off;
    EXPECT_EQ(max_wait_of(options), 0) << "what is said counts";
}

} // namespace
} // namespace rcq::sim
