// `rcq show`: all that is known of jobs.
#include "client/commands.hpp"
#include "client/job_name.hpp"
#include "client/job_text.hpp"
#include "client/store.hpp"
#include "client/times.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace rcq::client {

namespace {

struct ShowOptions {
    std::vector<std::string> jobs;
    bool script = false;
};

Failure unknown_job(const JobName& job) {
    return {ExitCode::unknown_job, "there is no job " + job.text + " of yours",
            "rcq queue and rcq history list your jobs"};
}

Json job_of(Database& database, const JobName& name, std::int64_t id) {
    const auto rows = database.rows(store::job(id));
    if (rows.empty()) throw unknown_job(name);
    return parse_json(rows.front());
}

Json rows_of(Database& database, const database::Statement& statement) {
    Json list = Json::array();
    for (const std::string& row : database.rows(statement)) list.push_back(parse_json(row));
    return list;
}

// Lines "name  value" of what there is to say.
class Facts {
public:
    void add(const std::string& name, const std::string& value, Colour colour = Colour::none) {
        if (!value.empty()) table_.add({{name, Colour::dim}, {value, colour}});
    }
    [[nodiscard]] const Table& table() const { return table_; }

private:
    Table table_{{{""}, {""}}};
};

std::string run_text(const Json& run) {
    std::string text = fmt::format("{} on {}", text_of(run, "status"), text_of(run, "executor"));
    if (const auto took = seconds_between(text_of(run, "started_at"), text_of(run, "ended_at")))
        text += " for " + short_duration(*took);
    if (!is_null(run, "exit_code")) text += ", exit code " + text_of(run, "exit_code");
    if (!is_null(run, "signal")) text += ", signal " + text_of(run, "signal");
    // an executor calls every run cancelled that it was told to end, also one that is to run again
    const std::string message = text_of(run, "message");
    if (!message.empty() && message != "cancelled") text += ": " + message;
    return text;
}

// "ok of job 41, which is running"; one on its user's other jobs names none.
std::string dependency_text(const Json& dependency) {
    const std::string job = text_of(dependency, "on_job");
    if (job.empty()) return text_of(dependency, "kind");
    const std::string status = text_of(dependency, "on_status");
    return text_of(dependency, "kind") + ":" + job + (status.empty() ? "" : ", which is " + status);
}

void show_request(Facts& facts, const Json& job) {
    facts.add("asks for", request_text(job));
    facts.add("time limit", interval_text(text_of(job, "time_limit")));
    facts.add("estimate", interval_text(text_of(job, "estimate")));
    facts.add("priority", text_of(job, "priority"));
    facts.add("after", text_of(job, "depends_on"));
    facts.add("begin", long_time(text_of(job, "begin_time")));
    facts.add("deadline", long_time(text_of(job, "deadline")));
    facts.add("workdir", text_of(job, "workdir"));
    facts.add("project", text_of(job, "project"));
    facts.add("tags", list_text(job, "tags"));
    facts.add("type", text_of(job, "type"));
    facts.add("array", text_of(job, "array_spec"));
}

// "40 % epoch 4"
std::string progress_text(const Json& job) {
    const std::string text = with_unit(text_of(job, "progress"), " %");
    const std::string message = text_of(job, "progress_message");
    return message.empty() ? text : text.empty() ? message : text + " " + message;
}

void show_job(Output& output, const Json& job, const Json& details) {
    Facts facts;
    facts.add("job", job_label(job) + (is_null(job, "array_id") ? "" : " (" + text_of(job, "id") + ")"), Colour::bold);
    facts.add("name", text_of(job, "name"));
    facts.add("status", status_text(job), status_colour(text_of(job, "status")));
    facts.add("progress", progress_text(job));
    facts.add("message", text_of(job, "message"));
    facts.add("exit code", text_of(job, "exit_code"));
    facts.add("signal", text_of(job, "signal"));
    facts.add("owner", text_of(job, "user_name") + " of " + text_of(job, "group_name"));
    show_request(facts, job);
    facts.add("submitted", long_time(text_of(job, "submitted_at")));
    facts.add("started", long_time(text_of(job, "started_at")));
    facts.add("ended", long_time(text_of(job, "ended_at")));
    facts.add("executor", text_of(job, "executor"));
    facts.add("CPU time", number_of(job, "cpu_seconds") ? short_cpu_time(*number_of(job, "cpu_seconds")) : "");
    facts.add("peak memory", number_of(job, "peak_memory_gb") ? memory_text(*number_of(job, "peak_memory_gb")) : "");
    if (!is_null(job, "output")) facts.add("output", output_text(job.at("output")));
    if (!is_null(job, "result")) facts.add("result", job.at("result").dump());
    for (const Json& array : details.at("array")) facts.add("tasks", task_counts_text(array));
    for (const Json& dependency : details.at("dependencies")) facts.add("waits for", dependency_text(dependency));
    for (const Json& run : details.at("runs")) facts.add("run " + text_of(run, "attempt"), run_text(run));
    output.write(facts.table().text(0, output.colours())); // nothing is cut
}

// As it was submitted; on a terminal its lines made safe.
void show_script(Output& output, std::string_view script) {
    if (!output.terminal()) return output.write(script);
    while (!script.empty()) {
        const std::string_view line = script.substr(0, script.find('\n'));
        output.line(line);
        script.remove_prefix(std::min(script.size(), line.size() + 1));
    }
}

ExitCode run_show(Session& session, const ShowOptions& options) {
    std::vector<std::string> documents;
    bool first = true;
    for (const JobName& name : parse_job_names(options.jobs)) {
        const std::int64_t id = job_id(session.database, name);
        Json job = job_of(session.database, name, id);
        if (options.script && !session.output.json()) {
            show_script(session.output, text_of(job, "script"));
            continue;
        }
        Json details = {
            {"runs", rows_of(session.database, store::runs(id))},
            {"array", is_null(job, "array_spec") ? Json::array() : rows_of(session.database, store::array(id))},
            {"dependencies", rows_of(session.database, store::dependencies(id))}};
        if (session.output.json()) {
            job.update(details);
            documents.push_back(job.dump(-1, ' ', false, Json::error_handler_t::replace));
            continue;
        }
        if (!first) session.output.line("");
        first = false;
        show_job(session.output, job, details);
    }
    if (session.output.json()) session.output.json_rows(documents);
    return ExitCode::good;
}

} // namespace

void add_show_command(Commands& commands) {
    CLI::App* command = commands.add("show", "Shows all that is known of jobs",
                                     {"show 42", "show 41_7 --json", "show 42 --script >again.sh"});
    auto options = std::make_shared<ShowOptions>();
    command->add_option("jobs", options->jobs, "Jobs (42), tasks (41_7)")->type_name("JOB")->required();
    command->add_flag("--script", options->script, "The script alone");
    commands.on_run(command, [options](Session& session) { return run_show(session, *options); });
}

} // namespace rcq::client
