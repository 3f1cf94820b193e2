#include "client/change.hpp"

#include "client/store.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string_view>

namespace rcq::client {

namespace {

using store::ValueType;

struct FilterOption {
    const char* name;
    const char* argument; // of rcq.change_jobs
    ValueType type;
    const char* value;
    const char* help;
};

constexpr std::array one_value = {
    FilterOption{"--reason", "reason", ValueType::text, "WORD",
                 "Those that wait, or end, for this reason (rcq queue shows it)"},
    FilterOption{"--user", "user_name", ValueType::text, "NAME", "Those of this user"},
    FilterOption{"--group", "group_name", ValueType::text, "NAME", "Those of this group"},
    FilterOption{"--name", "name", ValueType::text, "PATTERN", "Those of this name; * and ? stand for anything"},
    FilterOption{"--project", "project", ValueType::text, "NAME", "Those of this project"},
    FilterOption{"--submitted-before", "submitted_before", ValueType::timestamp, "TIME",
                 "Those submitted before (now-2h, 2030-01-31)"},
    FilterOption{"--submitted-after", "submitted_after", ValueType::timestamp, "TIME", "Those submitted after"},
};

constexpr std::array several_values = {
    FilterOption{"--status", "status", ValueType::texts, "WORD,...", "Those that are pending, assigned, running"},
    FilterOption{"--tag", "tags", ValueType::texts, "TAG,...", "Those that have all of these tags"},
};

// A pattern as of shells as one of LIKE.
std::string like_of(std::string_view pattern) {
    std::string like;
    for (char c : pattern) {
        if (c == '*') {
            like += '%';
        } else if (c == '?') {
            like += '_';
        } else {
            if (c == '%' || c == '_' || c == '\\') like += '\\';
            like += c;
        }
    }
    return like;
}

void say(Session& session, const std::string& text) {
    if (!session.output.json()) session.output.line(text);
}

} // namespace

ExitCode change_each(Session& session, const std::vector<JobName>& jobs, const Change& change) {
    if (jobs.empty()) throw Failure(ExitCode::misused, "no job is named", "rcq queue shows their numbers");
    ExitCode code = ExitCode::good;
    Json answers = Json::array();
    for (const JobName& job : jobs) {
        try {
            const Changed changed = change(session.database, job);
            answers.push_back({{"job", job.text}, {"answer", changed.answer}});
            if (!changed.new_id.empty()) answers.back()["new_id"] = std::stoll(changed.new_id);
            say(session, job.text + " " + changed.answer + (changed.new_id.empty() ? "" : " as " + changed.new_id));
        } catch (const Refusal& refusal) {
            if (code == ExitCode::good) code = refusal.code;
            answers.push_back({{"job", job.text}, {"error", refusal.what()}});
            session.output.flush(); // in the order in which it came
            complain(refusal.what());
            if (!refusal.hint.empty()) advise(refusal.hint);
        }
    }
    if (session.output.json())
        session.output.json_document(answers.dump(-1, ' ', false, Json::error_handler_t::replace));
    return code;
}

void JobFilter::add_to(CLI::App& command) {
    for (const FilterOption& option : one_value) {
        const std::string argument = option.argument;
        command
            .add_option_function<std::string>(
                option.name, [this, argument](const std::string& value) { texts_[argument] = value; }, option.help)
            ->type_name(option.value);
    }
    for (const FilterOption& option : several_values) {
        const std::string argument = option.argument;
        command
            .add_option_function<std::vector<std::string>>(
                option.name, [this, argument](const std::vector<std::string>& values) { lists_[argument] = values; },
                option.help)
            ->type_name(option.value)
            ->delimiter(',')
            ->allow_extra_args(false);
    }
    command.add_flag("--yes", yes_, "Does it; without it, what the filters match is counted and nothing is changed");
}

ExitCode JobFilter::run(Session& session, const std::string& action, const std::vector<JobName>& jobs,
                        std::optional<int> priority) const {
    std::vector<store::Argument> arguments;
    for (const FilterOption& option : one_value) {
        const auto found = texts_.find(option.argument);
        if (found == texts_.end()) continue;
        const bool pattern = found->first == "name";
        arguments.push_back({found->first, option.type, {0, pattern ? like_of(found->second) : found->second}});
    }
    for (const FilterOption& option : several_values) {
        const auto found = lists_.find(option.argument);
        if (found != lists_.end()) arguments.push_back({found->first, option.type, database::texts(found->second)});
    }
    if (!jobs.empty()) {
        std::vector<std::int64_t> ids;
        ids.reserve(jobs.size());
        for (const JobName& job : jobs) ids.push_back(job_id(session.database, job));
        arguments.push_back({"ids", ValueType::bigints, database::bigints(ids)});
    }
    if (priority) arguments.push_back({"priority", ValueType::integer, database::integer(*priority)});
    const std::string row = session.database.rows(store::change_jobs(action, !yes_, arguments)).at(0);
    if (session.output.json()) {
        session.output.json_document(row);
        return ExitCode::good;
    }
    const Json answer = parse_json(row);
    const std::string matched = text_of(answer, "matched");
    if (yes_) {
        say(session, fmt::format("{} matched, {} changed", matched, text_of(answer, "changed")));
    } else {
        say(session, fmt::format("{} would be changed: --yes does it", matched));
    }
    return ExitCode::good;
}

} // namespace rcq::client
