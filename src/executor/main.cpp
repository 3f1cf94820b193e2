// rcq-executor: one process per host that claims runs from the database and executes them.
#include "executor/executor.hpp"
#include "executor/job_environment.hpp"
#include "executor/logging.hpp"
#include "executor/options.hpp"
#include "executor/own_process.hpp"
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
            return 0;
        }
        const bool root = getuid() == 0 || geteuid() == 0;
        if (root && options.allow_users.empty()) {
            throw OptionsExit(1, "rcq-executor: refusing to run as root without --allow-users: name the unix users, or "
                                 "@groups, that jobs may run as, or start it as a user of its own");
        }
        setup_logging(options.log_level);
        if (options.supervisor_program.empty()) options.supervisor_program = options.program_dir + "/rcq-supervisor";
        return run_executor(options, inherited_environment(environ));
    } catch (const OptionsExit& early) {
        std::fputs((std::string(early.what()) + "\n").c_str(), early.code == 0 ? stdout : stderr);
        return early.code;
    } catch (const std::exception& error) {
        std::fputs((std::string("rcq-executor: ") + error.what() + "\n").c_str(), stderr);
        return 1;
    }
}
