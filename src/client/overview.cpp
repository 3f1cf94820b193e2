#include "client/overview.hpp"

#include "client/job_name.hpp"
#include "client/table.hpp"
#include "client/text.hpp"
#include "client/times.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace rcq::client {

namespace {

constexpr int most_executors = 5;
constexpr int most_groups = 6;
constexpr int most_jobs = std::numeric_limits<int>::max();

double value(const Json& object, const char* key) { return number_of(object, key).value_or(0); }

std::string number(const Json& object, const char* key) { return text_of(object, key); }

std::string used(const Json& cluster, const char* have, const char* use, const char* unit) {
    return fmt::format("{} of {} {}", number(cluster, use), number(cluster, have), unit);
}

std::string headline(const Json& cluster) {
    std::string text = fmt::format("{} of {} hosts", number(cluster, "executors_online"), number(cluster, "executors"));
    text += ", " + used(cluster, "cpu_cores", "cpu_cores_used", "cores");
    text += ", " + used(cluster, "memory_gb", "memory_gb_used", "GB");
    if (value(cluster, "gpu_count") > 0) text += ", " + used(cluster, "gpu_count", "gpu_count_used", "GPUs");
    text += fmt::format("; {} running, {} pending", number(cluster, "running_jobs"), number(cluster, "pending_jobs"));
    return text;
}

// What is wrong with the scheduler; empty: nothing.
std::string trouble(const Json& cluster) {
    if (!is_null(cluster, "paused")) return "paused: " + text_of(cluster, "paused");
    const std::string state = text_of(cluster, "state");
    if (state == "running") return {};
    const std::string error = text_of(cluster, "last_error");
    return "the scheduler is " + state + (error.empty() ? "" : ": " + error);
}

template <class Add> void add_rows(const Json& rows, int most, Add add) {
    for (const Json& row : rows) {
        if (most-- <= 0) return;
        add(row);
    }
}

std::string executors_text(const Json& rows, int most, int columns, bool colours) {
    Table table({{"HOST", Align::left, 8}, {"STATUS"}, {"RUNS", Align::right}, {"WHY", Align::left, 10}});
    add_rows(rows, most, [&](const Json& row) {
        const std::string status = text_of(row, "status");
        const std::string silent = "silent for " + short_duration(value(row, "silent_s"));
        table.add({{text_of(row, "name")},
                   {status, status == "offline" ? Colour::bad : Colour::busy},
                   {number(row, "runs")},
                   {status == "offline" ? silent : text_of(row, "reason")}});
    });
    return table.text(columns, colours);
}

std::string groups_text(const Json& rows, int most, int columns, bool colours) {
    Table table({{"GROUP", Align::left, 8},
                 {"RUNNING", Align::right},
                 {"CORES", Align::right},
                 {"PENDING", Align::right},
                 {"HOURS", Align::right},
                 {"QUOTA %", Align::right},
                 {"FAIR SHARE", Align::right}});
    add_rows(rows, most, [&](const Json& row) {
        const std::string percent = text_of(row, "quota_used_percent");
        table.add(
            {{text_of(row, "group_name")},
             {number(row, "running_jobs")},
             {number(row, "running_cores")},
             {number(row, "pending_jobs")},
             {fmt::format("{:.1f}", value(row, "billed_hours"))},
             {percent.empty() ? "-" : percent, value(row, "quota_used_percent") > 100 ? Colour::bad : Colour::none},
             {fmt::format("{:.3f}", value(row, "fair_share"))}});
    });
    return table.text(columns, colours);
}

std::string cpu_text(const Json& job) {
    const double available_s = value(job, "ran_s") * value(job, "cpu_cores");
    if (is_null(job, "cpu_seconds") || available_s <= 0) return "-";
    return fmt::format("{:.0f}", 100 * value(job, "cpu_seconds") / available_s);
}

std::string remark(const Json& job) {
    const std::string reason = text_of(job, "reason");
    return reason.empty() ? text_of(job, "progress_message") : reason;
}

std::string running_text(const Json& rows, int most, int columns, bool colours) {
    Table table({{"RUNNING", Align::right},
                 {"USER", Align::left, 6},
                 {"NAME", Align::left, 6},
                 {"HOST", Align::left, 6},
                 {"CORES", Align::right},
                 {"GB", Align::right},
                 {"GPUS", Align::right},
                 {"TIME", Align::right},
                 {"CPU %", Align::right},
                 {"DONE %", Align::right},
                 {"REMARK", Align::left, 6}});
    add_rows(rows, most, [&](const Json& job) {
        const bool started = !is_null(job, "ran_s");
        table.add({{job_label(job)},
                   {text_of(job, "user_name")},
                   {text_of(job, "name")},
                   {text_of(job, "executor")},
                   {number(job, "cpu_cores")},
                   {number(job, "memory_gb")},
                   {number(job, "gpu_count")},
                   {started ? short_duration(value(job, "ran_s")) : "-"},
                   {cpu_text(job)},
                   {is_null(job, "progress") ? "-" : number(job, "progress")},
                   {started ? remark(job) : "starts"}});
    });
    return table.text(columns, colours);
}

std::string pending_text(const Json& rows, int most, int columns, bool colours, double now) {
    Table table({{"PENDING", Align::right},
                 {"USER", Align::left, 6},
                 {"NAME", Align::left, 6},
                 {"CORES", Align::right},
                 {"GB", Align::right},
                 {"GPUS", Align::right},
                 {"TASKS", Align::right},
                 {"WAITS", Align::right},
                 {"STARTS"},
                 {"REASON"}});
    add_rows(rows, most, [&](const Json& job) {
        const bool known = !is_null(job, "expected_start");
        table.add({{job_label(job)},
                   {text_of(job, "user_name")},
                   {text_of(job, "name")},
                   {number(job, "cpu_cores")},
                   {number(job, "memory_gb")},
                   {number(job, "gpu_count")},
                   {number(job, "tasks_waiting")},
                   {short_duration(value(job, "waiting_s"))},
                   {known ? short_time(text_of(job, "expected_start"), now) : "-"},
                   {text_of(job, "reason")}});
    });
    return table.text(columns, colours);
}

int line_count(const std::string& text) { return static_cast<int>(std::count(text.begin(), text.end(), '\n')); }

int size_of(const Json& rows) { return static_cast<int>(rows.size()); }

} // namespace

std::string overview_text(const Json& overview, int columns, int rows, bool colours) {
    const Json& cluster = overview.at("cluster");
    const auto line = [&](const std::string& text, Colour colour) {
        const std::string safe = safe_text(text);
        return coloured(columns > 0 ? cut_to_width(safe, columns) : safe, colour, colours) + "\n";
    };
    std::string text = line(headline(cluster), Colour::bold);
    if (const std::string wrong = trouble(cluster); !wrong.empty()) text += line(wrong, Colour::bad);
    if (const Json& executors = overview.at("executors"); !executors.empty()) {
        text += "\n" + executors_text(executors, most_executors, columns, colours);
    }
    text += "\n" + groups_text(overview.at("groups"), most_groups, columns, colours);
    const Json& running = overview.at("running");
    const Json& pending = overview.at("pending");
    // both parts have a title and an empty line before them; either takes what the other leaves
    int room = rows > 0 ? std::max(2, rows - line_count(text) - 4) : most_jobs;
    const int running_room = std::max(room / 2, room - size_of(pending));
    const int shown = std::min(size_of(running), running_room);
    text += "\n" + running_text(running, shown, columns, colours);
    text += "\n" + pending_text(pending, room - shown, columns, colours, now_s());
    return text;
}

} // namespace rcq::client
