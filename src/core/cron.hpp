// When a recurring job is due: expressions of cron, and fixed periods.
//
//   minute hour day-of-month month day-of-week      30 6 * * MON-FRI
//   second minute hour day-of-month ...             */15 * * * * *
//   @hourly @daily @midnight @weekly @monthly @yearly @annually
//   @every 1h30m
//
// A field is a list (,) of * or ?, values, ranges (a-b), each with a step (/n) if wanted; a/n is a-last/n. Months and
// days of the week have English names of three letters; 0 and 7 are Sunday. Letters may be of either case. Days follow
// Vixie cron: where both day fields are restricted a day needs to match one of them, else both; a field that begins
// with * or ? is not restricted.
#pragma once
#include "types.hpp"
#include <string>
#include <string_view>
#include <variant>

namespace rcq::core {

// What clocks show at a place.
class Zone {
public:
    // The day whose midnight UTC is time 0, in days since 1970-01-01. PostgreSQL's 2000-01-01 is day 10957.
    explicit Zone(std::int32_t epoch_day) : epoch_day(epoch_day) {}
    virtual ~Zone() = default;

    // How many seconds local time is ahead of UTC at an instant: above -86400, below 86400. Changes at whole seconds,
    // twice at most once an hour.
    virtual int offset_at(Micros utc) const = 0;

    const std::int32_t epoch_day;
};

// Why an expression was refused.
struct CronError {
    std::string message; // what is wrong, with the field, the value and the allowed range
    std::string hint;    // what to do about it
};

// Where clocks are put forward or back, two rules hold, as in cron(8) of Vixie cron 4.1 and cronie (there for changes
// below three hours, here for all):
//  - hour and minute are both given (neither begins with * or ?): due at the first instant at which clocks show the
//    time or a later one. So once behind a gap that skips the time, and once, the first time, where it comes twice;
//    times that one gap skips are due together, once.
//  - else elapsed time counts: due whenever clocks show the time; twice when it comes twice, never when it is skipped.
class Cron {
public:
    static constexpr std::size_t max_characters = 1000;    // of an expression
    static constexpr Micros max_period = 3650 * day;       // of @every
    static constexpr int first_year = 1, last_year = 9999; // what next() knows, less a few days at either end

    // Refused, too, is what would never be due: the 30th of February.
    static std::variant<Cron, CronError> parse(std::string_view expression);

    // The first time strictly after `after` at which this is due. With @every at anchor + k periods, for whole k of
    // either sign, whatever clocks show. None: not before the end of the last year, or `after` lies outside the years.
    std::optional<Micros> next(Micros after, Micros anchor, const Zone& zone) const;

private:
    // Bit n stands for the value n.
    struct Fields {
        std::uint64_t seconds = 0, minutes = 0, hours = 0, days = 0, months = 0, weekdays = 0;
        bool either_day = false; // a day matches by its number or its weekday; else by both
        bool elapsed = false;    // the second of the rules above
    };
    friend class CronSearch;
    Cron() = default;

    Fields fields_;
    Micros period_ = 0; // of @every; 0: the fields count
};

} // namespace rcq::core
