#include "executor/options.hpp"

#include "protocol/words.hpp"

#include <algorithm>
#include <CLI/CLI.hpp>
#include <climits>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <pwd.h>
#include <string_view>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr const char* footer =
    R"(Every option can also be given in the environment: RCQ_EXECUTOR_ and its name in capitals
(RCQ_EXECUTOR_STATE_DIR); the command line wins. The connection is taken from --dsn, or from the
variables and files that every libpq program reads (PGHOST, PGUSER, PGPASSFILE, PGSERVICE ...).

Signals: SIGTERM or SIGINT drains (no new runs, wait for the running ones, sign off); the second one
cancels the running ones; the third one stops at once. SIGHUP is ignored.

Exit codes:
  0  drained and signed off, or --check, --help, --version
  1  bad option or environment, started as root, state directory unusable or in use, internal error
  2  refused by the server: the role is no executor (RC020), protocol version not supported (RC022),
     registration malformed (RC023)
  3  another process has registered this executor (RC021); all runs were killed
  4  stopped before every run was reported)";

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

[[noreturn]] void mistake(const std::string& text) { throw OptionsExit(1, "rcq-executor: " + text); }

// Symbolic links are resolved where the directory exists, so that the check inside the child compares like with like.
std::string canonical_prefix(const std::string& text) {
    std::filesystem::path path(text);
    if (!path.is_absolute()) mistake("--workdir-allow: \"" + text + "\" is not an absolute path");
    std::error_code error;
    std::filesystem::path resolved = std::filesystem::weakly_canonical(path, error);
    std::string result = (error ? path.lexically_normal() : resolved).string();
    while (result.size() > 1 && result.back() == '/') result.pop_back();
    return result;
}

void check_feature(const std::string& feature) {
    auto fine = [](char c) { return c > ' ' && c < 0x7f && c != ','; };
    if (feature.empty() || feature.size() > 63 || !std::all_of(feature.begin(), feature.end(), fine)) {
        mistake("--features: \"" + feature + "\" is not a word of at most 63 printable ASCII characters");
    }
}

void check_gpu_type(const Capacity& capacity) {
    const std::string& type = capacity.gpu_type;
    if (type.empty()) return;
    if (capacity.gpu_count == 0) mistake("--gpu-type: there are no GPUs; give their number with --gpus");
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    const auto fine = [&](char c) { return letter(c) || c == '_' || c == '.' || c == ':' || c == '-'; };
    if (type.size() > 63 || !letter(type.front()) || !std::all_of(type.begin(), type.end(), fine))
        mistake("--gpu-type: \"" + type + "\" is not a word of at most 63 of a-z, 0-9, _ . : -");
}

void finish(Options& options, double memory_gb, bool memory_given) {
    if (memory_given) {
        options.capacity.memory_mib = static_cast<std::int64_t>(std::llround(memory_gb * 1024));
        if (options.capacity.memory_mib < 1) mistake("--memory-gb: less than 1 MiB");
    }
    std::sort(options.features.begin(), options.features.end());
    options.features.erase(std::unique(options.features.begin(), options.features.end()), options.features.end());
    for (const std::string& feature : options.features) check_feature(feature);
    check_gpu_type(options.capacity);
    for (std::string& prefix : options.workdir_allow) prefix = canonical_prefix(prefix);
    if (options.state_dir.empty()) mistake("--state-dir: there is no home directory; name a directory");
    if (options.state_dir.front() != '/') mistake("--state-dir: \"" + options.state_dir + "\" is not an absolute path");
    options.state_dir = std::filesystem::path(options.state_dir).lexically_normal().string();
    while (options.state_dir.size() > 1 && options.state_dir.back() == '/') options.state_dir.pop_back();
    if (options.hostname.empty()) mistake("--hostname: empty");
}

// The end of a value in a connection string: quoted with backslash escapes, or up to a space or (in a URI) an
// ampersand.
std::size_t end_of_value(std::string_view text, std::size_t at) {
    if (at < text.size() && text[at] == '\'') {
        for (++at; at < text.size() && text[at] != '\''; ++at) {
            if (text[at] == '\\') ++at;
        }
        return std::min(at + 1, text.size());
    }
    return std::min(text.find_first_of(" &", at), text.size());
}

} // namespace

