#include "request_options.hpp"
#include "quoted.hpp"
#include <algorithm>
#include <array>
#include <limits>

namespace rcq::core {
namespace {

constexpr std::int64_t ten_years = 3653 * 86'400'000'000; // with three leap days
constexpr double a_year = 31'536'000;
constexpr std::size_t max_line_bytes = 200;
constexpr std::size_t max_tags = 32;
constexpr std::size_t max_tag_characters = 100;
constexpr std::size_t shown = 100; // characters of a rejected value

constexpr std::array<std::string_view, 7> ends{"exit_code",  "signal",      "timeout",   "oom",
                                               "disk_quota", "spawn_error", "bad_result"};

using Found = std::optional<Violation>;

Violation invalid(const char* field, std::string message, std::string hint) {
    return {Violation::Kind::invalid, field, std::move(message), std::move(hint)};
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::size_t characters(std::string_view s) {
    return s.size() - static_cast<std::size_t>(std::count_if(s.begin(), s.end(), continues));
}

// The first characters of a value, as it is: what stands in a message of its own is not garbled by a long one.
std::string begin_of(std::string_view s) {
    std::size_t at = 0, seen = 0;
    for (; at < s.size(); at++)
        if (!continues(s[at]) && seen++ == shown) break;
    return std::string(s.substr(0, at));
}

bool is_line(std::string_view s) { return !s.empty() && std::none_of(s.begin(), s.end(), is_control); }
bool is_tag(std::string_view s) { return is_line(s) && characters(s) <= max_tag_characters; }

bool is_within(double value, double low, double high) { return value >= low && value <= high; } // nor NaN

Found check_times(const JobOptions& o, std::int64_t now, const std::function<std::string(const char* field)>& written) {
    constexpr auto never = (std::numeric_limits<std::int64_t>::min)();
    const std::int64_t farthest = now + ten_years;
    if (o.begin_time && (*o.begin_time > farthest || *o.begin_time == never))
        return invalid("begin_time", "begin_time " + written("begin_time") + " is more than 10 years ahead, or no time",
                       "Leave it out to start as soon as possible.");
    if (!o.deadline) return std::nullopt;
    if (*o.deadline <= now)
        return invalid("deadline", "deadline " + written("deadline") + " has passed",
                       "The job must have ended by its deadline: give one in the future.");
    if (*o.deadline > farthest)
        return invalid("deadline", "deadline " + written("deadline") + " is more than 10 years ahead",
                       "Leave it out for a job without a deadline.");
    if (o.begin_time && *o.deadline <= *o.begin_time)
        return invalid("deadline",
                       "deadline " + written("deadline") + " is not after begin_time " + written("begin_time"),
                       "The job must have time to run between the two.");
    return std::nullopt;
}

Found check_retry_on(const JobOptions::Texts& wanted) {
    const auto bad = std::find_if(wanted.begin(), wanted.end(), [](const auto& e) { return !e || !is_retry_end(*e); });
    if (!wanted.empty() && bad == wanted.end()) return std::nullopt;
    std::string known;
    for (const std::string_view end : ends) known += std::string(end) + ", ";
    return invalid(
        "retry_on",
        "retry_on: \"" + (bad == wanted.end() || !*bad ? std::string() : begin_of(**bad)) + "\" is no end of a run",
        "Give " + known + "or exit codes 1 to 255, as a list of texts; leave it out to run again after every failure.");
}

Found check_retries(const JobOptions& o, const std::function<std::string(const char* field)>& written) {
    if (o.retry_on)
        if (auto v = check_retry_on(*o.retry_on)) return v;
    if (o.retry_delay_s && !is_within(*o.retry_delay_s, 0, a_year))
        return invalid("retry_delay", "retry_delay " + written("retry_delay") + " is outside 0 to 1 year",
                       "Write it as '30 seconds' or '5 min'.");
    if (o.retry_max_delay_s && !is_within(*o.retry_max_delay_s, 0, a_year))
        return invalid("retry_max_delay", "retry_max_delay " + written("retry_max_delay") + " is outside 0 to 1 year",
                       "Write it as '1 hour'.");
    if (o.retry_backoff && *o.retry_backoff != "fixed" && *o.retry_backoff != "exponential")
        return invalid("retry_backoff", "retry_backoff cannot be \"" + begin_of(*o.retry_backoff) + "\"",
                       "fixed: retry_delay every time; exponential: doubled every time, up to retry_max_delay.");
    if (o.retry_jitter && !is_within(*o.retry_jitter, 0, 1))
        return invalid("retry_jitter", "retry_jitter " + written("retry_jitter") + " is outside 0 to 1",
                       "0.1 lengthens or shortens each delay by up to a tenth.");
    if (o.retry_memory_factor && !is_within(*o.retry_memory_factor, 1, 100))
        return invalid("retry_memory_factor",
                       "retry_memory_factor " + written("retry_memory_factor") + " is outside 1 to 100",
                       "2 doubles the memory for the attempt after one that ran out of it.");
    return std::nullopt;
}

Found check_line(const char* field, std::string_view value) {
    if (is_line(value) && value.size() <= max_line_bytes) return std::nullopt;
    return invalid(field, std::string(field) + " is empty, longer than 200 bytes or has control characters",
                   "Leave it out for a job without one.");
}

Found check_tags(const JobOptions::Texts& tags) {
    const auto bad = std::find_if(tags.begin(), tags.end(), [](const auto& t) { return t && !is_tag(*t); });
    if (tags.size() <= max_tags && bad == tags.end() &&
        std::all_of(tags.begin(), tags.end(), [](const auto& t) { return t.has_value(); }))
        return std::nullopt;
    return invalid("tags",
                   bad == tags.end() ? "tags: more than 32, or NULL among them"
                                     : "tags: \"" + begin_of(**bad) +
                                           "\" is empty, longer than 100 characters or has control characters",
                   "Give up to 32 texts of 1 to 100 characters.");
}

} // namespace

bool is_retry_end(std::string_view end) {
    if (std::find(ends.begin(), ends.end(), end) != ends.end()) return true;
    if (end.empty() || end.size() > 3) return false;
    int code = 0;
    for (const char c : end) {
        if (c < '0' || c > '9') return false;
        code = code * 10 + (c - '0');
    }
    return code >= 1 && code <= 255;
}

std::optional<Violation> check_options(const JobOptions& o, std::int64_t now,
                                       const std::function<std::string(const char* field)>& written) {
    if (auto v = check_times(o, now, written)) return v;
    if (o.on_dependency_failed && *o.on_dependency_failed != "fail" && *o.on_dependency_failed != "wait")
        return invalid("on_dependency_failed",
                       "on_dependency_failed cannot be \"" + begin_of(*o.on_dependency_failed) + "\"",
                       "fail: the job fails at once when a dependency can never be met; wait: it goes on waiting.");
    if (auto v = check_retries(o, written)) return v;
    if (o.idempotency_key)
        if (auto v = check_line("idempotency_key", *o.idempotency_key)) return v;
    if (o.project)
        if (auto v = check_line("project", *o.project)) return v;
    if (o.tags)
        if (auto v = check_tags(*o.tags)) return v;
    return std::nullopt;
}

} // namespace rcq::core
