// `rcq cancel`, `hold`, `release`, `priority` and `requeue`.
#include "client/change.hpp"
#include "client/commands.hpp"
#include "client/store.hpp"

#include <charconv>
#include <fmt/format.h>
#include <memory>

namespace rcq::client {

namespace {

struct ChangeOptions {
    std::vector<std::string> jobs;
    JobFilter filter;
};

void add_change(Commands& commands, CLI::App* command, const std::string& action, const Change& change) {
    auto options = std::make_shared<ChangeOptions>();
    command->add_option("jobs", options->jobs, "Jobs (42), tasks (41_7, 41_1-10)")->type_name("JOB");
    options->filter.add_to(*command);
    commands.on_run(command, [options, action, change](Session& session) {
        const auto jobs = parse_job_names(options->jobs);
        if (options->filter.given()) return options->filter.run(session, action, jobs, std::nullopt);
        return change_each(session, jobs, change);
    });
}

} // namespace

void add_cancel_command(Commands& commands) {
    CLI::App* command = commands.add(
        "cancel", "Cancels jobs; what runs is told to end, and killed when it does not",
        {"cancel 42 43", "cancel 41_7", "cancel --status pending --name 'sweep-*'", "cancel --status pending --yes"});
    add_change(commands, command, "cancel", [](Database& database, const JobName& job) {
        return Changed{PQgetvalue(database.query(store::cancel(job.id, job.tasks)).get(), 0, 0), {}};
    });
}

void add_hold_command(Commands& commands) {
    CLI::App* command = commands.add("hold", "Keeps pending jobs from being started until they are released",
                                     {"hold 42", "hold 41_20-30", "hold --project thesis --yes"});
    add_change(commands, command, "hold", [](Database& database, const JobName& job) {
        database.query(store::hold(job.id, job.tasks));
        return Changed{"held", {}};
    });
}

void add_release_command(Commands& commands) {
    CLI::App* command =
        commands.add("release", "Lets held jobs be started", {"release 42", "release --project thesis --yes"});
    add_change(commands, command, "release", [](Database& database, const JobName& job) {
        database.query(store::release(job.id, job.tasks));
        return Changed{"released", {}};
    });
}

void add_requeue_command(Commands& commands) {
    CLI::App* command = commands.add("requeue", "Ends running jobs and lets them be run again",
                                     {"requeue 42", "requeue --name 'eval-*' --yes"});
    add_change(commands, command, "requeue", [](Database& database, const JobName& job) {
        return Changed{PQgetvalue(database.query(store::requeue(job_id(database, job))).get(), 0, 0), {}};
    });
}

void add_priority_command(Commands& commands) {
    struct PriorityOptions {
        std::vector<std::string> words;
        JobFilter filter;
    };
    CLI::App* command = commands.add("priority", "Changes the priority of pending jobs: 1 to 10, 10 starts soonest",
                                     {"priority 42 8", "priority 42 43 44 3", "priority --project thesis 9 --yes"});
    auto options = std::make_shared<PriorityOptions>();
    command->add_option("jobs", options->words, "Jobs, and as the last word the priority")
        ->type_name("JOB... N")
        ->required();
    options->filter.add_to(*command);
    commands.on_run(command, [options](Session& session) {
        std::vector<std::string> words = options->words;
        int priority = 0;
        const std::string last = words.back();
        const auto [end, error] = std::from_chars(last.data(), last.data() + last.size(), priority);
        if (error != std::errc{} || end != last.data() + last.size() || priority < 1 || priority > 10) {
            throw Failure(ExitCode::misused, "\"" + last + "\" is no priority",
                          "the last word is a number from 1 to 10: rcq priority 42 8");
        }
        words.pop_back();
        const auto jobs = parse_job_names(words);
        if (options->filter.given()) return options->filter.run(session, "set_priority", jobs, priority);
        return change_each(session, jobs, [priority](Database& database, const JobName& job) {
            database.query(store::set_priority(job_id(database, job), priority));
            return Changed{fmt::format("has priority {}", priority), {}};
        });
    });
}

} // namespace rcq::client
