// rcq: the command for people.
#include "client/command.hpp"
#include "client/output.hpp"
#include "database/passwords.hpp"

#include <cstdio>
#include <exception>
#include <new>

namespace {

using rcq::client::ExitCode;

int end_badly(const rcq::client::Failure& failure) {
    if (failure.code == ExitCode::broken_pipe) return static_cast<int>(failure.code);
    rcq::client::complain(failure.what());
    if (!failure.hint.empty()) rcq::client::advise(failure.hint);
    return static_cast<int>(failure.code);
}

int run(int argc, char** argv) {
    rcq::client::Commands commands;
    rcq::client::add_commands(commands);
    try {
        commands.parse(argc, argv);
        rcq::database::hide_password_in_arguments(argc, argv); // which nothing reads any more
    } catch (const CLI::Success& help) {
        return commands.app().exit(help);
    } catch (const CLI::ParseError& error) {
        if (rcq::client::lacks_command(error, commands.app())) {
            std::fputs(commands.app().help().c_str(), stderr);
            return static_cast<int>(ExitCode::misused);
        }
        return end_badly(rcq::client::usage_failure(error, commands.app()));
    }
    return static_cast<int>(commands.run());
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const rcq::client::Failure& failure) {
        return end_badly(failure);
    } catch (const rcq::client::Interrupted&) {
        return static_cast<int>(ExitCode::interrupted);
    } catch (const std::exception& error) {
        rcq::client::complain(error.what());
        return static_cast<int>(ExitCode::refused);
    }
}
