#include "core/cron.hpp"
#include <algorithm>
#include <chrono>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <sstream>

using namespace rcq::core;
using namespace std::string_literals;

namespace {

// Clocks that are put forward and back at given times; all in seconds since 1970-01-01.
class TableZone : public Zone {
public:
    explicit TableZone(int first = 0, std::map<std::int64_t, int> changes = {}, std::int32_t epoch_day = 0)
        : Zone(epoch_day), first_(first), changes_(std::move(changes)) {}
    int offset_at(Micros utc) const override { return offset_of(floor_div(utc, second) + epoch_day * 86400LL); }
    int offset_of(std::int64_t t) const {
        const auto after = changes_.upper_bound(t);
        return after == changes_.begin() ? first_ : std::prev(after)->second;
    }

private:
    int first_;
    std::map<std::int64_t, int> changes_;
};

const TableZone utc;

std::int64_t seconds_of(const std::string& time) {
    int y, m, d, hh, mm, ss = 0;
    EXPECT_GE(std::sscanf(time.c_str(), "%d-%d-%d %d:%d:%d", &y, &m, &d, &hh, &mm, &ss), 5) << time;
    const std::chrono::sys_days days(std::chrono::year(y) / m / d);
    return days.time_since_epoch().count() * 86400LL + hh * 3600 + mm * 60 + ss;
}

std::string text_of(std::int64_t t) {
    const auto days = floor_div(t, 86400);
    const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
    const auto rest = t - days * 86400;
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(rest / 3600),
                  static_cast<int>(rest / 60 % 60), static_cast<int>(rest % 60));
    return text;
}

Cron parsed(std::string_view expression) {
    auto result = Cron::parse(expression);
    if (const auto* error = std::get_if<CronError>(&result)) {
        ADD_FAILURE() << expression << ": " << error->message;
        return std::get<Cron>(Cron::parse("* * * * *"));
    }
    return std::get<Cron>(result);
}

std::vector<std::int64_t> fires(const Cron& cron, std::int64_t after, std::size_t count, const TableZone& zone = utc) {
    std::vector<std::int64_t> times;
    Micros t = after * second;
    while (times.size() < count) {
        const auto next = cron.next(t, after * second, zone);
        if (!next) break;
        t = *next;
        times.push_back(t / second);
    }
    return times;
}

// The next times in UTC, written out.
std::vector<std::string> due(std::string_view expression, const std::string& after, std::size_t count,
                             const TableZone& zone = utc) {
    std::vector<std::string> texts;
    for (const auto t : fires(parsed(expression), seconds_of(after), count, zone)) texts.push_back(text_of(t));
    return texts;
}

using Texts = std::vector<std::string>;

// New York in 2024: forward at 2:00 on March 10, back at 2:00 on November 3.
const TableZone new_york(-5 * 3600,
                         {{seconds_of("2024-03-10 07:00"), -4 * 3600}, {seconds_of("2024-11-03 06:00"), -5 * 3600}});
// Lord Howe in 2024: back by half an hour at 2:00 on April 7, forward on October 6.
const TableZone lord_howe(11 * 3600,
                          {{seconds_of("2024-04-06 15:00"), 37800}, {seconds_of("2024-10-05 15:30"), 11 * 3600}});

