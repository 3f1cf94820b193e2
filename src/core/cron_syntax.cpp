// Cron::parse(): reading an expression, and saying what is wrong with it.
#include "cron.hpp"
#include <algorithm>
#include <array>
#include <span>

namespace rcq::core {

namespace {

constexpr std::array<std::string_view, 12> month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> weekday_names{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Field {
    std::string_view name;
    int first, last;
    std::span<const std::string_view> names = {}; // of first, first + 1, ...
};

constexpr Field second_field{"second", 0, 59}, minute_field{"minute", 0, 59}, hour_field{"hour", 0, 23},
    day_field{"day of month", 1, 31}, month_field{"month", 1, 12, month_names},
    weekday_field{"day of week", 0, 7, weekday_names};

constexpr const char* grammar =
    "Write minute hour day-of-month month day-of-week, as in 30 6 * * MON-FRI; with seconds in front if wanted; or "
    "@hourly, @daily, @weekly, @monthly, @yearly, @every 1h30m.";
constexpr const char* elements = "A field is a list, separated by commas, of *, values, ranges (1-5) and steps (*/10).";

[[noreturn]] void fail(std::string message, std::string hint) { throw CronError{std::move(message), std::move(hint)}; }

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

// For a message: the beginning of what was written, in quotes, with everything replaced that cannot be shown.
std::string shown(std::string_view written) {
    constexpr std::size_t most = 40;
    std::string text(written.substr(0, most));
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return '"' + text + (written.size() > most ? "...\"" : "\"");
}

// Takes characters from the front as long as they are of the kind.
template <class Kind> std::string_view take_while(std::string_view& rest, Kind kind) {
    const auto end = std::find_if_not(rest.begin(), rest.end(), kind);
    const std::string_view taken = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    rest.remove_prefix(taken.size());
    return taken;
}

bool take(std::string_view& rest, char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
}

// Of digits; what is above `most` becomes most + 1.
std::int64_t number(std::string_view digits, std::int64_t most) {
    std::int64_t value = 0;
    for (const char c : digits) value = std::min(value * 10 + (c - '0'), most + 1);
    return value;
}

std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> words;
    for (;;) {
        take_while(text, is_space);
        if (text.empty()) return words;
        words.push_back(take_while(text, [](char c) { return !is_space(c); }));
    }
}

bool is_restricted(std::string_view field) { return field.front() != '*' && field.front() != '?'; }

// One field: the set of its values, bit n for the value n.
class FieldParser {
public:
    FieldParser(const Field& field, std::string_view written) : field_(field), whole_(written), rest_(written) {}

    std::uint64_t set() {
        std::uint64_t set = 0;
        do set |= element();
        while (take(rest_, ','));
        if (!rest_.empty()) unexpected();
        return set;
    }

private:
    std::string of_field() const { return std::string(field_.name) + " " + shown(whole_); }
    std::string range() const { return std::to_string(field_.first) + " to " + std::to_string(field_.last); }

    [[noreturn]] void unexpected() const {
        if (rest_.empty() || rest_.front() == ',') fail(of_field() + ": a value is missing", elements);
        if (std::string_view("lw#").find(rest_.front()) != std::string_view::npos)
            fail(of_field() + ": L, W and # are not supported",
                 "Let the script check the date, and leave at once on other days.");
        fail(of_field() + ": unexpected " + shown(rest_), elements);
    }

    // The value that comes next: a number or a name.
    int value() {
        if (const auto digits = take_while(rest_, is_digit); !digits.empty()) {
            const auto value = number(digits, field_.last);
            if (value < field_.first || value > field_.last)
                fail(std::string(field_.name) + " " + std::string(digits.substr(0, 20)) + " is outside " + range(),
                     elements);
            return static_cast<int>(value);
        }
        const std::string_view before = rest_;
        const auto name = take_while(rest_, is_letter);
        const auto found = std::find(field_.names.begin(), field_.names.end(), name);
        if (!name.empty() && found != field_.names.end())
            return field_.first + static_cast<int>(found - field_.names.begin());
        rest_ = before;
        if (name.size() < 2) unexpected();
        std::string hint = "Use " + range();
        if (!field_.names.empty())
            hint += ", or the names " + std::string(field_.names.front()) + " to " + std::string(field_.names.back());
        fail(std::string(field_.name) + " " + shown(name) + " is unknown", hint + ".");
    }

    std::uint64_t element() {
        int from = field_.first, to = field_.last;
        bool single = false;
        if (!take(rest_, '*') && !take(rest_, '?')) {
            from = to = value();
            single = !take(rest_, '-');
            if (!single) to = range_end(from);
        } else if (field_.last == 7) {
            to = 6; // 0 is Sunday already
        }
        std::int64_t step = 1;
        if (take(rest_, '/')) {
            step = this->step();
            if (single) to = field_.last;
        }
        std::uint64_t set = 0;
        for (std::int64_t value = from; value <= to; value += step) set |= std::uint64_t{1} << value;
        return set;
    }

    int range_end(int from) {
        const bool named = !rest_.empty() && is_letter(rest_.front());
        int to = value();
        if (named && to == 0) to = 7; // FRI-SUN
        if (to < from)
            fail(of_field() + ": the range from " + std::to_string(from) + " to " + std::to_string(to) +
                     " runs backwards",
                 field_.last == 7 ? "Sunday is 7 where it ends a range; else give two ranges, as in 5-7,1."
                                  : "Give two ranges, as in 22-23,0-4 for hours.");
        return to;
    }

