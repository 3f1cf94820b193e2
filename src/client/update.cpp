// `rcq update`: what a job asks for, changed before it starts.
#include "client/change.hpp"
#include "client/commands.hpp"
#include "core/submit_options.hpp"

#include <array>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

namespace rcq::client {

namespace {

// The options of a submission that rcq.update_job takes, by its arguments; `conversion` makes one of the JSON value.
struct Updatable {
    const char* option;
    const char* conversion; // of $N, a text
    bool clearable;
};

constexpr std::array updatable = {
    Updatable{"cpu-cores", "{}::integer", false},
    Updatable{"cpu-cores-min", "{}::integer", true},
    Updatable{"memory", "{}::numeric", false},
    Updatable{"gpus", "{}::integer", false},
    Updatable{"gpu-type", "{}::text", true},
    Updatable{"time-limit", "pg_catalog.make_interval(secs => {}::double precision)", true},
    Updatable{"estimate", "{}::numeric", true},
    Updatable{"deadline", "{}::timestamptz", true},
    Updatable{"max-retries", "{}::integer", false},
};

struct UpdateOptions {
    std::vector<std::string> jobs;
    std::map<std::string, std::string> given; // by name of the option
    std::vector<std::string> clear;
};

// The arguments but the first of rcq.update_job, and their parameters.
database::Statement arguments_of(const UpdateOptions& options) {
    database::Statement call{"job => $1", {database::Parameter{database::oid::int8, std::nullopt}}};
    const auto add = [&call](std::string_view argument, std::string_view conversion, database::Parameter value) {
        call.parameters.push_back(std::move(value));
        const std::string parameter = fmt::format("${}", call.parameters.size());
        call.sql += fmt::format(", {} => {}", argument, fmt::format(fmt::runtime(conversion), parameter));
    };
    std::vector<std::string> clear;
    for (const Updatable& change : updatable) {
        const core::SubmitOption& option = *core::find_submit_option(change.option);
        const auto given = options.given.find(change.option);
        if (given != options.given.end() && given->second == "none" && change.clearable) {
            clear.emplace_back(option.field);
            continue;
        }
        if (given == options.given.end()) continue;
        std::map<std::string, std::string, std::less<>> fields;
        try {
            core::set_option(fields, option, given->second);
        } catch (const core::OptionError& error) {
            throw Failure(ExitCode::misused, error.message(), error.hint());
        }
        const Json value = Json::parse(fields.begin()->second);
        const std::string text = value.is_string() ? value.get<std::string>() : fields.begin()->second;
        add(option.field, std::string(change.conversion), database::text(text));
    }
    if (!clear.empty()) add("clear", "{}", database::texts(clear));
    if (call.parameters.size() == 1) {
        throw Failure(ExitCode::misused, "nothing is given to be changed",
                      "for example rcq update 42 --time-limit 4h; see rcq update --help");
    }
    call.sql = "SELECT rcq.update_job(" + call.sql + ")";
    return call;
}

} // namespace

void add_update_command(Commands& commands) {
    CLI::App* command = commands.add("update", "Changes what jobs ask for that have not started",
                                     {"update 42 --time-limit 4h", "update 42 43 -c 16 -m 64G",
                                      "update 41_7 --memory 128G", "update 42 --deadline none"});
    auto options = std::make_shared<UpdateOptions>();
    command->add_option("jobs", options->jobs, "Jobs (42), tasks (41_7)")->type_name("JOB")->required();
    for (const Updatable& change : updatable) {
        const core::SubmitOption& option = *core::find_submit_option(change.option);
        const std::string name = change.option;
        std::string help(option.help);
        if (change.clearable) help += "; none: without";
        command
            ->add_option_function<std::string>(
                names_of(option), [options, name](const std::string& value) { options->given[name] = value; }, help)
            ->type_name(std::string(option.argument));
    }
    commands.on_run(command, [options](Session& session) {
        const auto jobs = parse_job_names(options->jobs);
        database::Statement statement = arguments_of(*options);
        return change_each(session, jobs, [&statement](Database& database, const JobName& job) {
            statement.parameters[0].value = std::to_string(job_id(database, job));
            database.query(statement);
            return Changed{"updated", {}};
        });
    });
}

} // namespace rcq::client
