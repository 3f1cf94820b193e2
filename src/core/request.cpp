#include "request.hpp"
#include "constraint.hpp"
#include "quoted.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <locale>
#include <sstream>

namespace rcq::core {
namespace {

constexpr std::int64_t max_cpu_cores = 100'000;
constexpr std::int64_t max_gpu_count = 10'000;
constexpr double max_memory_mib = std::numeric_limits<std::int32_t>::max();
constexpr double max_hours = 87'600; // 10 years of 365 days
constexpr double max_seconds = max_hours * 3600;
constexpr std::int64_t max_retries_allowed = 1000;
constexpr std::size_t max_line_bytes = 200;
constexpr std::size_t max_workdir_bytes = 4096;
constexpr std::size_t max_env_bytes = 128 << 10;
constexpr std::size_t max_features = 32;
constexpr std::size_t max_consumables = 16;
constexpr double max_amount = 1e9;

using Found = std::optional<Violation>;

Violation invalid(std::string field, std::string message, std::string hint) {
    return {Violation::Kind::invalid, std::move(field), std::move(message), std::move(hint)};
}

// As a person would write it: 1.5, not 1.500000. Values reach people, so no locale.
std::string text(double value) {
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out.precision(10);
    out << value;
    return out.str();
}
std::string text(std::int64_t value) { return std::to_string(value); }

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
bool is_blank(std::string_view s) { return s.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }
bool has_nul(std::string_view s) { return s.find('\0') != std::string_view::npos; }

Found check_whole(const char* field, std::int64_t value, std::int64_t low, std::int64_t high, const char* hint) {
    if (value >= low && value <= high) return std::nullopt;
    return invalid(field, std::string(field) + " is " + text(value) + ", allowed is " + text(low) + " to " + text(high),
                   hint);
}

// Above 0, finite and at most `high`; `unit` follows the numbers.
Found check_positive(const char* field, double value, double high, const char* unit, const char* hint) {
    if (std::isfinite(value) && value > 0 && value <= high) return std::nullopt;
    return invalid(
        field, std::string(field) + " is " + text(value) + unit + ", allowed is above 0, at most " + text(high) + unit,
        hint);
}

Found check_script(std::string_view script, std::int64_t max_bytes) {
    if (is_blank(script))
        return invalid("script", "script is empty", "Give the commands to run, for example 'echo hello'.");
    if (has_nul(script))
        return invalid("script", "script contains a NUL byte", "Submit text; keep binary data in files.");
    if (static_cast<std::int64_t>(script.size()) > max_bytes)
        return invalid("script",
                       "script has " + text(static_cast<std::int64_t>(script.size())) + " bytes, allowed is at most " +
                           text(max_bytes),
                       "Put the program into a file on a shared file system and call it from a short script.");
    return std::nullopt;
}

Found check_times(const JobRequest& r, const RequestLimits& limits) {
    if (r.estimated_hours)
        if (auto v = check_positive("estimated_hours", *r.estimated_hours, max_hours, " h",
                                    "Give the expected running time in hours, or leave it out."))
            return v;
    if (r.time_limit_s) {
        if (auto v = check_positive("time_limit", *r.time_limit_s, max_seconds, " s",
                                    "Give the longest running time, or leave it out."))
            return v;
        if (limits.max_time_limit_s && *r.time_limit_s > *limits.max_time_limit_s)
            return invalid("time_limit",
                           "time_limit is " + text(*r.time_limit_s) + " s, allowed is at most " +
                               text(*limits.max_time_limit_s) + " s",
                           "Ask for less time and save intermediate results, or ask an administrator.");
        if (r.estimated_hours && *r.estimated_hours * 3600 > *r.time_limit_s)
            return invalid("estimated_hours",
                           "estimated_hours is " + text(*r.estimated_hours) + " h, more than the time limit of " +
                               text(*r.time_limit_s) + " s",
                           "The job would be killed before its estimated end: raise time_limit or lower "
                           "estimated_hours.");
    }
    return std::nullopt;
}

Found check_priority(std::int64_t priority, std::int64_t own_limit) {
    if (auto v = check_whole("priority", priority, 1, 10, "10 starts soonest; the default is 5.")) return v;
    if (priority <= own_limit) return std::nullopt;
    return Violation{Violation::Kind::not_permitted, "priority",
                     "priority is " + text(priority) + ", your own limit is " + text(own_limit),
                     "Use at most " + text(own_limit) + ", or ask an administrator to raise your limit."};
}

// A short text for people, on one line.
Found check_line(const char* field, std::string_view value, const char* hint_if_empty) {
    if (value.empty()) return invalid(field, std::string(field) + " is empty", hint_if_empty);
    if (value.size() > max_line_bytes)
        return invalid(field,
                       std::string(field) + " has " + std::to_string(value.size()) + " bytes, allowed is 1 to 200",
                       "Use a shorter one.");
    if (std::any_of(value.begin(), value.end(), is_control))
        return invalid(field, std::string(field) + " " + quoted(value) + " contains a control character",
                       "Use printable characters on one line.");
    return std::nullopt;
}

bool climbs(std::string_view path) {
    for (std::size_t begin = 0; begin <= path.size();) {
        const auto end = std::min(path.find('/', begin), path.size());
        if (path.substr(begin, end - begin) == "..") return true;
        begin = end + 1;
    }
    return false;
}

Found check_workdir(std::string_view dir) {
    if (dir.empty() || dir.front() != '/')
        return invalid("workdir", "workdir " + quoted(dir) + " is not an absolute path",
                       "Give the full path, beginning with /.");
    if (dir.size() > max_workdir_bytes)
        return invalid("workdir", "workdir has " + std::to_string(dir.size()) + " bytes, allowed is at most 4096",
                       "Use a shorter path.");
    if (has_nul(dir)) return invalid("workdir", "workdir contains a NUL byte", "Give a plain path.");
    if (climbs(dir))
        return invalid("workdir", "workdir " + quoted(dir) + " contains a component \"..\"",
                       "Write the path without \"..\".");
    return std::nullopt;
}

bool is_env_name(std::string_view s) {
    return !s.empty() && (is_letter(s[0]) || s[0] == '_') &&
           std::all_of(s.begin(), s.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

Found check_env(const std::vector<std::pair<std::string, std::string>>& env) {
    std::size_t bytes = 0;
    for (const auto& [key, value] : env) {
        if (!is_env_name(key))
            return invalid("env", "env has a variable named " + quoted(key) + ", allowed is [A-Za-z_][A-Za-z0-9_]*",
                           "Use letters, digits and _, not beginning with a digit.");
        if (key.starts_with("RCQ_"))
            return invalid("env", "env has a variable named " + quoted(key) + ", RCQ_ is reserved",
                           "Names that begin with RCQ_ are set by the executor; choose another name.");
        if (has_nul(value))
            return invalid("env", "the value of env variable " + quoted(key) + " contains a NUL byte",
                           "Environment variables are text.");
        bytes += key.size() + value.size() + 2; // as the kernel counts it: NAME=value and a NUL
    }
    if (bytes > max_env_bytes)
        return invalid("env", "env has " + std::to_string(bytes) + " bytes, allowed is at most 131072",
                       "Put large values into a file.");
    return std::nullopt;
}

Found check_features(const std::vector<std::string>& features) {
    if (features.size() > max_features)
        return invalid("features",
                       "features has " + std::to_string(features.size()) + " entries, allowed is at most 32",
                       "Ask for fewer features.");
    for (const auto& f : features)
        if (!is_feature_name(f))
            return invalid("features", "feature " + quoted(f) + " is malformed, allowed is [a-z0-9][a-z0-9_.:-]{0,62}",
                           "Use lower-case letters, digits and _ . : -, at most 63 characters.");
    return std::nullopt;
}

Found check_cpu_cores_min(std::int64_t cores_min, std::int64_t cores) {
    return check_whole("cpu_cores_min", cores_min, 1, cores,
                       "It is the least that will do when cpu_cores cannot be had; leave it out if nothing less will.");
}

Found check_gpu_type(std::string_view models, std::int64_t gpu_count) {
    if (gpu_count == 0)
        return invalid("gpu_type", "gpu_type is " + quoted(models) + ", but gpu_count is 0",
                       "Ask for GPUs with gpu_count, or leave gpu_type out.");
    const auto parsed = Constraint::parse(models);
    const auto* any_of = std::get_if<Constraint>(&parsed);
    if (any_of && models.find_first_of("&!()") == std::string_view::npos) return std::nullopt;
    return invalid("gpu_type", "gpu_type " + quoted(models) + " is not a list of models joined by |",
                   "Write the models that will do as their executors do, for example a100|h100.");
}

Found check_constraints(std::string_view expression) {
    const auto parsed = Constraint::parse(expression);
    const auto* error = std::get_if<ConstraintError>(&parsed);
    if (!error) return std::nullopt;
    return invalid("constraints", "constraints " + quoted(expression) + ": " + error->message, error->hint);
}

Found check_consumables(const std::vector<std::pair<std::string, double>>& consumables) {
    if (consumables.size() > max_consumables)
        return invalid("consumables",
                       "consumables has " + std::to_string(consumables.size()) + " entries, allowed is at most 16",
                       "Ask for fewer.");
    for (const auto& [name, amount] : consumables) {
        if (!is_feature_name(name))
            return invalid("consumables",
                           "consumable " + quoted(name) + " is malformed, allowed is [a-z0-9][a-z0-9_.:-]{0,62}",
                           "Use lower-case letters, digits and _ . : -, at most 63 characters.");
        if (!(amount >= 1 && amount <= max_amount && amount == std::floor(amount)))
            return invalid("consumables",
                           "consumable " + quoted(name) + " has the amount " + text(amount) +
                               ", allowed is a whole number from 1 to 1000000000",
                           "Give the number of units that the job takes; leave out what it does not take.");
    }
    return std::nullopt;
}

} // namespace

std::optional<Violation> check(const JobRequest& r, const RequestLimits& limits) {
    if (auto v = check_script(r.script, limits.max_script_bytes)) return v;
    if (auto v = check_whole("cpu_cores", r.cpu_cores, 1, max_cpu_cores, "The default is 1.")) return v;
    if (auto v = check_positive("memory_gb", r.memory_gb, max_memory_mib / 1024, " GB", "The default is 1 GB."))
        return v;
    if (auto v = check_whole("gpu_count", r.gpu_count, 0, max_gpu_count, "The default is 0.")) return v;
    if (auto v = check_times(r, limits)) return v;
    if (auto v = check_priority(r.priority, limits.max_priority)) return v;
    if (auto v = check_whole("max_retries", r.max_retries, 0, max_retries_allowed, "The default is 0.")) return v;
    if (r.name)
        if (auto v = check_line("name", *r.name, "Leave it out for a job without a name.")) return v;
    if (r.workdir)
        if (auto v = check_workdir(*r.workdir)) return v;
    if (auto v = check_env(r.env)) return v;
    if (auto v = check_features(r.features)) return v;
    if (r.on_disconnect != "continue" && r.on_disconnect != "kill")
        return invalid("on_disconnect", "on_disconnect is " + quoted(r.on_disconnect) + ", allowed is continue or kill",
                       "continue lets the job run on while its executor cannot reach the database; kill ends it.");
    if (r.cpu_cores_min)
        if (auto v = check_cpu_cores_min(*r.cpu_cores_min, r.cpu_cores)) return v;
    if (r.gpu_type)
        if (auto v = check_gpu_type(*r.gpu_type, r.gpu_count)) return v;
    if (r.constraints)
        if (auto v = check_constraints(*r.constraints)) return v;
    if (auto v = check_consumables(r.consumables)) return v;
    if (r.concurrency_key)
        if (auto v = check_line("concurrency_key", *r.concurrency_key, "Leave it out for a job without one.")) return v;
    return std::nullopt;
}

std::int64_t memory_mib(double gb) { return static_cast<std::int64_t>(std::ceil(gb * 1024)); }

} // namespace rcq::core
