#include "option_values.hpp"
#include "array_spec.hpp"
#include "dependency_spec.hpp"
#include "quoted.hpp"
#include "submit_options.hpp"
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

namespace rcq::core {
namespace {

constexpr double greatest_number = 1e9;    // of what is written; the rules of a request are much narrower
constexpr double greatest_seconds = 1e9;   // 31 years
constexpr double microseconds = 1'000'000; // more digits of a duration mean nothing
constexpr const char* how_durations_are_written = "Write it as 4h, 90m, 1h30m, 1:30:00 (hours:minutes:seconds) or "
                                                  "2-12:00:00 (2 days and 12 hours).";

[[noreturn]] void fail(std::string_view subject, std::string_view value, const std::string& what, std::string hint) {
    throw OptionError(std::string(subject) + ": " + quoted(value) + " " + what, std::move(hint));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view s) {
    std::string result(s);
    std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower(c); });
    return result;
}

// Cuts off the characters at the beginning that are such.
template <class Is> std::string_view cut_while(std::string_view& text, Is is) {
    const auto end = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is) - text.begin());
    const std::string_view head = text.substr(0, end);
    text.remove_prefix(end);
    return head;
}

// Digits with a fraction, without a sign or an exponent: 1.5, .5
std::optional<double> cut_decimal(std::string_view& text) {
    const std::string_view digits = cut_while(text, [](char c) { return is_digit(c) || c == '.'; });
    double value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, value, std::chars_format::fixed);
    if (digits.empty() || error != std::errc() || rest != end) return std::nullopt;
    return value;
}

std::string decimal(double value) {
    std::array<char, 512> written; // any double fits without an exponent where it is less than 10^9 and not tiny
    const auto end = std::to_chars(written.data(), written.data() + written.size(), value, std::chars_format::fixed);
    return end.ec == std::errc() ? std::string(written.data(), end.ptr) : "0";
}

struct Unit {
    std::string_view name;
    double seconds;
};
constexpr std::array units{
    Unit{"s", 1},       Unit{"sec", 1},       Unit{"second", 1},     Unit{"seconds", 1},  Unit{"m", 60},
    Unit{"min", 60},    Unit{"mins", 60},     Unit{"minute", 60},    Unit{"minutes", 60}, Unit{"h", 3600},
    Unit{"hour", 3600}, Unit{"hours", 3600},  Unit{"d", 86400},      Unit{"day", 86400},  Unit{"days", 86400},
    Unit{"w", 604800},  Unit{"week", 604800}, Unit{"weeks", 604800},
};

// "1h30m", "2 days 4 hours"
std::optional<double> sum_of_units(std::string_view text) {
    double seconds = 0;
    while (!text.empty()) {
        const std::optional amount = cut_decimal(text);
        cut_while(text, [](char c) { return c == ' '; });
        const std::string name = lower(cut_while(text, is_letter));
        const auto* unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == name; });
        if (!amount || unit == units.end()) return std::nullopt;
        seconds += *amount * unit->seconds;
        cut_while(text, [](char c) { return c == ' '; });
    }
    return seconds;
}