TEST(Cron, fields_hold_values_lists_ranges_steps_and_names) {
    const std::string start = "2024-01-01 00:00"; // a Monday
    EXPECT_EQ(due("5 * * * *", start, 2), (Texts{"2024-01-01 00:05:00", "2024-01-01 01:05:00"}));
    EXPECT_EQ(due("5,3,3 0 * * *", start, 3),
              (Texts{"2024-01-01 00:03:00", "2024-01-01 00:05:00", "2024-01-02 00:03:00"}));
    EXPECT_EQ(due("10-20/5 7 * * *", start, 4),
              (Texts{"2024-01-01 07:10:00", "2024-01-01 07:15:00", "2024-01-01 07:20:00", "2024-01-02 07:10:00"}));
    EXPECT_EQ(due("*/25 7 * * *", start, 4),
              (Texts{"2024-01-01 07:00:00", "2024-01-01 07:25:00", "2024-01-01 07:50:00", "2024-01-02 07:00:00"}));
    EXPECT_EQ(due("50/5 7 * * *", start, 3),
              (Texts{"2024-01-01 07:50:00", "2024-01-01 07:55:00", "2024-01-02 07:50:00"}));
    EXPECT_EQ(due("0 0 ? feb-MAR wed", start, 2), (Texts{"2024-02-07 00:00:00", "2024-02-14 00:00:00"}));
    EXPECT_EQ(due("*/60 */24 * * *", start, 2), (Texts{"2024-01-02 00:00:00", "2024-01-03 00:00:00"}));
    EXPECT_EQ(due(" \t0  12\n* * * ", start, 1), Texts{"2024-01-01 12:00:00"});
}

TEST(Cron, sunday_is_0_and_7_and_ends_a_range_of_names) {
    const std::string start = "2024-01-01 00:00";
    for (const char* sunday : {"0 0 * * 0", "0 0 * * 7", "0 0 * * SUN", "0 0 * * 7,0", "@weekly", "0 0 * * */7"})
        EXPECT_EQ(due(sunday, start, 2), (Texts{"2024-01-07 00:00:00", "2024-01-14 00:00:00"})) << sunday;
    for (const char* weekend : {"0 0 * * 6,7", "0 0 * * 6-7", "0 0 * * sat-SUN", "0 0 * * 0,6"})
        EXPECT_EQ(due(weekend, start, 3), (Texts{"2024-01-06 00:00:00", "2024-01-07 00:00:00", "2024-01-13 00:00:00"}))
            << weekend;
    EXPECT_EQ(due("0 0 * * SUN-MON", start, 2), (Texts{"2024-01-07 00:00:00", "2024-01-08 00:00:00"}));
}

TEST(Cron, six_fields_begin_with_seconds) {
    EXPECT_EQ(due("*/20 * * * * *", "2024-12-31 23:59:30", 3),
              (Texts{"2024-12-31 23:59:40", "2025-01-01 00:00:00", "2025-01-01 00:00:20"}));
    EXPECT_EQ(due("30 15 8 1 * *", "2024-01-01 08:15:30", 1), Texts{"2024-02-01 08:15:30"});
    EXPECT_EQ(due("58 59 23 31 12 *", "2024-01-01 00:00", 1), Texts{"2024-12-31 23:59:58"});
}

TEST(Cron, two_restricted_days_are_alternatives_and_a_star_makes_both_conditions) {
    const std::string start = "2024-01-01 00:00";
    EXPECT_EQ(due("0 0 13 * FRI", start, 4),
              (Texts{"2024-01-05 00:00:00", "2024-01-12 00:00:00", "2024-01-13 00:00:00", "2024-01-19 00:00:00"}));
    // the odd days that are Mondays
    EXPECT_EQ(due("0 0 */2 * MON", start, 3),
              (Texts{"2024-01-15 00:00:00", "2024-01-29 00:00:00", "2024-02-05 00:00:00"}));
    EXPECT_EQ(due("0 0 13 * */5", start, 2), (Texts{"2024-09-13 00:00:00", "2024-10-13 00:00:00"}));
    // rare, but due: a 29th of February that is a Sunday
    EXPECT_EQ(due("0 0 29 2 */7", start, 2), (Texts{"2032-02-29 00:00:00", "2060-02-29 00:00:00"}));
    // either: so this has days although February has no 30th
    EXPECT_EQ(due("0 0 30 2 MON", start, 1), Texts{"2024-02-05 00:00:00"});
}

