// `rcq submit`: a script, from a file or stdin, or a command becomes a job.
#include "client/commands.hpp"
#include "client/json.hpp"
#include "client/script.hpp"
#include "client/store.hpp"
#include "core/directives.hpp"
#include "core/submit_options.hpp"

#include <fmt/format.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

namespace rcq::client {

namespace {

using Fields = std::map<std::string, std::string, std::less<>>;

struct SubmitOptions {
    std::string script;
    // in the order of the table of options; each with its values as they were given
    std::vector<std::pair<const core::SubmitOption*, std::vector<std::string>>> given;
};

Fields fields_of(const SubmitOptions& options) {
    Fields fields;
    try {
        for (const auto& [option, values] : options.given) {
            for (const std::string& value : values) core::set_option(fields, *option, value);
        }
    } catch (const core::OptionError& error) {
        throw Failure(ExitCode::misused, error.message(), error.hint());
    }
    return fields;
}

// A name of a file may be any bytes.
std::string text_as_json(const std::string& text) {
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// {"script": ..., "cpu_cores": 8}: the values are JSON already.
std::string request_of(const Fields& fields) {
    std::string request = "[{";
    for (const auto& [field, value] : fields) {
        if (request.size() > 2) request += ',';
        request.append(Json(field).dump()).append(":").append(value);
    }
    return request + "}]";
}

// As sbatch does it: the name of the file, unless the script says one itself. What is wrong with its directives the
// server says, which may know more of them than this command.
std::string default_name(const std::string& path, const std::string& script) {
    if (path == "-") return {};
    try {
        if (core::read_directives(script).fields.contains("name")) return {};
    } catch (const core::DirectiveError&) {
        return {};
    }
    return name_of_command({path});
}

// What the server says of a field, said of the option that gave it.
Failure of_option(const Failure& failure, const std::string& message, const SubmitOptions& options) {
    for (const auto& [option, values] : options.given) {
        const std::string name = "--" + std::string(option->name);
        const std::string field = std::string(option->field) + " ";
        if (message.starts_with(field)) return {failure.code, name + message.substr(field.size() - 1), failure.hint};
        const std::string quoted = "\"" + values.back() + "\"";
        if (option->kind == core::OptionKind::time && message.find("timestamp") != std::string::npos &&
            message.find(quoted) != std::string::npos) {
            return {failure.code, fmt::format("{}: {} is no time", name, quoted),
                    "Write 2030-01-31T08:00:00Z, \"tomorrow 08:00\" or now+2h."};
        }
    }
    return {failure.code, message, failure.hint};
}

// Asks for one job, by the call that takes lists: an error says where in the list it is, which is nothing to people.
database::Result submit(Database& database, const std::string& request, const SubmitOptions& options) try {
    return database.query(store::submit(request));
} catch (const Refusal& refusal) {
    constexpr std::string_view place = "job 1 of the list: ";
    std::string message = refusal.what();
    if (message.starts_with(place)) message.erase(0, place.size());
    throw of_option(refusal, message, options);
}

ExitCode run_submit(Session& session, const SubmitOptions& options, const std::vector<std::string>& command) {
    Fields fields = fields_of(options);
    if (command.empty() == options.script.empty()) {
        throw Failure(ExitCode::misused,
                      command.empty() ? "no script is given" : "a script and a command cannot be had together",
                      "rcq submit script.sh, rcq submit - for stdin, or rcq submit -- command arguments");
    }
    const std::string script = command.empty() ? read_script(options.script) : script_of_command(command);
    fields.insert_or_assign("script", text_as_json(script));
    if (!fields.contains("name")) {
        const std::string name = command.empty() ? default_name(options.script, script) : name_of_command(command);
        if (!name.empty()) fields["name"] = text_as_json(name);
    }
    const database::Result result = submit(session.database, request_of(fields), options);
    if (const std::string mark = foreign_directives(script); !mark.empty()) {
        complain(fmt::format("{} has {} lines, which are not read here; what to write instead: "
                             "docs/reference/directives.md#from-sbatch",
                             options.script == "-" ? "the script" : options.script, mark));
    }
    const std::string id = PQgetvalue(result.get(), 0, 0);
    if (session.output.json()) {
        session.output.json_document(fmt::format(R"({{"id":{}}})", id));
    } else {
        session.output.line(id);
    }
    return ExitCode::good;
}

void add_option(CLI::App& command, SubmitOptions& options, const core::SubmitOption& option) {
    const std::string names = names_of(option);
    const std::string help(option.help);
    if (option.kind == core::OptionKind::flag) {
        command.add_flag_function(
            names,
            [&options, &option](std::int64_t) { options.given.emplace_back(&option, std::vector<std::string>{""}); },
            help);
        return;
    }
    const auto take = [&options, &option](const std::vector<std::string>& values) {
        options.given.emplace_back(&option, values);
    };
    CLI::Option* added = command.add_option_function<std::vector<std::string>>(names, take, help);
    added->type_name(std::string(option.argument))->type_size(1)->expected(1)->allow_extra_args(false);
    added->multi_option_policy(core::is_repeatable(option.kind) ? CLI::MultiOptionPolicy::TakeAll
                                                                : CLI::MultiOptionPolicy::TakeLast);
}

} // namespace

void add_submit_command(Commands& commands) {
    CLI::App* command =
        commands.add("submit", "Submits a script, or a command behind --, as a job; prints its id",
                     {"submit -c 8 -m 32G -g 1 -t 4h train.sh", "submit -J nightly --begin now+2h - <job.sh",
                      "submit -c 4 -- make -j4", "submit -a 1-100%10 -d ok:41 task.sh", "wait $(rcq submit train.sh)"});
    auto options = std::make_shared<SubmitOptions>();
    command->add_option("script", options->script, "File with the script; - is stdin")->type_name("FILE");
    for (const core::SubmitOption& option : core::submit_options()) add_option(*command, *options, option);
    commands.on_run(command, [options, &commands](Session& session) {
        return run_submit(session, *options, commands.behind_dashes());
    });
}

} // namespace rcq::client
