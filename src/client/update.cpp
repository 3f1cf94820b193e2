// `rcq update`: what a job asks for, changed before it starts.
#include "client/change.hpp"
#include "client/commands.hpp"
#include "client/store.hpp"
#include "core/submit_options.hpp"

#include <array>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

namespace rcq::client {

namespace {

using store::ValueType;

// The options of a submission that rcq.update_job takes.
struct Updatable {
    const char* option;
    ValueType type;
    bool clearable;
};

constexpr std::array updatable = {
    Updatable{"cpu-cores", ValueType::integer, false},   Updatable{"cpu-cores-min", ValueType::integer, true},
    Updatable{"memory", ValueType::numeric, false},      Updatable{"gpus", ValueType::integer, false},
    Updatable{"gpu-type", ValueType::text, true},        Updatable{"time-limit", ValueType::seconds, true},
    Updatable{"estimate", ValueType::numeric, true},     Updatable{"deadline", ValueType::timestamp, true},
    Updatable{"max-retries", ValueType::integer, false},
};

struct UpdateOptions {
    std::vector<std::string> jobs;
    std::map<std::string, std::string> given; // by name of the option
    std::vector<std::string> clear;
};

// The arguments of rcq.update_job but the first.
std::vector<store::Argument> arguments_of(const UpdateOptions& options) {
    std::vector<store::Argument> arguments;
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
        arguments.push_back({std::string(option.field), change.type, database::text(text)});
    }
    if (!clear.empty()) arguments.push_back({"clear", ValueType::texts, database::texts(clear)});
    if (arguments.empty()) {
        throw Failure(ExitCode::misused, "nothing is given to be changed",
                      "for example rcq update 42 --time-limit 4h; see rcq update --help");
    }
    return arguments;
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
        const auto arguments = arguments_of(*options);
        return change_each(session, jobs, [&arguments](Database& database, const JobName& job) {
            database.query(store::update_job(job_id(database, job), arguments));
            return Changed{"updated", {}};
        });
    });
}

} // namespace rcq::client