TEST(Cron, leap_days_come_where_the_calendar_has_them) {
    EXPECT_EQ(due("0 0 29 2 *", "2096-02-29 00:00", 2), (Texts{"2104-02-29 00:00:00", "2108-02-29 00:00:00"}));
    EXPECT_EQ(due("0 0 31 * *", "2023-12-31 00:00", 3),
              (Texts{"2024-01-31 00:00:00", "2024-03-31 00:00:00", "2024-05-31 00:00:00"}));
    EXPECT_EQ(due("0 0 1 1 *", "1969-06-01 00:00", 1), Texts{"1970-01-01 00:00:00"});
    EXPECT_EQ(due("0 0 1 1 *", "1899-06-01 00:00", 1), Texts{"1900-01-01 00:00:00"});
}

TEST(Cron, nicknames_stand_for_fields) {
    const std::string start = "2024-05-15 10:30";
    EXPECT_EQ(due("@hourly", start, 1), Texts{"2024-05-15 11:00:00"});
    EXPECT_EQ(due("@daily", start, 1), Texts{"2024-05-16 00:00:00"});
    EXPECT_EQ(due("@Midnight", start, 1), Texts{"2024-05-16 00:00:00"});
    EXPECT_EQ(due("@weekly", start, 1), Texts{"2024-05-19 00:00:00"});
    EXPECT_EQ(due("@monthly", start, 1), Texts{"2024-06-01 00:00:00"});
    EXPECT_EQ(due("@yearly", start, 1), Texts{"2025-01-01 00:00:00"});
    EXPECT_EQ(due(" @annually ", start, 1), Texts{"2025-01-01 00:00:00"});
}

TEST(Cron, a_period_counts_from_its_anchor_whatever_clocks_show) {
    EXPECT_EQ(due("@every 1h30m", "2024-03-10 05:00", 2, new_york),
              (Texts{"2024-03-10 06:30:00", "2024-03-10 08:00:00"}));
    EXPECT_EQ(due("@every 90s", "2024-01-01 00:00", 1), Texts{"2024-01-01 00:01:30"});
    EXPECT_EQ(due("@every 1d 1s", "2024-01-01 00:00", 1), Texts{"2024-01-02 00:00:01"});
    const Cron cron = parsed("@EVERY 10s");
    const Micros anchor = 1000 * second + 250;
    EXPECT_EQ(cron.next(anchor, anchor, utc), anchor + 10 * second);
    EXPECT_EQ(cron.next(anchor - 1, anchor, utc), anchor);
    EXPECT_EQ(cron.next(anchor + 25 * second, anchor, utc), anchor + 30 * second);
    EXPECT_EQ(cron.next(anchor - 25 * second, anchor, utc), anchor - 20 * second);
    EXPECT_EQ(parsed("@every 3650d").next(0, 0, utc), Cron::max_period);
}

TEST(Cron, the_next_time_is_later_than_the_given_one_by_a_microsecond_at_least) {
    const Cron cron = parsed("0 12 * * *");
    const Micros noon = seconds_of("2024-01-01 12:00") * second;
    EXPECT_EQ(cron.next(noon - 1, 0, utc), noon);
    EXPECT_EQ(cron.next(noon, 0, utc), noon + day);
    EXPECT_EQ(cron.next(noon + 1, 0, utc), noon + day);
}

TEST(Cron, time_0_is_the_midnight_that_the_zone_says) {
    const TableZone postgres(0, {}, 10957);
    EXPECT_EQ(parsed("0 6 * * *").next(0, 0, postgres), 6 * hour);
    EXPECT_EQ(parsed("0 0 1 3 *").next(0, 0, postgres), 60 * day); // 2000 was a leap year
    const TableZone shifted(-5 * 3600, {{seconds_of("2024-03-10 07:00"), -4 * 3600}}, 10957);
    const std::int64_t epoch = 10957LL * 86400;
    EXPECT_EQ(parsed("30 2 * * *").next((seconds_of("2024-03-10 00:00") - epoch) * second, 0, shifted),
              (seconds_of("2024-03-10 07:00") - epoch) * second);
}

