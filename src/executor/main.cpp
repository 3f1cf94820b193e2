// rcq-executor: one unprivileged process per host that claims runs from the database and executes them.
#include "executor/executor.hpp"
#include "executor/job_environment.hpp"
#include "executor/logging.hpp"
#include "executor/options.hpp"
#include "executor/process.hpp"
#include "executor/session.hpp"

#include <cstdio>
#include <exception>
#include <unistd.h>

int main(int argc, char** argv) {
    using namespace rcq::executor;
    prepare_process();
    try {
        Options options = parse_options(argc, argv);
        hide_password_in_arguments(argc, argv);
        if (auto error = connection_string_error(options.dsn)) {
            throw OptionsExit(1, "rcq-executor: --dsn: " + *error);
        }
        if (options.check) {
            std::puts(describe_registration(options).c_str());
            if (geteuid() == 0) std::fputs("rcq-executor: would refuse to start as root\n", stderr);
            return 0;
        }
        if (getuid() == 0 || geteuid() == 0) {
            throw OptionsExit(1, "rcq-executor: refusing to run as root: jobs would run as root too; "
                                 "start it as a user of its own");
        }
        setup_logging(options.log_level);
        if (int most = runs_by_open_files(); options.max_runs > most) {
            spdlog::warn("event=max_runs_lowered from={} to={} reason=\"limit of open files\"", options.max_runs, most);
            options.max_runs = most;
        }
        return run_executor(options, inherited_environment(environ));
    } catch (const OptionsExit& early) {
        std::fputs((std::string(early.what()) + "\n").c_str(), early.code == 0 ? stdout : stderr);
        return early.code;
    } catch (const std::exception& error) {
        std::fputs((std::string("rcq-executor: ") + error.what() + "\n").c_str(), stderr);
        return 1;
    }
}
