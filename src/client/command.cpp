#include "client/command.hpp"

#include "client/help.hpp"

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

} // namespace

Session::Session(const CommonOptions& options) : database(dsn_of(options)), output(options.output) {}

Commands::Commands() : app_("Submits jobs to an rcq cluster, and tells and changes what becomes of them.", "rcq") {
    app_.footer(footer);
    app_.set_version_flag("-V,--version", "rcq " RCQ_VERSION);
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.formatter(std::make_shared<HelpFormatter>());
    app_.get_formatter()->column_width(32);
    app_.add_option("-d,--dsn", options_.dsn, "Connection string, URI or name of the database")->type_name("DSN");
    app_.add_option("--service", options_.service, "Service of ~/.pg_service.conf")->type_name("NAME");
    app_.add_flag("--json", options_.output.json, "One JSON document instead of text for people");
    const std::vector<std::string> whens = {"auto", "always", "never"};
    app_.add_option("--color", options_.output.colour, "auto (on a terminal), always or never")
        ->type_name(choice(whens))
        ->check(one_of(whens));
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
    const bool asks_for_help = !words.empty() && words.front() == "help";
    if (asks_for_help) words.erase(words.begin());
    // of a command that there is: else it is told that there is none
    const auto named = [&](const CLI::App* command) { return command->get_name() == words.front(); };
    const bool known = words.empty() || !app_.get_subcommands(named).empty();
    if (asks_for_help && known) words.emplace_back("--help");
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

} // namespace rcq::client
