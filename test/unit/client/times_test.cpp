// Times and durations as people read them.
#include "client/times.hpp"

#include <cstdlib>
#include <gtest/gtest.h>

namespace rcq::client {
namespace {

class Times : public testing::Test {
protected:
    void SetUp() override {
        setenv("TZ", "UTC", 1);
        tzset();
    }
};

TEST_F(Times, are_read_as_the_server_writes_them) {
    EXPECT_EQ(parse_time("1970-01-01T00:00:10+00:00"), 10);
    EXPECT_EQ(parse_time("1970-01-01T01:00:10.5+01:00"), 10.5);
    EXPECT_EQ(parse_time("1969-12-31T19:30:00-04:30"), 0);
    EXPECT_EQ(parse_time("1970-01-02T00:00:00Z"), 86400);
}

TEST_F(Times, that_are_none_are_nothing) {
    EXPECT_EQ(parse_time(""), std::nullopt);
    EXPECT_EQ(parse_time("infinity"), std::nullopt);
    EXPECT_EQ(parse_time("2026-11-22"), std::nullopt);
    EXPECT_EQ(parse_time("2026-11-22T10:00:00 noon"), std::nullopt);
}

TEST_F(Times, are_short_within_a_day) {
    const double now = *parse_time("2026-11-22T10:00:00+00:00");
    EXPECT_EQ(short_time("2026-11-22T09:58:01.25+00:00", now), "09:58:01");
    EXPECT_EQ(short_time("2026-11-23T09:59:00+00:00", now), "09:59:00");
    EXPECT_EQ(short_time("2026-11-20T09:58:01+00:00", now), "2026-11-20 09:58");
    EXPECT_EQ(short_time("infinity", now), "infinity");
    EXPECT_EQ(long_time("2026-11-20T09:58:01.9+02:00"), "2026-11-20 07:58:01");
}

TEST_F(Times, are_those_of_the_reader) {
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    EXPECT_EQ(long_time("2026-07-01T10:00:00+00:00"), "2026-07-01 12:00:00");
}

TEST(Durations, have_two_units_at_most) {
    EXPECT_EQ(short_duration(0.9), "0s");
    EXPECT_EQ(short_duration(59), "59s");
    EXPECT_EQ(short_duration(90), "1m30s");
    EXPECT_EQ(short_duration(3600), "1h00m");
    EXPECT_EQ(short_duration(86399), "23h59m");
    EXPECT_EQ(short_duration(200000), "2d07h");
    EXPECT_EQ(short_duration(-5), "0s");
}

} // namespace
} // namespace rcq::client
