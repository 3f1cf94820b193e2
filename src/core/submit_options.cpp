#include "submit_options.hpp"
#include "nearest.hpp"
#include "option_values.hpp"
#include <algorithm>
#include <array>
#include <vector>

namespace rcq::core {
namespace {

using Kind = OptionKind;

constexpr std::array options{
    SubmitOption{"cpu-cores", 'c', "cpu_cores", Kind::integer, "N", "CPU cores"},
    SubmitOption{"cpu-cores-min", 0, "cpu_cores_min", Kind::integer, "N", "as few cores will do"},
    SubmitOption{"memory", 'm', "memory_gb", Kind::memory, "SIZE", "memory: 32G, 500M; a bare number is GB"},
    SubmitOption{"gpus", 'g', "gpu_count", Kind::integer, "N", "GPUs"},
    SubmitOption{"gpu-type", 0, "gpu_type", Kind::text, "MODELS", "models of GPU that will do: a100 or a100|h100"},
    SubmitOption{"time-limit", 't', "time_limit", Kind::duration, "TIME",
                 "the job is killed after this time: 4h, 90m, 1:30:00, 2-12:00:00"},
    SubmitOption{"estimate", 0, "estimated_hours", Kind::hours, "TIME",
                 "expected running time, for planning: 4h, 90m; a bare number is hours"},
    SubmitOption{"priority", 'p', "priority", Kind::integer, "N", "1 to 10, 10 starts soonest"},
    SubmitOption{"name", 'J', "name", Kind::text, "NAME", "name of the job"},
    SubmitOption{"workdir", 0, "workdir", Kind::text, "DIR", "directory on the host to run in, absolute"},
    SubmitOption{"env", 0, "env", Kind::env, "NAME=VALUE", "variable of the job's environment; may be repeated"},
    SubmitOption{"features", 0, "features", Kind::list, "A,B", "features that the host must offer, all of them"},
    SubmitOption{"constraints", 0, "constraints", Kind::text, "EXPR",
                 "features of the host: avx512&(ssd|nvme)&!shared"},
    SubmitOption{"hold", 0, "hold", Kind::flag, "", "wait until the job is released"},
    SubmitOption{"begin", 0, "begin_time", Kind::time, "TIME", "not before: 2030-01-31T08:00:00Z, now+2h"},
    SubmitOption{"deadline", 0, "deadline", Kind::time, "TIME", "must have ended by: 2030-01-31T08:00:00Z, now+2d"},
    SubmitOption{"array", 'a', "array", Kind::array, "INDICES", "many tasks in one job: 1-10, 1-1000:2%50"},
    SubmitOption{"after", 'd', "depends_on", Kind::dependency, "JOBS",
                 "after other jobs: ok:41,any:42,notok:43,start:44,corr:45,singleton"},
    SubmitOption{"on-dependency-failed", 0, "on_dependency_failed", Kind::text, "fail|wait",
                 "what to do when --after can never be met"},
    SubmitOption{"max-retries", 0, "max_retries", Kind::integer, "N", "how often to run again after a failure"},
    SubmitOption{"retry-on", 0, "retry_on", Kind::list, "ENDS",
                 "after which ends to run again: oom,timeout,signal, exit codes"},
    SubmitOption{"retry-delay", 0, "retry_delay", Kind::duration, "TIME", "how long to wait before running again"},
    SubmitOption{"retry-backoff", 0, "retry_backoff", Kind::text, "fixed|exponential", "whether the delay doubles"},
    SubmitOption{"retry-max-delay", 0, "retry_max_delay", Kind::duration, "TIME", "the longest delay"},
    SubmitOption{"retry-jitter", 0, "retry_jitter", Kind::number, "SHARE", "0 to 1, by which delays vary at random"},
    SubmitOption{"retry-memory-factor", 0, "retry_memory_factor", Kind::number, "FACTOR",
                 "memory after an attempt that ran out of it"},
    SubmitOption{"exclusive", 0, "exclusive", Kind::flag, "", "nothing else runs on the host meanwhile"},
    SubmitOption{"preemptible", 0, "preemptible", Kind::flag, "", "may be stopped for others and run again later"},
    SubmitOption{"requeue", 0, "requeue", Kind::flag, "", "run again when the host is lost (as if nothing is said)"},
    SubmitOption{"no-requeue", 0, "requeue", Kind::flag, "", "never run again when the host is lost"},
    SubmitOption{"on-disconnect", 0, "on_disconnect", Kind::text, "continue|kill",
                 "what to do while the host cannot reach the database"},
    SubmitOption{"concurrency-key", 0, "concurrency_key", Kind::text, "KEY",
                 "jobs with the same key are limited together"},
    SubmitOption{"consumable", 0, "consumables", Kind::amounts, "NAME=N", "takes of a named amount; may be repeated"},
    SubmitOption{"project", 0, "project", Kind::text, "NAME", "to find the job again"},
    SubmitOption{"tag", 0, "tags", Kind::list, "TAGS", "to find the job again; may be repeated"},
    SubmitOption{"external-id", 0, "external_id", Kind::text, "UUID", "the job's id in another system"},
    SubmitOption{"idempotency-key", 0, "idempotency_key", Kind::text, "KEY", "the same key gives the same job"},
};

// What sbatch calls what an option here does.
struct Elsewhere {
    std::string_view name, here;
};
constexpr std::array elsewhere{
    Elsewhere{"cpus-per-task", "cpu-cores"},
    Elsewhere{"ntasks", "cpu-cores"},
    Elsewhere{"n", "cpu-cores"},
    Elsewhere{"cores", "cpu-cores"},
    Elsewhere{"mem", "memory"},
    Elsewhere{"gres", "gpus"},
    Elsewhere{"time", "time-limit"},
    Elsewhere{"job-name", "name"},
    Elsewhere{"chdir", "workdir"},
    Elsewhere{"D", "workdir"},
    Elsewhere{"dependency", "after"},
    Elsewhere{"depends-on", "after"},
    Elsewhere{"constraint", "constraints"},
    Elsewhere{"C", "constraints"},
    Elsewhere{"licenses", "consumable"},
    Elsewhere{"L", "consumable"},
    Elsewhere{"export", "env"},
    Elsewhere{"H", "hold"},
    Elsewhere{"b", "begin"},
    Elsewhere{"begin-time", "begin"},
    Elsewhere{"comment", "tag"},
    Elsewhere{"gpu-count", "gpus"},
    Elsewhere{"gpus-per-node", "gpus"},
    Elsewhere{"consumables", "consumable"},
    Elsewhere{"nice", "priority"},
    Elsewhere{"memory-gb", "memory"},
    Elsewhere{"wckey", "project"},
    Elsewhere{"tags", "tag"},
    Elsewhere{"partition", "features"},
    Elsewhere{"queue", "features"},
};

// What sbatch has and a submission here has not.
struct Without {
    std::string_view name;
    char letter; // '\0': it has none, or one that is an option here
    std::string_view instead;
};
constexpr std::array without{
    Without{"nodes", 'N', "a job runs on one host; use an array, or jobs that depend on each other"},
    Without{"ntasks-per-node", 0, "a job runs on one host, so there are no tasks to spread"},
    Without{"nodelist", 'w', "ask for a feature that this host alone offers"},
    Without{"exclude", 'x', "--constraints=\"!feature\" of that host"},
    Without{"output", 'o', "output is kept in the database: rcq logs; a script may redirect it (exec >out.txt)"},
    Without{
        "error", 'e',
        "output of both kinds is kept in the database: rcq logs --stderr; a script may redirect it (exec 2>err.txt)"},
    Without{"open-mode", 0, "each attempt has its own output"},
    Without{"input", 'i', "exec <data in the script"},
    Without{"account", 'A', "a user has one group, which is charged; --project is a label"},
    Without{"qos", 'q', "--priority, at most the user's own limit"},
    Without{"reservation", 0, "an administrator drains hosts for that"},
    Without{"signal", 0, "jobs get TERM, and after a time of grace KILL"},
    Without{"time-min", 0, "a limit is not shortened; --estimate says what to plan with"},
    Without{"mail-type", 0, "subscribe to the end of jobs in the database, or ask for it"},
    Without{"mail-user", 0, "subscribe to the end of jobs in the database, or ask for it"},
    Without{"uid", 0, "nobody submits for others"},
    Without{"wrap", 0, "a command stands behind --: rcq submit -- hostname"},
    Without{"test-only", 0, "SELECT * FROM rcq.explain_submit(script)"},
    Without{"wait", 'W', "rcq wait"},
    Without{"parsable", 0, "rcq submit prints the id and nothing else"},
    Without{"tmp", 0, "the disk of a run is limited by its executor"},
    Without{"threads-per-core", 0, "the operator of a host says what a core is"},
    Without{"clusters", 'M', "a database is one cluster"},
    Without{"get-user-env", 0, "the environment is scrubbed; use --env"},
};

} // namespace

bool is_repeatable(OptionKind kind) { return kind == Kind::list || kind == Kind::env || kind == Kind::amounts; }

std::span<const SubmitOption> submit_options() { return options; }

const SubmitOption* find_submit_option(std::string_view name) {
    const auto* found = std::find_if(options.begin(), options.end(), [&](const SubmitOption& o) {
        return o.name == name || (name.size() == 1 && o.letter != 0 && o.letter == name[0]);
    });
    return found == options.end() ? nullptr : found;
}

std::string nearest_submit_option(std::string_view name) {
    std::string dashed(name);
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    if (find_submit_option(dashed)) return dashed;
    for (const Elsewhere& e : elsewhere)
        if (e.name == dashed) return std::string(e.here);
    std::vector<std::string_view> names;
    names.reserve(options.size());
    for (const SubmitOption& o : options) names.push_back(o.name);
    return std::string(nearest(dashed, names));
}

std::string_view instead_of_option(std::string_view name) {
    const auto* found = std::find_if(without.begin(), without.end(), [&](const Without& w) {
        return w.name == name || (name.size() == 1 && w.letter != 0 && w.letter == name[0]);
    });
    return found == without.end() ? std::string_view() : found->instead;
}

void set_option(std::map<std::string, std::string, std::less<>>& fields, const SubmitOption& option,
                std::string_view value) {
    const std::string subject = "--" + std::string(option.name);
    const auto found = fields.find(option.field);
    const std::string_view gathered = found == fields.end() ? std::string_view() : std::string_view(found->second);
    const auto json = [&]() -> std::string {
        switch (option.kind) {
        case Kind::integer:
            return integer_json(subject, value);
        case Kind::memory:
            return memory_json(subject, value);
        case Kind::hours:
            return hours_json(subject, value);
        case Kind::duration:
            return duration_json(subject, value);
        case Kind::flag:
            return flag_value(subject, value) == option.name.starts_with("no-") ? "false" : "true";
        case Kind::list:
            return with_items(subject, gathered, value);
        case Kind::env:
            return with_variable(subject, gathered, value);
        case Kind::array:
            return array_json(subject, value);
        case Kind::dependency:
            return dependency_json(subject, value);
        case Kind::number:
            return number_json(subject, value);
        case Kind::amounts:
            return with_amount(subject, gathered, value);
        case Kind::text:
        case Kind::time:
            break;
        }
        return json_string(value);
    };
    fields.insert_or_assign(std::string(option.field), json());
}

} // namespace rcq::core