    std::int64_t step() {
        const int most = field_.last == 7 ? 7 : field_.last - field_.first + 1;
        const auto digits = take_while(rest_, is_digit);
        if (digits.empty()) unexpected();
        const auto step = number(digits, most);
        if (step < 1 || step > most)
            fail(of_field() + ": step " + std::string(digits.substr(0, 20)) + " is outside 1 to " +
                     std::to_string(most),
                 "Steps begin anew in every hour, day, month or year; for a period of any length use @every, as in "
                 "@every 90m.");
        return step;
    }

    const Field& field_;
    const std::string_view whole_;
    std::string_view rest_;
};

// What follows @every.
Micros period(std::string_view written) {
    constexpr const char* hint = "Give days, hours, minutes and seconds, as in @every 90s, @every 1h30m or @every 2d.";
    if (written.empty()) fail("@every lacks its period", hint);
    constexpr std::int64_t most = Cron::max_period / second;
    std::int64_t sum = 0;
    for (std::string_view rest = written; !rest.empty();) {
        const auto digits = take_while(rest, is_digit);
        if (!rest.empty() && rest.front() == '.')
            fail("@every " + shown(written) + ": fractions are not supported", hint);
        if (digits.empty()) fail("@every " + shown(written) + ": a number is missing at " + shown(rest), hint);
        const auto unit = take_while(rest, is_letter);
        const std::int64_t seconds = unit == "s"   ? 1
                                     : unit == "m" ? 60
                                     : unit == "h" ? 3600
                                     : unit == "d" ? 24 * 3600
                                                   : 0;
        if (seconds == 0)
            fail("@every " + shown(written) +
                     (unit.empty() ? ": " + shown(digits) + " has no unit" : ": unknown unit " + shown(unit)),
                 hint);
        sum = std::min(sum + number(digits, most) * seconds, most + 1);
        take_while(rest, is_space);
    }
    if (sum < 1 || sum > most) fail("@every " + shown(written) + " is outside 1 second to 10 years (3650 days)", hint);
    return sum * second;
}

struct Nickname {
    std::string_view name, fields;
};
constexpr std::array<Nickname, 7> nicknames{{{"@hourly", "0 * * * *"},
                                             {"@daily", "0 0 * * *"},
                                             {"@midnight", "0 0 * * *"},
                                             {"@weekly", "0 0 * * 0"},
                                             {"@monthly", "0 0 1 * *"},
                                             {"@yearly", "0 0 1 1 *"},
                                             {"@annually", "0 0 1 1 *"}}};

// The fields that a nickname stands for; of anything else, itself.
std::string_view spelled_out(std::string_view text) {
    if (text.front() != '@') return text;
    const auto* found =
        std::find_if(nicknames.begin(), nicknames.end(), [&](const Nickname& n) { return n.name == text; });
    if (found != nicknames.end()) return found->fields;
    if (text == "@reboot")
        fail("@reboot is not supported: a cluster is not started as one machine is", "Submit the job once, or @every.");
    fail(shown(text) + " is unknown", grammar);
}

// Whether a day of the set exists in a month of the set.
bool exists(std::uint64_t days, std::uint64_t months) {
    constexpr std::array<int, 13> lengths{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (std::size_t month = 1; month < lengths.size(); month++)
        if (months >> month & 1 && days & ((std::uint64_t{2} << lengths[month]) - 1)) return true;
    return false;
}

} // namespace

std::variant<Cron, CronError> Cron::parse(std::string_view expression) try {
    if (expression.size() > max_characters)
        fail("it has more than " + std::to_string(max_characters) + " characters", grammar);
    std::string lower(expression);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    std::string_view text = lower;
    take_while(text, is_space);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    if (text.empty()) fail("it is empty", grammar);

    Cron cron;
    constexpr std::string_view every = "@every";
    if (text.starts_with(every) && (text == every || is_space(text[every.size()]))) {
        text.remove_prefix(every.size());
        take_while(text, is_space);
        cron.period_ = period(text);
        return cron;
    }
    std::vector<std::string_view> parts = words(spelled_out(text));
    if (parts.size() < 5 || parts.size() > 6)
        fail("it has " + std::to_string(parts.size()) + (parts.size() == 1 ? " field" : " fields") + ", not 5 or 6",
             grammar);
    if (parts.size() == 5) parts.insert(parts.begin(), "0");

    Fields& fields = cron.fields_;
    fields.seconds = FieldParser(second_field, parts[0]).set();
    fields.minutes = FieldParser(minute_field, parts[1]).set();
    fields.hours = FieldParser(hour_field, parts[2]).set();
    fields.days = FieldParser(day_field, parts[3]).set();
    fields.months = FieldParser(month_field, parts[4]).set();
    fields.weekdays = FieldParser(weekday_field, parts[5]).set();
    fields.weekdays |= fields.weekdays >> 7 & 1; // 7 is Sunday as 0 is
    fields.either_day = is_restricted(parts[3]) && is_restricted(parts[5]);
    fields.elapsed = !is_restricted(parts[1]) || !is_restricted(parts[2]);
    if (!fields.either_day && !exists(fields.days, fields.months))
        fail("it is never due: no such day of month in " + shown(parts[4]) + " (month)",
             "February has at most 29 days; April, June, September and November have 30.");
    return cron;
} catch (CronError& error) {
    return std::move(error);
}

} // namespace rcq::core
