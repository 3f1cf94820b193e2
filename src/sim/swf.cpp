#include "swf.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

namespace rcq::sim {
namespace {

using core::Micros;

constexpr double most_submit_s = 1e10;
constexpr double most_run_s = 10 * 365.25 * 86'400;
constexpr double most_processors = std::numeric_limits<std::int32_t>::max();
constexpr double most_number = 9e15; // whole numbers up to here are exact

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

// Cuts the next field off.
std::string_view take_field(std::string_view& line) {
    line = trim(line);
    const auto end = std::find_if(line.begin(), line.end(), is_space);
    const std::string_view field = line.substr(0, static_cast<std::size_t>(end - line.begin()));
    line.remove_prefix(field.size());
    return field;
}

enum class Number { fine, none, too_big };

Number to_number(std::string_view text, double& value) {
    if (!text.empty() && text.front() == '+') text.remove_prefix(1);
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (rest != end || error == std::errc::invalid_argument) return Number::none;
    if (error == std::errc::result_out_of_range) return Number::too_big;
    return std::isfinite(value) ? Number::fine : Number::none; // "nan" and "inf" are words
}

// What is below zero is as unknown as -1. At most most_submit_s.
Micros to_micros(double seconds) { return std::llround(std::max(seconds, -1.0) * static_cast<double>(core::second)); }

// The value of "; Name: value ...", which must begin with a whole number above 0.
template <typename Whole>
void read_header_field(std::string_view line, std::string_view name, std::optional<Whole>& to) {
    if (line.substr(0, name.size()) != name) return;
    line = trim(line.substr(name.size()));
    if (line.empty() || line.front() != ':') return;
    line = trim(line.substr(1));
    Whole value = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error == std::errc() && value > 0) to = value;
}

} // namespace

std::string_view name(Skip skip) {
    switch (skip) {
    case Skip::too_few_fields:
        return "too_few_fields";
    case Skip::not_a_number:
        return "not_a_number";
    case Skip::out_of_range:
        return "out_of_range";
    case Skip::duplicate_number:
        return "duplicate_number";
    case Skip::no_run_time:
        return "no_run_time";
    case Skip::no_processors:
        return "no_processors";
    case Skip::too_large:
        return "too_large";
    }
    return "";
}

std::size_t SkipCounts::total() const { return std::accumulate(counts.begin(), counts.end(), std::size_t{0}); }

void SwfParser::add_line(std::string_view line) {
    line = trim(line);
    if (line.empty()) return;
    if (line.front() == ';')
        add_header(line.substr(1));
    else
        add_job(line);
}

void SwfParser::add_header(std::string_view line) {
    line = trim(line);
    read_header_field(line, "MaxProcs", max_processors);
    read_header_field(line, "UnixStartTime", unix_start_time);
}

void SwfParser::add_job(std::string_view line) {
    enum Field { number, submit, wait, run, processors, cpu, memory, requested_processors, requested_time, user = 11 };
    std::array<double, 18> fields;
    fields.fill(-1);
    std::size_t count = 0;
    bool too_big = false;
    for (; count < fields.size(); ++count) {
        const std::string_view text = take_field(line);
        if (text.empty()) break;
        const Number kind = to_number(text, fields[count]);
        if (kind == Number::none) {
            ++skipped[Skip::not_a_number];
            return;
        }
        too_big = too_big || kind == Number::too_big;
    }
    const auto skip = [this](Skip reason) { ++skipped[reason]; };
    if (count <= processors) return skip(Skip::too_few_fields);

    const double used = fields[processors] > 0 ? fields[processors] : fields[requested_processors];
    if (too_big || fields[submit] < 0 || fields[submit] > most_submit_s || fields[run] > most_run_s ||
        used > most_processors || std::abs(fields[number]) > most_number || std::abs(fields[user]) > most_number)
        return skip(Skip::out_of_range);

    SwfJob job;
    job.number = static_cast<std::int64_t>(fields[number]);
    job.submit = to_micros(fields[submit]);
    job.run = to_micros(fields[run]);
    if (const Micros requested = to_micros(std::min(fields[requested_time], most_run_s)); requested > 0)
        job.requested = requested;
    job.processors = used > 0 ? static_cast<std::int32_t>(std::ceil(used)) : 0;
    job.user = fields[user] < 0 ? -1 : static_cast<std::int64_t>(fields[user]);

    if (job.number >= 0 && !numbers_.insert(job.number).second) return skip(Skip::duplicate_number);
    if (job.run <= 0) return skip(Skip::no_run_time);
    if (job.processors <= 0) return skip(Skip::no_processors);
    jobs.push_back(job);
}

} // namespace rcq::sim
