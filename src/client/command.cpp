#include "client/command.hpp"

#include "core/nearest.hpp"

#include <algorithm>

namespace rcq::client {

namespace {

constexpr const char* footer =
    R"(rcq COMMAND --help tells the options of a command, with examples.

The database is taken from -d, --service or what every libpq program reads: PGHOST, PGPORT, PGDATABASE, PGUSER,
PGSERVICE, ~/.pg_service.conf, ~/.pgpass.

Exit codes:
  0    good
  1    the server refused, or something failed here
  2    wrong use: unknown option, bad value
  3    no connection to the database, or it was lost
  4    no such job, or it is not yours to see
  5    wait: the job failed without an exit code of its own
  124  wait: not ended within --timeout
  130  interrupted)";

// A service is a word of the connection string, which may be an URI or the name of a database.
std::string dsn_of(const CommonOptions& options) {
    if (options.service.empty()) return options.dsn;
    std::string quoted;
    for (char c : options.service) quoted += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    std::string dsn = "service='" + quoted + "'";
    if (options.dsn.empty()) return dsn;
    if (options.dsn.find("://") != std::string::npos) {
        throw Failure(ExitCode::misused, "--service and an URI cannot be had together",
                      "postgresql://...?service=NAME, or -d 'host=...' beside --service");
    }
    if (options.dsn.find('=') != std::string::npos) return dsn + " " + options.dsn;
    std::string name;
    for (char c : options.dsn) name += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    return dsn + " dbname='" + name + "'";
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
        for (const CLI::Option* option : level->get_options()) {
            for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
        }
    }
    return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
    return names;
}

// Ends without a full stop or a hint of CLI11's own, on one line.
std::string plain(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
}

} // namespace

Session::Session(const CommonOptions& options) : database(dsn_of(options)), output(options.output) {}

Commands::Commands() : app_("Submits jobs to an rcq cluster, and tells and changes what becomes of them.", "rcq") {
    app_.footer(footer);
    app_.set_version_flag("-V,--version", "rcq " RCQ_VERSION);
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.get_formatter()->column_width(32);
    app_.add_option("-d,--dsn", options_.dsn, "Connection string, URI or name of the database")->type_name("DSN");
    app_.add_option("--service", options_.service, "Service of ~/.pg_service.conf")->type_name("NAME");
    app_.add_flag("--json", options_.output.json, "One JSON document instead of text for people");
    app_.add_option("--color", options_.output.colour, "auto (on a terminal), always or never")
        ->type_name("WHEN")
        ->check(CLI::IsMember({"auto", "always", "never"}));
}

CLI::App* Commands::add(const std::string& name, const std::string& help, const std::vector<std::string>& examples) {
    CLI::App* command = app_.add_subcommand(name, help);
    command->fallthrough();
    std::string text = "Examples:";
    for (const std::string& example : examples) text += "\n  rcq " + example;
    command->footer(text + "\n\nAlso: -d DSN, --service NAME, --json, --color WHEN (rcq --help)");
    return command;
}

void Commands::on_run(CLI::App* command, Action action) {
    command->callback([this, action = std::move(action)] { action_ = action; });
}

void Commands::parse(int argc, char** argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    const auto dashes = std::find(words.begin(), words.end(), "--");
    const bool dashes_given = dashes != words.end();
    if (dashes_given) {
        behind_dashes_.assign(dashes + 1, words.end());
        words.erase(dashes, words.end());
    }
    std::reverse(words.begin(), words.end()); // as CLI11 wants them
    app_.parse(std::move(words));
    const auto chosen = app_.get_subcommands();
    if (dashes_given && chosen.front()->get_name() != "submit") {
        throw Failure(ExitCode::misused, "only rcq submit takes a command behind --");
    }
}

ExitCode Commands::run() {
    Session session(options_);
    const ExitCode code = action_(session);
    session.output.flush();
    return code;
}

std::string names_of(const core::SubmitOption& option) {
    const std::string letter = option.letter != '\0' ? std::string{'-', option.letter, ','} : std::string();
    return letter + "--" + std::string(option.name);
}

Failure usage_failure(const CLI::ParseError& error, const CLI::App& app) {
    const auto chosen = app.get_subcommands();
    const CLI::App& level = chosen.empty() ? app : *chosen.front();
    const std::string help = "see " + (chosen.empty() ? std::string("rcq") : "rcq " + level.get_name()) + " --help";
    const std::vector<std::string> rest = app.remaining(true);
    if (rest.empty()) return {ExitCode::misused, plain(error.what()), help};
    std::string word = rest.front();
    const bool option = word.size() > 1 && word[0] == '-';
    if (!option && !chosen.empty()) return {ExitCode::misused, "nothing is known about \"" + word + "\" here", help};
    word.resize(std::min(word.size(), word.find('=')));
    if (option && !chosen.empty() && level.get_name() == "submit") {
        // also by what sbatch calls it
        const std::string meant = core::nearest_submit_option(word.substr(word.find_first_not_of('-')));
        if (!meant.empty())
            return {ExitCode::misused, "there is no option " + word, "did you mean --" + meant + "? Else " + help};
    }
    const std::vector<std::string> names = option ? option_names(level) : command_names(app);
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string_view nearest = core::nearest(word, known);
    const std::string kind = option ? "option " : "command ";
    return {ExitCode::misused, "there is no " + kind + word,
            nearest.empty() ? help : "did you mean " + std::string(nearest) + "? Else " + help};
}

} // namespace rcq::client