TEST(Cron, outside_the_years_it_knows_nothing_is_due) {
    for (const char* expression : {"* * * * *", "0 0 * * *", "@every 1s"}) {
        const Cron cron = parsed(expression);
        for (const Micros far : {std::numeric_limits<Micros>::max(), std::numeric_limits<Micros>::min(),
                                 seconds_of("9999-12-31 00:00") * second, seconds_of("0001-01-01 00:00") * second})
            EXPECT_EQ(cron.next(far, 0, utc), std::nullopt) << expression << ' ' << far;
    }
    EXPECT_EQ(parsed("@every 1s").next(0, std::numeric_limits<Micros>::min(), utc), std::nullopt);
    EXPECT_EQ(due("* * * * *", "9998-12-31 23:59", 1), Texts{"9999-01-01 00:00:00"});
    EXPECT_EQ(due("0 0 29 2 *", "9998-12-31 23:59", 1), Texts{});
}

TEST(Cron, a_given_time_that_clocks_skip_is_due_once_behind_the_gap) {
    EXPECT_EQ(due("30 2 * * *", "2024-03-09 12:00", 2, new_york),
              (Texts{"2024-03-10 07:00:00", "2024-03-11 06:30:00"}));
    EXPECT_EQ(due("0,20,40 2 * * *", "2024-03-09 12:00", 2, new_york),
              (Texts{"2024-03-10 07:00:00", "2024-03-11 06:00:00"}));
    EXPECT_EQ(due("30 2,3 * * *", "2024-03-09 12:00", 2, new_york),
              (Texts{"2024-03-10 07:00:00", "2024-03-10 07:30:00"}));
    EXPECT_EQ(due("15 2 * * *", "2024-10-05 00:00", 2, lord_howe),
              (Texts{"2024-10-05 15:30:00", "2024-10-06 15:15:00"}));
}

TEST(Cron, a_given_time_that_comes_twice_is_due_the_first_time) {
    EXPECT_EQ(due("30 1 * * *", "2024-11-02 12:00", 2, new_york),
              (Texts{"2024-11-03 05:30:00", "2024-11-04 06:30:00"}));
    // asked between the two: not due again
    EXPECT_EQ(due("30 1 * * *", "2024-11-03 05:45", 1, new_york), Texts{"2024-11-04 06:30:00"});
    EXPECT_EQ(due("0,30 1-2 * * *", "2024-11-03 05:15", 2, new_york),
              (Texts{"2024-11-03 05:30:00", "2024-11-03 07:00:00"}));
    EXPECT_EQ(due("45 1 * * *", "2024-04-06 12:00", 2, lord_howe),
              (Texts{"2024-04-06 14:45:00", "2024-04-07 15:15:00"}));
}

TEST(Cron, with_a_star_for_hour_or_minute_elapsed_time_counts) {
    EXPECT_EQ(due("30 * * * *", "2024-03-10 06:00", 2, new_york),
              (Texts{"2024-03-10 06:30:00", "2024-03-10 07:30:00"}));
    EXPECT_EQ(due("0 */2 * * *", "2024-03-10 05:30", 1, new_york), Texts{"2024-03-10 08:00:00"}); // 2:00 is skipped
    EXPECT_EQ(due("*/30 2 * * *", "2024-03-09 08:00", 1, new_york), Texts{"2024-03-11 06:00:00"});
    EXPECT_EQ(due("*/30 1 * * *", "2024-11-03 04:45", 5, new_york),
              (Texts{"2024-11-03 05:00:00", "2024-11-03 05:30:00", "2024-11-03 06:00:00", "2024-11-03 06:30:00",
                     "2024-11-04 06:00:00"}));
    EXPECT_EQ(due("45 * * * *", "2024-04-06 14:00", 3, lord_howe),
              (Texts{"2024-04-06 14:45:00", "2024-04-06 15:15:00", "2024-04-06 16:15:00"}));
    EXPECT_EQ(due("0 ? * * *", "2024-11-03 04:30", 3, new_york),
              (Texts{"2024-11-03 05:00:00", "2024-11-03 06:00:00", "2024-11-03 07:00:00"}));
}

