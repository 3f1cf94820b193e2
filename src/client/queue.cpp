// `rcq queue`: what runs and what waits.
#include "client/commands.hpp"
#include "client/help.hpp"
#include "client/job_name.hpp"
#include "client/job_text.hpp"
#include "client/store.hpp"
#include "client/times.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

namespace rcq::client {

namespace {

struct QueueOptions {
    store::ListFilter filter;
    int limit = 100;
};

// An array that still has tasks without a row stands for those.
std::string name_in_queue(const Json& job) {
    const std::string label = job_label(job);
    return is_null(job, "tasks_waiting") ? label : label + "_[+" + text_of(job, "tasks_waiting") + "]";
}

// When it ends at the latest, or is expected to start.
std::string when_text(const Json& job, double now) {
    if (text_of(job, "status") == "pending") {
        const std::string start = text_of(job, "expected_start");
        if (start.empty()) return {};
        return (job.value("approximate", false) ? "about " : "") + short_time(start, now);
    }
    return text_of(job, "executor");
}

void show(Session& session, const std::vector<std::string>& rows, const Json& total) {
    Table table({{"JOB", Align::right},
                 {"STATUS", Align::left, 9, true},
                 {"USER", Align::left, 4},
                 {"GROUP", Align::left, 5},
                 {"NAME", Align::left, 4},
                 {"CPUS", Align::right},
                 {"GB", Align::right},
                 {"GPUS", Align::right},
                 {"TIME", Align::right},
                 {"ON / START", Align::left, 8}});
    const double now = now_s();
    double shown = 0;
    const auto add = [&](const Json& row) {
        shown += number_of(row, "tasks_waiting").value_or(1);
        const std::string status = text_of(row, "status");
        const bool waits = status == "pending";
        const auto time = seconds_between(text_of(row, waits ? "submitted_at" : "started_at"), "");
        table.add({{name_in_queue(row), Colour::bold},
                   {status_text(row), status_colour(status)},
                   {text_of(row, "user_name")},
                   {text_of(row, "group_name")},
                   {text_of(row, "name")},
                   {text_of(row, "cpu_cores")},
                   {text_of(row, "memory_gb")},
                   {text_of(row, "gpu_count")},
                   {time ? short_duration(*time) : "", waits ? Colour::dim : Colour::none},
                   {when_text(row, now)}});
    };
    for (const std::string& text : rows) {
        Json row = parse_json(text);
        const bool some_held = number_of(row, "tasks_held").value_or(0) > 0;
        if (!some_held || number_of(row, "tasks_waiting") != 0) add(row);
        if (!some_held) continue;
        row.update({{"tasks_waiting", row["tasks_held"]}, {"reason", "held"}, {"expected_start", nullptr}});
        add(row);
    }
    if (!table.empty()) session.output.table(table);
    double all = 0;
    std::string line;
    for (const char* status : {"running", "assigned", "pending"}) {
        if (!total.contains(status)) continue;
        all += number_of(total, status).value_or(0);
        line += fmt::format("{}{} {}", line.empty() ? "" : ", ", text_of(total, status), status);
    }
    if (shown < all) line += fmt::format("; {} shown", shown);
    session.output.line(line);
}

ExitCode run_queue(Session& session, const QueueOptions& options) {
    const int most = options.limit == 0 ? std::numeric_limits<int>::max() : options.limit;
    const auto rows = session.database.rows(store::queue_page(options.filter, most));
    const std::string total = session.database.rows(store::queue_counts(options.filter)).at(0);
    if (session.output.json()) {
        session.output.json_document("{\"counts\":" + total + ",\n\"jobs\":" + json_array(rows) + "}");
    } else {
        show(session, rows, parse_json(total));
    }
    return ExitCode::good;
}

} // namespace

void add_queue_command(Commands& commands) {
    CLI::App* command = commands.add(
        "queue", "Shows what runs and what waits, in the order in which it is considered",
        {"queue", "queue --mine", "queue --status pending --group bio --limit 0", "queue --json | jq '.jobs[].id'"});
    auto options = std::make_shared<QueueOptions>();
    const std::vector<std::string> states = {"running", "assigned", "pending"};
    command->add_option("--status", options->filter.status, "Those that are so; several are joined by commas")
        ->type_name(choice(states))
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(one_of(states));
    command->add_option("--user", options->filter.user, "Those of this user")->type_name("NAME");
    command->add_option("--group", options->filter.group, "Those of this group")->type_name("NAME");
    command->add_flag("--mine", options->filter.mine, "Your own alone");
    command->add_option("--limit", options->limit, "At most so many jobs; 0: all")
        ->type_name("N")
        ->capture_default_str()
        ->check(whole_number(0, 100000000));
    commands.on_run(command, [options](Session& session) { return run_queue(session, *options); });
}

} // namespace rcq::client