// [days-]hours:minutes:seconds, and days-hours or days-hours:minutes
std::optional<double> clock_time(std::string_view text) {
    constexpr std::array<double, 3> each{3600, 60, 1};
    const auto cut_number = [&](double most) -> std::optional<double> {
        const std::string_view digits = cut_while(text, is_digit);
        if (digits.empty() || digits.size() > 9) return std::nullopt;
        double value = 0;
        for (const char c : digits) value = value * 10 + (c - '0');
        return value > most ? std::nullopt : std::optional(value);
    };
    double seconds = 0;
    const bool has_days = text.find('-') != std::string_view::npos;
    if (has_days) {
        const std::optional days = cut_number(greatest_number);
        if (!days || text.empty() || text.front() != '-') return std::nullopt;
        text.remove_prefix(1);
        seconds = *days * 86400;
    }
    for (std::size_t part = 0; part < each.size(); part++) {
        const std::optional value = cut_number(part > 0 ? 59 : has_days ? 23 : greatest_number);
        if (!value) return std::nullopt;
        seconds += *value * each[part];
        if (text.empty()) return part == 2 || has_days ? std::optional(seconds) : std::nullopt;
        if (text.front() != ':') return std::nullopt;
        text.remove_prefix(1);
    }
    return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

double seconds_of(std::string_view subject, std::string_view value, double bare_unit) {
    const std::string_view written = trimmed(value);
    std::string_view rest = written;
    std::optional<double> seconds;
    if (const std::optional bare = cut_decimal(rest); bare && rest.empty()) {
        if (bare_unit == 0)
            fail(subject, value, "has no unit",
                 "Write " + std::string(written) + "m for minutes, as sbatch reads it, or " + std::string(written) +
                     "h.");
        seconds = *bare * bare_unit;
    } else if (written.find_first_of(":-") != std::string_view::npos) {
        const bool is_plain = written.find_first_not_of("0123456789:") == std::string_view::npos;
        if (is_plain && std::count(written.begin(), written.end(), ':') == 1)
            fail(subject, value, "may be minutes and seconds, or hours and minutes",
                 "Write " + std::string(written) + ":00 for hours and minutes, 0:" + std::string(written) +
                     " for minutes and seconds.");
        seconds = clock_time(written);
    } else if (!written.empty()) {
        seconds = sum_of_units(written);
    }
    if (!seconds) fail(subject, value, "is no duration", how_durations_are_written);
    if (!(*seconds <= greatest_seconds)) fail(subject, value, "is too long", "Give less than 30 years.");
    return std::round(*seconds * microseconds) / microseconds;
}

// Items in one JSON array or object, the new one last.
std::string joined(std::string_view gathered, char open, const std::string& item, char close) {
    if (gathered.size() <= 2) return open + item + close;
    return std::string(gathered.substr(0, gathered.size() - 1)) + "," + item + close;
}

// A member `key: value` of an object, which has none of this name yet. The key followed by a colon can stand nowhere
// but at a name: within a text the quotation mark has a backslash before it, and after a text there is no colon.
std::string with_member(std::string_view subject, std::string_view gathered, std::string_view name,
                        const std::string& json) {
    const std::string key = json_string(name) + ":";
    if (gathered.find("{" + key) != std::string_view::npos || gathered.find("," + key) != std::string_view::npos)
        fail(subject, name, "is given twice", "Give each name once.");
    return joined(gathered, '{', key + json, '}');
}

} // namespace

std::string json_string(std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string json = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            json += '\\';
            json += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            json += "\\u00";
            json += hex[static_cast<unsigned char>(c) >> 4];
            json += hex[static_cast<unsigned char>(c) & 15];
        } else {
            json += c;
        }
    }
    return json + '"';
}

std::string integer_json(std::string_view subject, std::string_view value) {
    const std::string_view digits = value.substr(value.starts_with('-') ? 1 : 0);
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit))
        fail(subject, value, "is no whole number", "Write digits alone, for example 8.");
    std::int32_t number = 0;
    if (std::from_chars(value.data(), value.data() + value.size(), number).ec != std::errc())
        fail(subject, value, "is out of range", "Write a smaller number.");
    return std::to_string(number);
}

std::string number_json(std::string_view subject, std::string_view value) {
    std::string_view rest = value.substr(value.starts_with('-') ? 1 : 0);
    const std::optional number = cut_decimal(rest);
    if (!number || !rest.empty()) fail(subject, value, "is no number", "Write it as 0.5 or 2.");
    if (*number > greatest_number) fail(subject, value, "is out of range", "Write a smaller one.");
    return decimal(value.starts_with('-') ? -*number : *number);
}