TEST(Cron, a_day_that_a_place_left_out_is_a_gap_too) {
    // Apia left out 2011-12-30 and went from -10 to +14
    const TableZone apia(-10 * 3600, {{seconds_of("2011-12-30 10:00"), 14 * 3600}});
    EXPECT_EQ(due("0 12 30 * *", "2011-12-01 00:00", 2, apia), (Texts{"2011-12-30 10:00:00", "2012-01-29 22:00:00"}));
    EXPECT_EQ(due("0 * 30 * *", "2011-12-02 00:00", 1, apia), Texts{"2012-01-29 10:00:00"});
}

struct Refused {
    std::string expression, message;
};

TEST(Cron, what_cannot_be_read_is_refused_by_what_is_wrong) {
    const std::vector<Refused> cases{
        {"61 * * * *", "minute 61 is outside 0 to 59"},
        {"* 24 * * *", "hour 24 is outside 0 to 23"},
        {"* * 0 * *", "day of month 0 is outside 1 to 31"},
        {"* * * 13 *", "month 13 is outside 1 to 12"},
        {"* * * * 8", "day of week 8 is outside 0 to 7"},
        {"60 * * * * *", "second 60 is outside 0 to 59"},
        {"99999999999999999999999 * * * *", "minute 99999999999999999999 is outside 0 to 59"},
        {"* * * *", "it has 4 fields, not 5 or 6"},
        {"*", "it has 1 field, not 5 or 6"},
        {"* * * * * * *", "it has 7 fields, not 5 or 6"},
        {"", "it is empty"},
        {"  \t ", "it is empty"},
        {"30-10 * * * *", "minute \"30-10\": the range from 30 to 10 runs backwards"},
        {"0 0 * * FRI-MON", "day of week \"fri-mon\": the range from 5 to 1 runs backwards"},
        {"0 0 * * 5-0", "day of week \"5-0\": the range from 5 to 0 runs backwards"},
        {"*/0 * * * *", "minute \"*/0\": step 0 is outside 1 to 60"},
        {"*/90 * * * *", "minute \"*/90\": step 90 is outside 1 to 60"},
        {"* * * foo *", "month \"foo\" is unknown"},
        {"* * * * jan", "day of week \"jan\" is unknown"},
        {"* jan * * *", "hour \"jan\" is unknown"},
        {"* * * january *", "month \"january\" is unknown"},
        {"1, * * * *", "minute \"1,\": a value is missing"},
        {",1 * * * *", "minute \",1\": a value is missing"},
        {"1- * * * *", "minute \"1-\": a value is missing"},
        {"*/ * * * *", "minute \"*/\": a value is missing"},
        {"1-2-3 * * * *", "minute \"1-2-3\": unexpected \"-3\""},
        {"-1 * * * *", "minute \"-1\": unexpected \"-1\""},
        {"*5 * * * *", "minute \"*5\": unexpected \"5\""},
        {"1.5 * * * *", "minute \"1.5\": unexpected \".5\""},
        {"0 0 L * *", "day of month \"l\": L, W and # are not supported"},
        {"0 0 15W * *", "day of month \"15w\": L, W and # are not supported"},
        {"0 0 * * 5#2", "day of week \"5#2\": L, W and # are not supported"},
        {"0 0 * * \xc3\xa9", "day of week \"??\": unexpected \"??\""},
        {"0 0 * * \0"s, "day of week \"?\": unexpected \"?\""},
        {"0 0 30 2 *", "it is never due: no such day of month in \"2\" (month)"},
        {"0 0 31 2,4,6,9,11 *", "it is never due: no such day of month in \"2,4,6,9,11\" (month)"},
        {"0 0 30 2 */2", "it is never due: no such day of month in \"2\" (month)"},
        {"@reboot", "@reboot is not supported: a cluster is not started as one machine is"},
        {"@hourly 5", "\"@hourly 5\" is unknown"},
        {"@everyday", "\"@everyday\" is unknown"},
        {"@every", "@every lacks its period"},
        {"@every  ", "@every lacks its period"},
        {"@every 0s", "@every \"0s\" is outside 1 second to 10 years (3650 days)"},
        {"@every 3651d", "@every \"3651d\" is outside 1 second to 10 years (3650 days)"},
        {"@every 99999999999999999999d",
         "@every \"99999999999999999999d\" is outside 1 second to 10 years (3650 days)"},
        {"@every 90", "@every \"90\": \"90\" has no unit"},
        {"@every 1.5h", "@every \"1.5h\": fractions are not supported"},
        {"@every 100ms", "@every \"100ms\": unknown unit \"ms\""},
        {"@every -5s", "@every \"-5s\": a number is missing at \"-5s\""},
        {std::string(1001, '*'), "it has more than 1000 characters"},
        {std::string(900, 'x') + " * * * *", "minute \"" + std::string(40, 'x') + "...\" is unknown"}};
    for (const Refused& c : cases) {
        const auto result = Cron::parse(c.expression);
        const auto* error = std::get_if<CronError>(&result);
        ASSERT_NE(error, nullptr) << c.expression;
        EXPECT_EQ(error->message, c.message) << c.expression;
        EXPECT_FALSE(error->hint.empty()) << c.expression;
    }
}

