#include "executor/check_command.hpp"

#include "database/connection.hpp"
#include "executor/cgroup_tree.hpp"
#include "executor/option_checks.hpp"
#include "executor/program.hpp"
#include "executor/store.hpp"
#include "executor/words.hpp"
#include "protocol/words.hpp"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {

namespace {

void say(const std::string& text) { std::fputs(("rcq-executor: " + text + "\n").c_str(), stderr); }

// A health check that fails now is what the executor would find, too: a remark, for the host may be repaired meanwhile.
void try_health_check(const Options& options) {
    if (options.health_check.empty()) return;
    auto limit_ms = static_cast<std::uint64_t>(std::llround(options.health_timeout_s * 1000));
    ProgramEnd end = run_program({options.health_check}, limit_ms);
    say(end.ok() ? "health check: ok" : "health check fails, the executor would drain: " + end.describe());
}

// What the executor would find in the cgroup from which this is called; nothing is made or moved.
std::string cgroup_outlook(const std::string& mode) {
    if (mode == "off") return "off: memory is watched, not limited";
    std::string base =
        mode.starts_with('/') ? mode : own_cgroup(read_text("/proc/self/cgroup"), read_text("/proc/self/mountinfo"));
    if (base.empty()) return "no cgroup of version 2 is mounted: memory is watched, not limited";
    if (access(base.c_str(), W_OK) != 0 || access((base + "/cgroup.subtree_control").c_str(), W_OK) != 0) {
        return base + " is not delegated to this user: memory is watched, not limited";
    }
    std::string controllers(trimmed(read_text(base + "/cgroup.controllers")));
    return base + ", with the controllers: " + (controllers.empty() ? "none" : controllers);
}

int check_login(const std::string& dsn) {
    database::Connection connection = database::connect_and_wait(dsn, "rcq-executor");
    if (PQstatus(connection.get()) != CONNECTION_OK) {
        say(std::string("no connection to the database: ") + PQerrorMessage(connection.get()));
        return check_unreachable;
    }
    const std::string who =
        std::string("\"") + PQuser(connection.get()) + "\" in database \"" + PQdb(connection.get()) + "\"";
    const database::Result result(PQexec(connection.get(), store::login_facts().sql.c_str()));
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
        say(std::string("the database refuses: ") + PQerrorMessage(connection.get()));
        return check_unreachable;
    }
    auto yes = [&](int column) { return PQgetvalue(result.get(), 0, column)[0] == 't'; };
    if (!yes(0)) {
        say("login " + who + " works, but the extension is not there: CREATE EXTENSION rcq; or another database");
        return 2;
    }
    if (!yes(1)) {
        say("login " + who + " works, but is no executor's: SELECT rcq.create_executor_login('NAME'), and use that");
        return 2;
    }
    say("login " + who + " works");
    return 0;
}

} // namespace

std::string describe_registration(const Options& options) {
    using nlohmann::ordered_json;
    ordered_json text = {{"hostname", options.hostname},
                         {"capacity",
                          {{"cpu_cores", options.capacity.cpu_cores},
                           {"memory_mib", options.capacity.memory_mib},
                           {"gpu_count", options.capacity.gpu_count},
                           {"gpu_type", options.capacity.gpu_type}}},
                         {"features", options.features},
                         {"protocol", protocol::version},
                         {"state_dir", options.state_dir},
                         {"workdir_allow", options.workdir_allow},
                         {"max_runs", options.max_runs}};
    if (!options.info.empty()) text["capacity"]["info"] = ordered_json::parse(options.info);
    return text.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

std::string state_directory_problem(const std::string& path) {
    struct stat facts {};
    if (stat(path.c_str(), &facts) == 0) {
        if (!S_ISDIR(facts.st_mode)) return "--state-dir: " + path + " is no directory";
        if (facts.st_uid != geteuid()) return "--state-dir: " + path + " belongs to somebody else: chown it";
        if (access(path.c_str(), W_OK | X_OK) != 0) return "--state-dir: " + path + ": " + std::strerror(errno);
        return {};
    }
    if (errno != ENOENT) return "--state-dir: " + path + ": " + std::strerror(errno);
    // it would be made, with what is missing above it
    std::filesystem::path above = std::filesystem::path(path).parent_path();
    std::error_code error;
    while (!std::filesystem::exists(above, error) && above.has_relative_path()) above = above.parent_path();
    if (access(above.c_str(), W_OK | X_OK) == 0) return {};
    return "--state-dir: " + path + " is not there and cannot be made: " + above.string() + ": " + std::strerror(errno);
}

int run_check(const Options& options, const std::vector<std::string>& remarks) {
    std::puts(describe_registration(options).c_str());
    std::vector<std::string> problems = host_problems(options);
    if (auto error = database::connection_string_error(options.dsn)) problems.push_back("--dsn: " + *error);
    if (auto problem = state_directory_problem(options.state_dir); !problem.empty()) problems.push_back(problem);
    for (const std::string& remark : remarks) say(remark);
    for (const std::string& problem : problems) say(problem);
    if (!problems.empty()) return 1;
    say("cgroup: " + cgroup_outlook(options.cgroup));
    try_health_check(options);
    return check_login(options.dsn);
}

} // namespace rcq::executor
