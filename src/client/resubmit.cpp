// `rcq resubmit`: jobs that have ended, submitted anew.
#include "client/change.hpp"
#include "client/commands.hpp"
#include "client/store.hpp"

#include <memory>

namespace rcq::client {

namespace {

struct ResubmitOptions {
    std::vector<std::string> jobs;
    bool failed_tasks = false;
};

} // namespace

void add_resubmit_command(Commands& commands) {
    CLI::App* command = commands.add("resubmit", "Submits jobs anew that have ended, and tells their new ids",
                                     {"resubmit 42 43", "resubmit --failed-tasks 41"});
    auto options = std::make_shared<ResubmitOptions>();
    command->add_option("jobs", options->jobs, "Jobs that have ended")->type_name("JOB")->required();
    command->add_flag("--failed-tasks", options->failed_tasks, "Of an array: its tasks that failed, as a new array");
    commands.on_run(command, [options](Session& session) {
        const auto jobs = parse_job_names(options->jobs);
        const auto statement = options->failed_tasks ? store::resubmit_failed_tasks : store::resubmit;
        return change_each(session, jobs, [statement](Database& database, const JobName& job) {
            const database::Result result = database.query(statement(job_id(database, job)));
            return Changed{"submitted", PQgetvalue(result.get(), 0, 0)};
        });
    });
}

} // namespace rcq::client
