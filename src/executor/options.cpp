#include "executor/options.hpp"

#include "executor/option_checks.hpp"
#include "executor/option_file.hpp"
#include "executor/words.hpp"
#include "protocol/words.hpp"

#include <algorithm>
#include <charconv>
#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <pwd.h>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr const char* default_file = "/etc/rcq/executor.conf";

constexpr const char* footer =
    R"(Every option can also be given in the environment, as RCQ_EXECUTOR_ and its name in capitals
(RCQ_EXECUTOR_STATE_DIR), and in the configuration file, as a line `state-dir = "/var/lib/rcq"`. The command line wins
over the environment, and that over the file. The connection is taken from --dsn, or from the variables and files that
every libpq program reads (PGHOST, PGUSER, PGPASSFILE, PGSERVICE ...).

Signals: SIGTERM or SIGINT drains (no new runs, wait for the running ones, sign off); the second one
cancels the running ones; the third one stops at once. SIGUSR1 hands over: it stops at once and leaves its
runs to the next process. SIGHUP is ignored.

Exit codes:
  0  drained and signed off, or handed over; --check: all is well; --status: connected
  1  bad option, file or host (--check names all that is wrong), state directory unusable or in use, internal error
  2  refused by the server: the role is no executor (RC020), protocol version not supported (RC022),
     registration malformed (RC023)
  3  another process has registered this executor (RC021); all runs were killed
  4  stopped before every run was reported
  5  --check: all is well here, but the database cannot be reached; --status: runs, without a connection
  6  --status: not running)";

// A directory with a colon in its name cannot stand in a PATH.
std::string directory_of_program() {
    std::error_code error;
    std::string directory = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
    return error || directory.find(':') != std::string::npos ? std::string() : directory;
}

std::string default_state_dir() {
    const char* home = getenv("HOME"); // NOLINT(concurrency-mt-unsafe): one thread
    if (home != nullptr && home[0] == '/') return std::string(home) + "/.rcq-executor";
    const passwd* entry = getpwuid(geteuid()); // NOLINT(concurrency-mt-unsafe): one thread
    if (entry != nullptr && entry->pw_dir != nullptr && entry->pw_dir[0] == '/') {
        return std::string(entry->pw_dir) + "/.rcq-executor";
    }
    return {};
}

std::string variable_of(const std::string& option) {
    std::string variable = "RCQ_EXECUTOR_";
    for (char c : option) variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return variable;
}

// Options whose form on the command line is not that of their field.
struct Raw {
    double memory_gb = 0;
    std::string gpus = "0";
    std::string file;
    bool no_listen = false;
    bool no_cpu_affinity = false;
    bool no_detect = false;
};

class Declarations {
public:
    Declarations(CLI::App& app, Options& options, Raw& raw) : app_(app), options_(options), raw_(raw) {}

    void declare() {
        general();
        containment();
        hooks();
        gpus();
        backend();
    }

private:
    template <class Target> CLI::Option* add(const std::string& name, Target& target, const std::string& text) {
        CLI::Option* option = app_.add_option("--" + name, target, text)->envname(variable_of(name));
        return option->group(group_);
    }
    template <class Target> void add_list(const std::string& name, Target& target, const std::string& text) {
        add(name, target, text)->delimiter(',')->default_str("");
    }
    void add_flag(const std::string& name, bool& target, const std::string& text) {
        app_.add_flag("--" + name, target, text)->envname(variable_of(name))->group(group_);
    }

