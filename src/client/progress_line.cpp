#include "client/progress_line.hpp"

#include "client/table.hpp"
#include "client/text.hpp"
#include "client/times.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace rcq::client {

namespace {

constexpr int bar_width = 20;
constexpr int narrow = 60; // columns: no bar below

struct Parts {
    std::string what;
    std::optional<int> percent;
    std::string rest;
    Colour colour = Colour::none;
};

std::string bar(int percent, int width) {
    const int full = std::clamp(percent, 0, 100) * width / 100;
    return "[" + std::string(static_cast<std::size_t>(full), '#') +
           std::string(static_cast<std::size_t>(width - full), '-') + "]";
}

std::string with_comma(std::string text, const std::string& more) {
    if (more.empty()) return text;
    return text.empty() ? more : text + ", " + more;
}

Parts of_one(const JobState& job, const Waiting& waiting) {
    Parts parts;
    parts.what = fmt::format("job {} {}", job.label, job.status);
    if (job.ended()) {
        parts.what = fmt::format("job {} {}", job.label, end_text(job));
        parts.colour = job.status == "completed" ? Colour::good : Colour::bad;
        return parts;
    }
    if (!job.executor.empty()) parts.what += " on " + job.executor;
    if (!job.reason.empty()) parts.what += " (" + job.reason + ")";
    parts.colour = job.running() ? Colour::busy : Colour::dim;
    if (job.attempt > 1) parts.rest = fmt::format("attempt {}", job.attempt);
    if (job.running()) {
        parts.percent = job.progress;
        parts.rest = with_comma(parts.rest, short_duration(job.ran_s.value_or(0)));
        parts.rest = with_comma(parts.rest, job.progress_message);
        return parts;
    }
    if (waiting.starts_in_s) {
        parts.rest = with_comma(parts.rest, "expected to start in " + short_duration(*waiting.starts_in_s));
    }
    parts.rest = with_comma(parts.rest, "waited " + short_duration(waiting.waited_s));
    return parts;
}

// Each job counts the same, with what it says of itself while it runs.
Parts of_many(const Waiting& waiting) {
    int ended = 0;
    int running = 0;
    int bad = 0;
    int percent = 0;
    for (const JobState& job : waiting.jobs) {
        ended += job.ended() ? 1 : 0;
        running += job.running() ? 1 : 0;
        bad += job.ended() && job.status != "completed" ? 1 : 0;
        percent += job.ended() ? 100 : job.progress.value_or(0);
    }
    const int count = static_cast<int>(waiting.jobs.size());
    Parts parts;
    parts.what = fmt::format("{} of {} jobs ended", ended, count);
    parts.percent = percent / count;
    parts.colour = bad > 0 ? Colour::bad : Colour::busy;
    if (bad > 0) parts.rest = fmt::format("{} not well", bad);
    parts.rest = with_comma(parts.rest, fmt::format("{} running", running));
    parts.rest = with_comma(parts.rest, fmt::format("{} waiting", count - ended - running));
    parts.rest = with_comma(parts.rest, short_duration(waiting.waited_s));
    return parts;
}

} // namespace

std::string progress_line(const Waiting& waiting, int width, bool colours) {
    const Parts parts = waiting.jobs.size() == 1 ? of_one(waiting.jobs.front(), waiting) : of_many(waiting);
    std::string what = safe_text(parts.what);
    std::string rest;
    if (parts.percent) {
        if (width == 0 || width >= narrow) rest += " " + bar(*parts.percent, bar_width);
        rest += fmt::format(" {:3} %", *parts.percent);
    }
    if (!parts.rest.empty()) rest += " " + safe_text(parts.rest);
    if (width > 0) {
        what = cut_to_width(what, width);
        const int left = width - display_width(what);
        rest = left > 0 ? cut_to_width(rest, left) : "";
    }
    return coloured(what, parts.colour, colours) + rest;
}

} // namespace rcq::client