std::string memory_json(std::string_view subject, std::string_view value) {
    constexpr const char* hint = "Write 32G, 500M, 1.5T, or a number of GB.";
    std::string_view rest = value;
    const std::optional amount = cut_decimal(rest);
    std::string unit = lower(rest);
    if (unit.size() > 1 && unit.ends_with("b"))
        unit.erase(unit.size() - (unit.ends_with("ib") && unit.size() > 2 ? 2 : 1));
    const double gigabytes = unit.empty() || unit == "g" ? 1
                             : unit == "m"               ? 1.0 / 1024
                             : unit == "k"               ? 1.0 / 1024 / 1024
                             : unit == "t"               ? 1024
                                                         : 0;
    if (!amount || gigabytes == 0) fail(subject, value, "is no amount of memory", hint);
    if (*amount * gigabytes > greatest_number) fail(subject, value, "is out of range", hint);
    return decimal(*amount * gigabytes);
}

std::string duration_json(std::string_view subject, std::string_view value) {
    return decimal(seconds_of(subject, value, 0));
}

std::string hours_json(std::string_view subject, std::string_view value) {
    constexpr double hour = 3600;
    return decimal(seconds_of(subject, value, hour) / hour);
}

bool flag_value(std::string_view subject, std::string_view value) {
    if (value.empty() || value == "true") return true;
    if (value == "false") return false;
    fail(subject, value, "is neither true nor false", "Write " + std::string(subject) + " alone.");
}

std::string array_json(std::string_view subject, std::string_view value) {
    const auto parsed = ArraySpec::parse(value);
    constexpr std::string_view field = "array"; // which messages begin with
    if (const auto* error = std::get_if<ArraySpecError>(&parsed))
        throw OptionError(std::string(subject) + error->message.substr(field.size()), error->hint);
    return json_string(value);
}

std::string dependency_json(std::string_view subject, std::string_view value) {
    struct Short {
        std::string_view written, kind;
    };
    constexpr std::array shorts{Short{"ok", "afterok"}, Short{"any", "afterany"}, Short{"notok", "afternotok"},
                                Short{"start", "after"}, Short{"corr", "aftercorr"}};
    constexpr const char* hint =
        "Write ok:41 (has completed), any:41 (has ended), notok:41 (has failed), start:41 (has "
        "started), corr:41 (task by task) or singleton, joined by commas.";
    std::string spec;
    for (std::string_view rest = value;;) {
        const std::size_t comma = rest.find(',');
        const std::string_view item = rest.substr(0, comma);
        const std::string_view kind = item.substr(0, item.find(':'));
        const auto* known =
            std::find_if(shorts.begin(), shorts.end(), [&](const Short& s) { return s.written == kind; });
        spec += known == shorts.end() ? item : std::string(known->kind) + std::string(item.substr(kind.size()));
        if (comma == std::string_view::npos) break;
        spec += ',';
        rest.remove_prefix(comma + 1);
    }
    const auto parsed = parse_dependencies(spec);
    if (std::holds_alternative<DependencyError>(parsed)) fail(subject, value, "names no jobs to wait for", hint);
    return json_string(spec);
}

std::string with_items(std::string_view subject, std::string_view gathered, std::string_view value) {
    std::string items;
    for (std::string_view rest = value;;) {
        const std::size_t comma = rest.find(',');
        const std::string_view item = trimmed(rest.substr(0, comma));
        if (item.empty()) fail(subject, value, "has an empty item", "Join them by commas.");
        items += (items.empty() ? "" : ",") + json_string(item);
        if (comma == std::string_view::npos) return joined(gathered, '[', items, ']');
        rest.remove_prefix(comma + 1);
    }
}

std::string with_variable(std::string_view subject, std::string_view gathered, std::string_view value) {
    const std::size_t equals = value.find('=');
    if (equals == std::string_view::npos || equals == 0)
        fail(subject, value, "is no variable", "Write NAME=VALUE; for several give the option several times.");
    return with_member(subject, gathered, value.substr(0, equals), json_string(value.substr(equals + 1)));
}

std::string with_amount(std::string_view subject, std::string_view gathered, std::string_view value) {
    const std::size_t equals = value.find('=');
    if (value.empty() || equals == 0)
        fail(subject, value, "is no name with an amount", "Write NAME=2; for several give the option several times.");
    const std::string amount = equals == std::string_view::npos ? "1" : integer_json(subject, value.substr(equals + 1));
    return with_member(subject, gathered, value.substr(0, equals), amount);
}

} // namespace rcq::core
