// `rcq explain`: why a job is where it is.
#include "client/commands.hpp"
#include "client/job_name.hpp"
#include "client/store.hpp"
#include "client/times.hpp"

#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

namespace rcq::client {

namespace {

Colour colour_of(const std::string& kind) {
    if (kind == "state") return Colour::bold;
    if (kind == "blocker") return Colour::busy;
    return kind == "change" ? Colour::good : Colour::none;
}

// For people in their own time zone, as all times of the command; where the server does not know it, in that of the
// session.
std::vector<std::string> findings(Database& database, std::int64_t id, bool json) {
    const std::string zone = json ? std::string() : time_zone();
    if (zone.empty()) return database.rows(store::findings(id));
    try {
        return database.rows(store::findings(id, zone));
    } catch (const Refusal& refusal) {
        constexpr std::string_view invalid_value = "22023";
        if (refusal.sqlstate != invalid_value) throw;
        return database.rows(store::findings(id));
    }
}

ExitCode run_explain(Session& session, const std::vector<std::string>& texts) {
    std::vector<std::string> documents;
    for (const JobName& job : parse_job_names(texts)) {
        const auto rows = findings(session.database, job_id(session.database, job), session.output.json());
        if (session.output.json()) {
            documents.push_back("{\"job\":" + Json(job.text).dump() + ",\"findings\":" + json_array(rows) + "}");
            continue;
        }
        if (texts.size() > 1) session.output.line("job " + job.text);
        Table table({{"KIND"}, {"REASON"}, {"FINDING"}});
        for (const std::string& text : rows) {
            const Json row = parse_json(text);
            const std::string kind = text_of(row, "kind");
            table.add({{kind, colour_of(kind)}, {text_of(row, "reason")}, {text_of(row, "message")}});
        }
        session.output.write(table.text(0, session.output.colours())); // sentences are not cut
    }
    if (session.output.json()) session.output.json_rows(documents);
    return ExitCode::good;
}

} // namespace

void add_explain_command(Commands& commands) {
    CLI::App* command =
        commands.add("explain", "Says why a job waits, or how it ended, with numbers", {"explain 42", "explain 41_7"});
    auto jobs = std::make_shared<std::vector<std::string>>();
    command->add_option("jobs", *jobs, "Jobs (42), tasks (41_7)")->type_name("JOB")->required();
    commands.on_run(command, [jobs](Session& session) { return run_explain(session, *jobs); });
}

} // namespace rcq::client
