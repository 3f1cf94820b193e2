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

TEST_F(Times, the_zone_of_the_reader_has_a_name) {
    EXPECT_EQ(time_zone(), "UTC");
    setenv("TZ", ":Europe/Berlin", 1);
    EXPECT_EQ(time_zone(), "Europe/Berlin");
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    EXPECT_EQ(time_zone(), "CET-1CEST,M3.5.0,M10.5.0/3");
    setenv("TZ", "/usr/share/zoneinfo/Asia/Kolkata", 1);
    EXPECT_EQ(time_zone(), "Asia/Kolkata");
    setenv("TZ", "/etc/nowhere", 1);
    EXPECT_EQ(time_zone(), "");
    setenv("TZ", "", 1);
    EXPECT_EQ(time_zone(), "UTC");
}

TEST(Durations, are_read_as_the_server_writes_them) {
    EXPECT_EQ(interval_text("04:00:00"), "4h00m");
    EXPECT_EQ(interval_text("00:00:07.5"), "7s");
    EXPECT_EQ(interval_text("1 day"), "1d00h");
    EXPECT_EQ(interval_text("1 day 02:03:04"), "1d02h");
    EXPECT_EQ(interval_text("10 days 02:00:00"), "10d02h");
    EXPECT_EQ(interval_text("100:00:00"), "4d04h");
    for (const char* other : {"", "1 mon 04:00:00", "1 year", "PT4H", "-1 days", "-04:00:00", "1 day -02:00:00", "4"})
        EXPECT_EQ(interval_text(other), other);
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
