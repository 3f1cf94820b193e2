// `rcq efficiency`: what jobs made of what they asked for.
#include "client/commands.hpp"
#include "client/job_name.hpp"
#include "client/job_text.hpp"
#include "client/store.hpp"
#include "client/times.hpp"

#include <memory>
#include <nlohmann/json.hpp>

namespace rcq::client {

namespace {

// "97 %", in the colour of what it says of the request.
Cell percent(const Json& row, const char* key) {
    const auto value = number_of(row, key);
    if (!value) return {"-"};
    return {text_of(row, key) + " %", *value < 50 ? Colour::busy : Colour::good};
}

std::string duration(const Json& row, const char* key) {
    const auto seconds = number_of(row, key);
    return seconds ? short_duration(*seconds) : "-";
}

ExitCode run_for_users(Session& session) {
    const auto rows = session.database.rows(store::user_efficiency());
    if (session.output.json()) {
        session.output.json_rows(rows);
        return ExitCode::good;
    }
    Table table({{"USER", Align::left, 8},
                 {"GROUP", Align::left, 8},
                 {"JOBS", Align::right},
                 {"CORE HOURS", Align::right},
                 {"GPU HOURS", Align::right},
                 {"CPU", Align::right},
                 {"MEMORY", Align::right}});
    for (const std::string& text : rows) {
        const Json row = parse_json(text);
        table.add({{text_of(row, "user_name")},
                   {text_of(row, "group_name")},
                   {text_of(row, "jobs")},
                   {text_of(row, "core_hours")},
                   {text_of(row, "gpu_hours")},
                   percent(row, "cpu_efficiency"),
                   percent(row, "memory_efficiency")});
    }
    session.output.table(table);
    return ExitCode::good;
}

ExitCode run_for_jobs(Session& session, const std::vector<JobName>& jobs) {
    std::vector<std::string> all;
    ExitCode code = ExitCode::good;
    Table table({{"JOB", Align::right},
                 {"RUN", Align::right},
                 {"STATUS", Align::left, 9},
                 {"WAITED", Align::right},
                 {"RAN", Align::right},
                 {"CPUS", Align::right},
                 {"CPU", Align::right},
                 {"GB", Align::right},
                 {"PEAK GB", Align::right},
                 {"MEMORY", Align::right}});
    for (const JobName& job : jobs) {
        const std::int64_t id = job_id(session.database, job);
        const auto rows = session.database.rows(store::efficiency(id));
        if (rows.empty()) {
            code = ExitCode::unknown_job;
            const bool array = PQntuples(session.database.query(store::array_indices(id)).get()) > 0;
            complain("job " + job.text +
                     (array ? " is an array: rcq efficiency " + job.text + "_INDEX tells of a task"
                            : " has not been started, or there is no such job of yours"));
        }
        for (const std::string& text : rows) {
            all.push_back(text);
            const Json row = parse_json(text);
            table.add({{job_label(row)},
                       {text_of(row, "attempt")},
                       {status_text(row), status_colour(text_of(row, "status"))},
                       {duration(row, "queue_s")},
                       {duration(row, "execution_s")},
                       {text_of(row, "cpu_cores")},
                       percent(row, "cpu_efficiency"),
                       {text_of(row, "memory_gb")},
                       {text_of(row, "peak_memory_gb")},
                       percent(row, "memory_efficiency")});
        }
    }
    if (session.output.json()) {
        session.output.json_rows(all);
    } else if (!table.empty()) {
        session.output.table(table);
    }
    return code;
}

} // namespace

void add_efficiency_command(Commands& commands) {
    CLI::App* command = commands.add(
        "efficiency",
        "Shows what jobs made of the cores and the memory that they were granted; without a job, what users did",
        {"efficiency 42", "efficiency 41_7", "efficiency --json"});
    auto jobs = std::make_shared<std::vector<std::string>>();
    command->add_option("jobs", *jobs, "Jobs (42), tasks (41_7)")->type_name("JOB");
    commands.on_run(command, [jobs](Session& session) {
        return jobs->empty() ? run_for_users(session) : run_for_jobs(session, parse_job_names(*jobs));
    });
}

} // namespace rcq::client
