// rcq-sim: the scheduling core from a terminal, without a server.
#include "generate_command.hpp"
#include "gpu_command.hpp"
#include "swf_command.hpp"
#include "usage_error.hpp"

#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

namespace {

constexpr int done = 0;
constexpr int failed = 1;
constexpr int misused = 2;

int complain(const std::string& text, int exit_code) {
    std::fputs(("rcq-sim: " + text + "\n").c_str(), stderr);
    return exit_code;
}

// What CLI11 says ends without a hint, or in one of its own on a second line.
std::string one_line(std::string text) {
    for (char& c : text)
        if (c == '\n' || c == '\r') c = ' ';
    return text;
}

int run(int argc, char** argv) {
    CLI::App app{"Simulates the rcq scheduler: replays workload traces through the very core that decides in the "
                 "database.",
                 "rcq-sim"};
    app.footer("rcq-sim COMMAND --help tells the options of a command.");
    app.require_subcommand(1);
    rcq::sim::add_swf_command(app);
    rcq::sim::add_generate_command(app);
    rcq::sim::add_gpu_command(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& error) {
        const auto chosen = app.get_subcommands();
        const std::string command = chosen.empty() ? "rcq-sim" : "rcq-sim " + chosen.front()->get_name();
        return complain(one_line(error.what()) + "; see " + command + " --help", misused);
    } catch (const rcq::sim::UsageError& error) {
        return complain(one_line(error.what()), misused);
    }
    errno = 0;
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
        return complain("cannot write the result: " + std::generic_category().message(errno), failed);
    return done;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        return complain(one_line(error.what()), failed);
    }
}
