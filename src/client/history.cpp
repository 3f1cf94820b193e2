// `rcq history`: jobs that have ended, newest first.
#include "client/commands.hpp"
#include "client/help.hpp"
#include "client/job_name.hpp"
#include "client/job_text.hpp"
#include "client/store.hpp"
#include "client/times.hpp"

#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace rcq::client {

namespace {

struct HistoryOptions {
    store::ListFilter filter;
    std::string name;
    int limit = 25;
};

ExitCode run_history(Session& session, const HistoryOptions& options) {
    const auto rows = session.database.rows(store::ended_jobs(options.filter, options.name, options.limit));
    if (session.output.json()) {
        session.output.json_rows(rows);
        return ExitCode::good;
    }
    Table table({{"JOB", Align::right},
                 {"STATUS", Align::left, 9, true},
                 {"EXIT", Align::right},
                 {"USER", Align::left, 4},
                 {"NAME", Align::left, 4},
                 {"EXECUTOR", Align::left, 5},
                 {"TOOK", Align::right},
                 {"PEAK GB", Align::right},
                 {"ENDED"}});
    const double now = now_s();
    for (const std::string& text : rows) {
        const Json row = parse_json(text);
        const auto took = is_null(row, "ended_at")
                              ? std::nullopt
                              : seconds_between(text_of(row, "started_at"), text_of(row, "ended_at"));
        const std::string code = is_null(row, "signal") ? text_of(row, "exit_code") : "SIG" + text_of(row, "signal");
        table.add({{job_label(row)},
                   {status_text(row), status_colour(text_of(row, "status"))},
                   {code},
                   {text_of(row, "user_name")},
                   {text_of(row, "name")},
                   {text_of(row, "executor")},
                   {took ? short_duration(*took) : ""},
                   {text_of(row, "peak_memory_gb")},
                   {short_time(text_of(row, "ended_at"), now)}});
    }
    session.output.table(table);
    return ExitCode::good;
}

} // namespace

void add_history_command(Commands& commands) {
    CLI::App* command =
        commands.add("history", "Shows jobs that have ended, newest first",
                     {"history", "history --status failed --limit 100", "history --mine --name sweep-7 --json"});
    auto options = std::make_shared<HistoryOptions>();
    const std::vector<std::string> ends = {"completed", "failed", "cancelled"};
    command->add_option("--status", options->filter.status, "Those that are so; several are joined by commas")
        ->type_name(choice(ends))
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(one_of(ends));
    command->add_option("--user", options->filter.user, "Those of this user")->type_name("NAME");
    command->add_option("--group", options->filter.group, "Those of this group")->type_name("NAME");
    command->add_option("--name", options->name, "Those of this name")->type_name("NAME");
    command->add_flag("--mine", options->filter.mine, "Your own alone");
    command->add_option("--limit", options->limit, "At most so many jobs")
        ->type_name("N")
        ->capture_default_str()
        ->check(whole_number(1, 100000));
    commands.on_run(command, [options](Session& session) { return run_history(session, *options); });
}

} // namespace rcq::client
