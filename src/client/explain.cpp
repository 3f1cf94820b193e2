// `rcq explain`: why a job is where it is.
#include "client/advice.hpp"
#include "client/commands.hpp"
#include "client/job_name.hpp"
#include "client/store.hpp"
#include "client/text.hpp"
#include "client/times.hpp"

#include <algorithm>
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

struct Finding {
    std::string kind;
    std::string reason;
    std::string message; // safe
};

std::vector<Finding> findings_of(const std::vector<std::string>& rows, const JobName& job, std::int64_t id) {
    std::vector<Finding> findings;
    for (const std::string& text : rows) {
        const Json row = parse_json(text);
        const std::string kind = text_of(row, "kind");
        // that of a rank is the policy by which it is, and blocks nothing: quota
        const std::string reason = kind == "rank" ? "" : text_of(row, "reason");
        findings.push_back(
            {kind, reason, safe_text(as_commands(text_of(row, "message"), std::to_string(id), job.text))});
    }
    return findings;
}

// With `width` (0: any) sentences go on in the next line, below where they began.
Table findings_table(const std::vector<Finding>& findings, int width) {
    constexpr int gaps = 4;
    constexpr int narrow = 20; // a column that is narrower has one word in a line
    Table table({{"KIND"}, {"REASON"}, {"FINDING"}});
    int kinds = 4;
    int reasons = 6;
    for (const Finding& finding : findings) {
        kinds = std::max(kinds, display_width(finding.kind));
        reasons = std::max(reasons, display_width(finding.reason));
    }
    const int room = width - kinds - reasons - gaps;
    for (const Finding& finding : findings) {
        const bool breaks = width > 0 && room >= narrow;
        const auto lines = breaks ? in_lines(finding.message, room) : std::vector<std::string>{finding.message};
        table.add({{finding.kind, colour_of(finding.kind)}, {finding.reason}, {lines.front()}});
        for (std::size_t i = 1; i < lines.size(); ++i) table.add({{""}, {""}, {lines[i]}});
    }
    return table;
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
        const std::int64_t id = job_id(session.database, job);
        const auto rows = findings(session.database, id, session.output.json());
        if (session.output.json()) {
            documents.push_back("{\"job\":" + Json(job.text).dump() + ",\"findings\":" + json_array(rows) + "}");
            continue;
        }
        if (texts.size() > 1) session.output.line("job " + job.text);
        // sentences are not cut; on a terminal they are broken
        const int width = session.output.terminal() ? session.output.width() : 0;
        session.output.write(findings_table(findings_of(rows, job, id), width).text(0, session.output.colours()));
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
