#include "cron.hpp"
#include <bit>
#include <chrono>
#include <limits>

namespace rcq::core {

// Local times and instants are in whole seconds since 1970-01-01 here, local ones as if local time were UTC.
class CronSearch {
public:
    using Seconds = std::int64_t;

    CronSearch(const Cron::Fields& fields, const Zone& zone) : fields_(fields), zone_(zone) {}

    // The first instant after `after` at which an entry of given hour and minute is due. "The first instant at which
    // clocks show x or later" never falls as x grows, so the answer is that of the first x that was not yet reached.
    std::optional<Seconds> next_given(Seconds after) const {
        Seconds piece = after - look_around, reached = piece;
        while (const auto change = next_change(piece, after)) {
            reached = std::max(reached, *change - 1 + offset(piece));
            piece = *change;
        }
        reached = std::max(reached, after + offset(piece));
        const auto local = match(reached + 1);
        if (!local) return std::nullopt;
        Seconds t = *local - day_s; // clocks are never a day ahead, so they do not show it yet
        for (;;) {
            const Seconds shown = std::max(t, *local - offset(t));
            const auto change = next_change(t, shown);
            if (!change) return shown;
            t = *change;
        }
    }

    // The same of one that goes by elapsed time.
    std::optional<Seconds> next_elapsed(Seconds after) const {
        Seconds t = after + 1;
        for (;;) {
            const Seconds ahead = offset(t);
            const auto local = match(t + ahead);
            if (!local) return std::nullopt;
            const Seconds found = *local - ahead;
            const auto change = next_change(t, std::min(found, t + look_around));
            if (change)
                t = *change;
            else if (found <= t + look_around)
                return found;
            else // no offset takes clocks from in between to a time that matches
                t = std::max(t + look_around, found - look_around);
        }
    }

    // A time outside the years of Cron. One that is inside has room for look_around on both sides.
    static bool outside(Seconds t) { return t < seconds_at(Cron::first_year) || t >= seconds_at(Cron::last_year); }

private:
    static constexpr Seconds minute_s = 60, hour_s = 3600, day_s = 24 * hour_s;
    static constexpr Seconds look_around = 2 * day_s; // no two offsets differ by as much

    static constexpr Seconds seconds_at(int year) {
        using namespace std::chrono;
        return sys_days(std::chrono::year(year) / January / 2).time_since_epoch().count() * day_s;
    }

    Seconds offset(Seconds t) const { return zone_.offset_at((t - zone_.epoch_day * day_s) * second); }

    // The first instant in (from, to] with another offset than `from`.
    std::optional<Seconds> next_change(Seconds from, Seconds to) const {
        const Seconds before = offset(from);
        while (from < to) {
            Seconds same = from, changed = std::min(from + hour_s, to);
            from = changed;
            if (offset(changed) == before) continue;
            while (changed - same > 1) {
                const Seconds middle = same + (changed - same) / 2;
                (offset(middle) == before ? same : changed) = middle;
            }
            return changed;
        }
        return std::nullopt;
    }

    // The first value of the set at or after `from`, 64 when there is none.
    static int first(std::uint64_t set, int from) {
        return from > 63 ? 64 : std::min(64, from + std::countr_zero(set >> from));
    }

    bool day_matches(std::chrono::year_month_day date, std::chrono::sys_days days) const {
        const bool number = fields_.days >> static_cast<unsigned>(date.day()) & 1;
        const bool weekday = fields_.weekdays >> std::chrono::weekday(days).c_encoding() & 1;
        return fields_.either_day ? number || weekday : number && weekday;
    }

    // The first local day at or after `from` that matches.
    std::optional<Seconds> match_day(Seconds from) const {
        using namespace std::chrono;
        sys_days days{std::chrono::days(from)};
        for (;;) {
            const year_month_day date(days);
            if (static_cast<int>(date.year()) > Cron::last_year) return std::nullopt;
            if (!(fields_.months >> static_cast<unsigned>(date.month()) & 1))
                days = sys_days((date.year() / date.month() + months(1)) / 1);
            else if (!day_matches(date, days))
                days += std::chrono::days(1);
            else
                return days.time_since_epoch().count();
        }
    }

    // The first second of a day at or after `from` that matches.
    std::optional<Seconds> match_time(Seconds from) const {
        int s = first(fields_.seconds, static_cast<int>(from % 60));
        int m = first(fields_.minutes, static_cast<int>(from / 60 % 60) + (s > 63));
        const int h = first(fields_.hours, static_cast<int>(from / hour_s) + (m > 63));
        if (h > 63) return std::nullopt;
        if (h > from / hour_s || m > 63) m = first(fields_.minutes, 0);
        if (h * 60 + m > from / 60) s = first(fields_.seconds, 0);
        return h * hour_s + m * minute_s + s;
    }

    // The first local time at or after `from` that matches.
    std::optional<Seconds> match(Seconds from) const {
        const Seconds today = floor_div(from, day_s);
        const auto day = match_day(today);
        if (!day) return std::nullopt;
        if (const auto time = match_time(*day == today ? from - today * day_s : 0)) return *day * day_s + *time;
        const auto later = match_day(*day + 1);
        if (!later) return std::nullopt;
        return *later * day_s + *match_time(0);
    }

    const Cron::Fields& fields_;
    const Zone& zone_;
};

std::optional<Micros> Cron::next(Micros after, Micros anchor, const Zone& zone) const {
    const std::int64_t epoch_s = std::int64_t{zone.epoch_day} * 24 * 3600;
    const CronSearch::Seconds from = floor_div(after, second) + epoch_s;
    if (CronSearch::outside(from)) return std::nullopt;
    if (period_ > 0) {
        // both within 10^4 years and a period of ten: far from the ends of the type
        if (CronSearch::outside(floor_div(anchor, second) + epoch_s)) return std::nullopt;
        return anchor + (floor_div(after - anchor, period_) + 1) * period_;
    }
    const CronSearch search(fields_, zone);
    const auto found = fields_.elapsed ? search.next_elapsed(from) : search.next_given(from);
    if (!found) return std::nullopt;
    return (*found - epoch_s) * second;
}

} // namespace rcq::core