TEST(Cron, garbage_is_refused_or_due_later) {
    std::mt19937 random(7);
    const std::string alphabet = "0123456789*/-,?@ \tadejmnorsuvyLW#\xc3.";
    int accepted = 0;
    for (int i = 0; i < 20000; i++) {
        std::string expression;
        for (int n = static_cast<int>(random() % 24); n > 0; n--) expression += alphabet[random() % alphabet.size()];
        if (i % 2) expression = "* " + expression + " * * *";
        const auto result = Cron::parse(expression);
        if (const auto* cron = std::get_if<Cron>(&result)) {
            accepted++;
            EXPECT_GT(cron->next(0, 0, utc), 0) << expression;
        }
    }
    EXPECT_GT(accepted, 50);
}

// What croniter says; see cron_cases.py.
TEST(Cron, it_agrees_with_an_independent_implementation) {
    std::ifstream file(RCQ_CRON_CASES);
    std::map<std::string, TableZone> zones;
    int cases = 0;
    for (std::string line; std::getline(file, line);) {
        std::istringstream columns(line);
        std::vector<std::string> c;
        for (std::string column; std::getline(columns, column, '\t');) c.push_back(column);
        if (c.at(0) == "zone") {
            std::map<std::int64_t, int> changes;
            for (std::size_t i = 3; i < c.size(); i++)
                changes[std::stoll(c[i])] = std::stoi(c[i].substr(c[i].find(':') + 1));
            zones.emplace(c.at(1), TableZone(std::stoi(c.at(2)), changes));
        } else if (c.at(0) == "case") {
            const std::int64_t after = std::stoll(c.at(3));
            std::vector<std::int64_t> expected;
            for (std::size_t i = 4; i < c.size(); i++) expected.push_back(std::stoll(c[i]));
            EXPECT_EQ(fires(parsed(c.at(1)), after, expected.size(), zones.at(c.at(2))), expected)
                << c[1] << " in " << c[2] << " after " << after;
            cases++;
        }
    }
    EXPECT_GT(cases, 300);
}