    void general() {
        Options& o = options_;
        group_ = "Connection and host";
        add("config", raw_.file, std::string("configuration file; default: ") + default_file + " when it is there");
        add("dsn", o.dsn, "connection string or URI of the database")->type_name("CONNINFO");
        add("hostname", o.hostname, "name under which the host is shown");
        add("cpu-cores", o.capacity.cpu_cores, "CPU cores to offer")->check(CLI::Range(1, 100'000));
        add("memory-gb", raw_.memory_gb, "memory to offer, 1 GB = 2^30 bytes; default: all but 5 % (512 MiB to 4 GiB)")
            ->check(CLI::Range(0.001, 2e6))
            ->default_str("");
        add_list("features", o.features, "features of this host, comma separated");
        add_flag("no-detect", raw_.no_detect,
                 "do not add what was found out (arch:x86_64, kernel:6.1) to the features");
        add("state-dir", o.state_dir, "directory for run directories, logs and outputs");
        add("status-file", o.status_file, "file that says what this process is doing; default: status.json in there");
        add("max-runs", o.max_runs, "greatest number of runs at the same time")->check(CLI::Range(1, 1'000'000));
        add("poll", o.poll_s, "seconds between two syncs when nothing happens")->check(CLI::Range(0.1, 3600.0));
        add_flag("no-listen", raw_.no_listen, "do not LISTEN (a transaction pooler is in between): poll 0.25 s to 1 s");
        add("drain-timeout", o.drain_timeout_s, "seconds of draining before runs are cancelled; 0: no limit")
            ->check(amount_);
        add("keep-outputs", o.keep_outputs_days, "days to keep outputs and logs of ended runs")->check(amount_);
        add("log-level", o.log_level, "least severe level to log")
            ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
        app_.add_flag("--check", o.check, "check options, host and login, print what would be registered, and end");
        app_.add_flag("--status", o.status, "print what the running executor with these options is doing, and end");
    }

    void containment() {
        Options& o = options_;
        group_ = "Runs";
        add_list("workdir-allow", o.workdir_allow, "directories that jobs may name as workdir");
        add("supervisor", o.supervisor_program, "the program rcq-supervisor; default: beside this one");
        add("cgroup", o.cgroup,
            "auto, off, required, or the path of a cgroup (version 2) that belongs to the executor");
        add_flag("no-cpu-affinity", raw_.no_cpu_affinity, "do not bind runs to the cores they were granted");
        add_list("allow-users", o.allow_users, "started as root: unix users and @groups that jobs may run as");
        add("default-user", o.default_user, "started as root: unix user of those who have none of their own");
        add("kill-grace", o.kill_grace_s, "seconds from SIGTERM to SIGKILL")->check(amount_);
        add("run-quota-gb", o.run_quota_gb, "greatest size of one run's directory; 0: no limit")->check(amount_);
        add("log-limit-gb", o.log_limit_gb, "greatest size of one run's log; 0: no limit")->check(amount_);
        add("max-open-files", o.max_open_files, "of a process of a job; 0: as this process was started with")
            ->check(CLI::Range(0, 1 << 30));
        add("max-processes", o.max_processes, "of a run's cgroup, or of its unix user; 0: no limit")
            ->check(CLI::Range(0, 1 << 22));
        add("max-core-gb", o.max_core_gb, "greatest size of a core file")->check(amount_);
    }

    void hooks() {
        Options& o = options_;
        group_ = "Health of the host";
        auto interval = CLI::Range(0.1, 86400.0);
        add("min-free-gb", o.min_free_gb, "with less room in the state directory nothing new is run; 0: no limit")
            ->check(amount_);
        add("prolog", o.prolog, "program to run before each job; when it fails, the host drains");
        add("epilog", o.epilog, "program to run after each job; when it fails, the host drains");
        add("hook-timeout", o.hook_timeout_s, "seconds for prolog and epilog")->check(interval);
        add("health-check", o.health_check, "program that fails when nothing should be run here; run again and again");
        add("health-interval", o.health_interval_s, "seconds between two health checks")->check(interval);
        add("health-timeout", o.health_timeout_s, "seconds for a health check")->check(interval);
    }

    void gpus() {
        Options& o = options_;
        group_ = "GPUs";
        add("gpus", raw_.gpus, "number of GPUs to offer, or auto: find them");
        add("gpu-type", o.capacity.gpu_type, "model of the GPUs, for jobs that ask for one: a100");
        add_list("gpu-ids", o.gpu_ids, "UUIDs of the GPUs that are granted; default: indexes from 0");
        add("gpu-query", o.gpu_query, "program that lists the GPUs as nvidia-smi does; default with auto: nvidia-smi");
    }

    void backend() {
        Options& o = options_;
        group_ = "Back end";
        add("backend", o.backend, "what runs the jobs: this host, or Slurm")
            ->check(CLI::IsMember({"process", "slurm"}));
        add("slurm-partition", o.slurm_partition, "partition that is offered; default: the cluster's own");
        add("slurm-option", o.slurm_options, "a further option of sbatch, --account=physics; may be repeated")
            ->expected(1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
            ->default_str("");
        add("slurm-bin-dir", o.slurm_bin_dir, "directory of sbatch, squeue, scancel and sinfo; default: by PATH");
    }

    CLI::App& app_;
    Options& options_;
    Raw& raw_;
    std::string group_;
    CLI::Range amount_{0.0, 1e9};
};

void apply_entry(CLI::App& app, const FileEntry& entry) {
    CLI::Option* option = app.get_option_no_throw("--" + entry.name);
    const bool unfit = entry.name == "config" || entry.name == "check" || entry.name == "status" ||
                       entry.name == "help" || entry.name == "version";
    if (option == nullptr || unfit) {
        throw OptionFileError("there is no option \"" + entry.name + "\" for this file; see rcq-executor --help");
    }
    if (option->count() > 0) return; // given on the command line or in the environment
    for (const std::string& value : entry.values) {
        if (!value.empty()) option->add_result(value);
    }
    if (option->count() > 0) option->run_callback();
}

void apply_file(CLI::App& app, const std::string& path) {
    std::map<std::string, int> seen;
    for (const FileEntry& entry : read_option_file(path)) {
        const std::string where = path + ":" + std::to_string(entry.line) + ": ";
        if (!seen.emplace(entry.name, entry.line).second) {
            throw OptionFileError(where + "\"" + entry.name + "\" stands in line " + std::to_string(seen[entry.name]) +
                                  " already");
        }
        try {
            apply_entry(app, entry);
        } catch (const std::runtime_error& error) { // also CLI::Error
            throw OptionFileError(where + error.what());
        }
    }
}

void read_gpus(const Raw& raw, bool given, Options& options) {
    if (raw.gpus == "auto") {
        options.gpus_auto = true;
        return;
    }
    if (!given) { // the ids say how many there are
        options.capacity.gpu_count = static_cast<int>(options.gpu_ids.size());
        return;
    }
    const char* end = raw.gpus.data() + raw.gpus.size();
    auto [stop, error] = std::from_chars(raw.gpus.data(), end, options.capacity.gpu_count);
    if (error != std::errc{} || stop != end || options.capacity.gpu_count < 0 || options.capacity.gpu_count > 1024) {
        option_mistake("--gpus: \"" + raw.gpus + "\" is no number from 0 to 1024, and not auto");
    }
}

} // namespace

Options parse_options(int argc, const char* const* argv) {
    Options options;
    options.hostname = detect_hostname();
    options.capacity.cpu_cores = detect_cpu_cores();
    options.capacity.memory_mib = detect_memory_mib();
    options.state_dir = default_state_dir();
    options.program_dir = directory_of_program();

    CLI::App app{"Runs the jobs that the rcq controller in a PostgreSQL database places on this host.", "rcq-executor"};
    app.footer(footer);
    app.set_version_flag("--version", "rcq-executor " RCQ_VERSION ", protocol " + std::to_string(protocol::version));
    app.option_defaults()->always_capture_default();
    Raw raw;
    Declarations(app, options, raw).declare();
    try {
        app.parse(argc, argv);
        std::error_code error;
        if (raw.file.empty() && std::filesystem::exists(default_file, error)) raw.file = default_file;
        if (!raw.file.empty()) apply_file(app, raw.file);
    } catch (const CLI::CallForHelp&) {
        throw OptionsExit(0, app.help());
    } catch (const CLI::CallForVersion& version) {
        throw OptionsExit(0, version.what());
    } catch (const CLI::ParseError& error) {
        option_mistake(std::string(error.what()) + "\nTry rcq-executor --help");
    } catch (const OptionFileError& error) {
        option_mistake(error.what());
    }
    options.listen = !raw.no_listen;
    options.cpu_affinity = !raw.no_cpu_affinity;
    options.detect = !raw.no_detect;
    if (raw.memory_gb > 0) {
        options.capacity.memory_mib = std::max<std::int64_t>(1, std::llround(raw.memory_gb * 1024));
    }
    options.cores_given = app.get_option("--cpu-cores")->count() > 0;
    options.memory_given = raw.memory_gb > 0;
    options.gpus_given = app.get_option("--gpus")->count() > 0;
    read_gpus(raw, options.gpus_given, options);
    check_values(options);
    return options;
}

} // namespace rcq::executor
