// What every subcommand gets, and how it becomes one: a file of its own with add_NAME_command, listed in commands.cpp.
#pragma once
#include "client/database.hpp"
#include "client/failure.hpp"
#include "client/output.hpp"
#include "core/submit_options.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace rcq::client {

// The options that stand before or behind every subcommand.
struct CommonOptions {
    std::string dsn;
    std::string service;
    OutputChoice output;
};

struct Session {
    explicit Session(const CommonOptions& options);

    Database database;
    Output output;
};

using Action = std::function<ExitCode(Session&)>;

// The tree of subcommands, and what the chosen one does.
class Commands {
public:
    Commands();
    Commands(const Commands&) = delete;
    Commands& operator=(const Commands&) = delete;

    // A subcommand with one line of help, and examples below its options, one on a line, each with "rcq " left out.
    CLI::App* add(const std::string& name, const std::string& help, const std::vector<std::string>& examples);
    // What it does, once its options are read.
    void on_run(CLI::App* command, Action action);

    // Throws CLI::ParseError. What stands behind "--" is left to the command.
    void parse(int argc, char** argv);
    [[nodiscard]] const std::vector<std::string>& behind_dashes() const { return behind_dashes_; }
    [[nodiscard]] const CLI::App& app() const { return app_; }
    [[nodiscard]] CLI::App& app() { return app_; }
    [[nodiscard]] const CommonOptions& options() const { return options_; }
    ExitCode run();

private:
    CLI::App app_;
    CommonOptions options_;
    Action action_;
    std::vector<std::string> behind_dashes_;
};

// All of them, in the order of --help.
void add_commands(Commands& commands);

// "-c,--cpu-cores", as CLI11 takes it.
std::string names_of(const core::SubmitOption& option);

// Nothing is wrong but that no subcommand is there.
bool lacks_command(const CLI::ParseError& error, const CLI::App& app);
// What CLI11 found wrong, as a Failure that names the nearest option or subcommand.
Failure usage_failure(const CLI::ParseError& error, const CLI::App& app);

} // namespace rcq::client