// An expression made from sets, and the same question answered by walking.
struct Sets {
    std::set<int> seconds, minutes, hours, days, months, weekdays; // empty: *
    static bool has(const std::set<int>& set, std::int64_t value) {
        return set.empty() || set.count(static_cast<int>(value)) > 0;
    }
    bool accept(std::int64_t local) const {
        const auto day = floor_div(local, 86400);
        const std::chrono::sys_days days_(std::chrono::days{day});
        const std::chrono::year_month_day date(days_);
        const bool number = has(days, static_cast<unsigned>(date.day()));
        const bool weekday = has(weekdays, (day % 7 + 11) % 7);
        return has(seconds, (local - day * 86400) % 60) && has(minutes, (local - day * 86400) / 60 % 60) &&
               has(hours, (local - day * 86400) / 3600) && has(months, static_cast<unsigned>(date.month())) &&
               (days.empty() || weekdays.empty() ? number && weekday : number || weekday);
    }
    bool elapsed() const { return minutes.empty() || hours.empty(); }
    std::string text() const {
        std::string text;
        for (const auto* set : {&seconds, &minutes, &hours, &days, &months, &weekdays}) {
            if (!text.empty()) text += ' ';
            if (set->empty()) text += '*';
            for (const int value : *set) text += (value == *set->begin() ? "" : ",") + std::to_string(value);
        }
        return text;
    }
    // All instants in (after, until], step by step; offsets and changes are whole steps, too.
    std::vector<std::int64_t> walk(std::int64_t after, std::int64_t until, int step, const TableZone& zone) const {
        std::vector<std::int64_t> times;
        std::int64_t reached = after - 3 * 86400 + zone.offset_of(after - 3 * 86400);
        for (std::int64_t t = after - 3 * 86400; t <= until; t += step) {
            const std::int64_t local = t + zone.offset_of(t);
            bool due = elapsed() && accept(local);
            for (; reached < local; reached += step) due = due || (!elapsed() && accept(reached + step));
            if (due && t > after) times.push_back(t);
        }
        return times;
    }
};

std::set<int> some(std::mt19937& random, int first, int last, int most, double chance) {
    std::set<int> set;
    if (std::uniform_real_distribution<>()(random) > chance) return set;
    for (int n = 1 + static_cast<int>(random() % static_cast<unsigned>(most)); n > 0; n--)
        set.insert(std::uniform_int_distribution<>(first, last)(random));
    return set;
}

void compare(const Sets& sets, std::int64_t after, std::int64_t until, int step, const TableZone& zone) {
    const auto expected = sets.walk(after, until, step, zone);
    auto found = fires(parsed(sets.text()), after, expected.size() + 1, zone);
    if (!found.empty() && found.back() > until) found.pop_back();
    ASSERT_EQ(found, expected) << sets.text() << " after " << text_of(after);
}

TEST(Cron, it_agrees_with_walking_minute_by_minute_where_clocks_change) {
    std::mt19937 random(1);
    for (int i = 0; i < 400; i++) {
        Sets sets{{0}, some(random, 0, 59, 4, 0.9), some(random, 0, 23, 4, 0.8), some(random, 1, 31, 3, 0.3),
                  {},  some(random, 0, 6, 3, 0.3)};
        // two to four changes of up to 23 hours within some days, an hour or more apart
        const std::int64_t start =
            seconds_of("2024-02-20 00:00") + static_cast<std::int64_t>(random() % 86400) / 60 * 60;
        std::map<std::int64_t, int> changes;
        std::int64_t at = start;
        for (int n = 2 + static_cast<int>(random() % 3); n > 0; n--) {
            at += 3600 + static_cast<std::int64_t>(random() % 2880) * 60;
            const int far = random() % 3 ? 120 : 1380;
            changes[at] = std::uniform_int_distribution<>(-far, far)(random) * 60;
        }
        compare(sets, start, start + 12 * 86400, 60, TableZone(3600, changes));
        if (HasFatalFailure()) return;
    }
}

TEST(Cron, it_agrees_with_walking_second_by_second_where_offsets_are_odd) {
    std::mt19937 random(2);
    for (int i = 0; i < 60; i++) {
        Sets sets{some(random, 0, 59, 3, 0.9), some(random, 0, 59, 5, 0.7), some(random, 0, 23, 12, 0.5), {}, {}, {}};
        const std::int64_t start = seconds_of("1890-03-31 00:00") + static_cast<std::int64_t>(random() % 86400);
        const TableZone zone(3208, {{start + 4321, -20000 + static_cast<int>(random() % 40000)}, {start + 9876, 3600}});
        compare(sets, start, start + 6 * 3600, 1, zone);
        if (HasFatalFailure()) return;
    }
}

} // namespace
