// rcq-executor: one process per host that claims runs from the database and executes them.
#include "database/connection.hpp"
#include "database/passwords.hpp"
#include "executor/check_command.hpp"
#include "executor/executor.hpp"
#include "executor/host.hpp"
#include "executor/job_environment.hpp"
#include "executor/logging.hpp"
#include "executor/option_checks.hpp"
#include "executor/options.hpp"
#include "executor/own_process.hpp"
#include "executor/status_report.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <unistd.h>
#include <vector>

int main(int argc, char** argv) {
    using namespace rcq::executor;
    prepare_process();
    try {
        Options options = parse_options(argc, argv);
        rcq::database::hide_password_in_arguments(argc, argv);
        if (options.status) {
            StatusAnswer answer = read_status_file(options.status_file);
            std::fputs(answer.text.c_str(), stdout);
            return answer.exit_code;
        }
        std::vector<std::string> remarks = prepare_host(options);
        if (options.check) return run_check(options, remarks);
        if (auto error = rcq::database::connection_string_error(options.dsn)) option_mistake("--dsn: " + *error);
        for (const std::string& problem : host_problems(options)) option_mistake(problem);
        setup_logging(options.log_level);
        for (const std::string& remark : remarks) spdlog::warn("event=host_remark text={}", quoted(remark));
        return run_executor(options, inherited_environment(environ));
    } catch (const OptionsExit& early) {
        std::fputs((std::string(early.what()) + "\n").c_str(), early.code == 0 ? stdout : stderr);
        return early.code;
    } catch (const std::exception& error) {
        std::fputs((std::string("rcq-executor: ") + error.what() + "\n").c_str(), stderr);
        return 1;
    }
}