Options parse_options(int argc, const char* const* argv) {
    Options options;
    options.hostname = detect_hostname();
    options.capacity.cpu_cores = detect_cpu_cores();
    options.capacity.memory_mib = detect_memory_mib();
    options.state_dir = default_state_dir();
    options.program_dir = directory_of_program();
    double memory_gb = 0;
    bool no_listen = false;

    CLI::App app{"Runs the jobs that the rcq controller in a PostgreSQL database places on this host.", "rcq-executor"};
    app.footer(footer);
    app.set_version_flag("--version", "rcq-executor, protocol " + std::to_string(protocol::version));
    app.option_defaults()->always_capture_default();
    auto env = [](const std::string& name) {
        std::string variable = "RCQ_EXECUTOR_";
        for (char c : name) variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        return variable;
    };
    auto add = [&](const std::string& name, auto& target, const std::string& text) {
        return app.add_option("--" + name, target, text)->envname(env(name));
    };
    auto seconds = CLI::Range(0.0, 1e9);

    add("dsn", options.dsn, "connection string or URI of the database")->capture_default_str()->type_name("CONNINFO");
    add("hostname", options.hostname, "name under which the host is shown");
    add("cpu-cores", options.capacity.cpu_cores, "CPU cores to offer")->check(CLI::Range(1, 1 << 20));
    auto* memory = app.add_option("--memory-gb", memory_gb,
                                  "memory to offer, 1 GB = 2^30 bytes; default: all but 5 % (512 MiB to 4 GiB)")
                       ->envname(env("memory-gb"))
                       ->check(CLI::Range(0.001, 1e9));
    memory->default_str("");
    add("gpus", options.capacity.gpu_count, "GPUs to offer, granted by index from 0")->check(CLI::Range(0, 1024));
    add("gpu-type", options.capacity.gpu_type, "model of the GPUs, for jobs that ask for one: a100")->type_name("WORD");
    add("features", options.features, "features of this host, comma separated")->delimiter(',')->type_name("WORD,...");
    add("state-dir", options.state_dir, "directory for run directories, logs and outputs");
    add("workdir-allow", options.workdir_allow,
        "directories that jobs may name as workdir, comma separated or repeated")
        ->delimiter(',')
        ->type_name("DIR,...");
    add("max-runs", options.max_runs, "greatest number of runs at the same time")->check(CLI::Range(1, 1'000'000));
    add("poll", options.poll_s, "seconds between two syncs when nothing happens")->check(CLI::Range(0.1, 3600.0));
    app.add_flag("--no-listen", no_listen, "do not LISTEN (a transaction pooler is in between): poll 0.25 s to 1 s")
        ->envname(env("no-listen"));
    add("kill-grace", options.kill_grace_s, "seconds from SIGTERM to SIGKILL")->check(seconds);
    add("drain-timeout", options.drain_timeout_s, "seconds of draining before runs are cancelled; 0: no limit")
        ->check(seconds);
    add("keep-outputs", options.keep_outputs_days, "days to keep outputs and logs of ended runs")->check(seconds);
    add("log-level", options.log_level, "least severe level to log")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
    app.add_flag("--check", options.check, "check the options, print what would be registered, and end");

    try {
        app.parse(argc, argv);
        options.listen = !no_listen;
        finish(options, memory_gb, memory->count() > 0);
    } catch (const CLI::CallForHelp&) {
        throw OptionsExit(0, app.help());
    } catch (const CLI::CallForVersion& version) {
        throw OptionsExit(0, version.what());
    } catch (const CLI::ParseError& error) {
        mistake(std::string(error.what()) + "\nTry rcq-executor --help");
    }
    return options;
}

std::string describe_registration(const Options& options) {
    nlohmann::ordered_json text = {{"hostname", options.hostname},
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
    return text.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void hide_password_in_arguments(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        std::string_view text(argv[i]);
        auto blot = [&](std::size_t from, std::size_t to) { std::memset(argv[i] + from, 'x', to - from); };
        std::size_t scheme = text.find("://");
        std::size_t at = scheme == std::string_view::npos ? scheme : text.find('@', scheme);
        if (at != std::string_view::npos) { // scheme://user:password@host
            std::size_t colon = text.find(':', scheme + 3);
            if (colon < at) blot(colon + 1, at);
        }
        for (std::size_t key = text.find("password"); key != std::string_view::npos; key = text.find("password", key)) {
            key += std::string_view("password").size();
            std::size_t equals = text.find_first_not_of(' ', key);
            if (equals == std::string_view::npos || text[equals] != '=') continue;
            std::size_t value = std::min(text.find_first_not_of(' ', equals + 1), text.size());
            blot(value, end_of_value(text, value));
        }
    }
}

} // namespace rcq::executor
