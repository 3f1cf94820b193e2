#include "executor/options.hpp"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace rcq::executor {
namespace {

Options parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "rcq-executor");
    return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

int exit_code_of(const std::vector<const char*>& arguments) {
    try {
        (void)parse(arguments);
    } catch (const OptionsExit& early) {
        EXPECT_NE(std::string(early.what()), "");
        return early.code;
    }
    return -1;
}

TEST(Options, defaults_are_detected) {
    Options options = parse({});
    EXPECT_GE(options.capacity.cpu_cores, 1);
    EXPECT_GE(options.capacity.memory_mib, 64);
    EXPECT_EQ(options.capacity.gpu_count, 0);
    EXPECT_FALSE(options.hostname.empty());
    EXPECT_TRUE(options.listen);
    EXPECT_TRUE(options.workdir_allow.empty());
    EXPECT_EQ(options.max_runs, 10000);
    EXPECT_EQ(options.poll_s, 5);
}

TEST(Options, command_line_overrides) {
    Options options = parse({"--cpu-cores", "3", "--memory-gb", "1.5", "--gpus", "2", "--gpu-type", "a100",
                             "--features", "b,a,b", "--workdir-allow", "/tmp/,/usr/../usr/bin", "--no-listen",
                             "--state-dir", "/var/x/../y/", "--hostname", "node-a"});
    EXPECT_EQ(options.capacity.cpu_cores, 3);
    EXPECT_EQ(options.capacity.memory_mib, 1536);
    EXPECT_EQ(options.capacity.gpu_count, 2);
    EXPECT_EQ(options.capacity.gpu_type, "a100");
    EXPECT_EQ(options.features, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(options.workdir_allow, (std::vector<std::string>{"/tmp", "/usr/bin"}));
    EXPECT_FALSE(options.listen);
    EXPECT_EQ(options.state_dir, "/var/y");
    EXPECT_EQ(options.hostname, "node-a");
}

TEST(Options, the_environment_counts_and_the_command_line_wins) {
    setenv("RCQ_EXECUTOR_CPU_CORES", "7", 1);  // NOLINT(concurrency-mt-unsafe)
    setenv("RCQ_EXECUTOR_FEATURES", "x,y", 1); // NOLINT(concurrency-mt-unsafe)
    EXPECT_EQ(parse({}).capacity.cpu_cores, 7);
    EXPECT_EQ(parse({}).features, (std::vector<std::string>{"x", "y"}));
    EXPECT_EQ(parse({"--cpu-cores", "2"}).capacity.cpu_cores, 2);
    setenv("RCQ_EXECUTOR_CPU_CORES", "many", 1); // NOLINT(concurrency-mt-unsafe)
    EXPECT_EQ(exit_code_of({}), 1);
    unsetenv("RCQ_EXECUTOR_CPU_CORES"); // NOLINT(concurrency-mt-unsafe)
    unsetenv("RCQ_EXECUTOR_FEATURES");  // NOLINT(concurrency-mt-unsafe)
}

TEST(Options, mistakes_end_with_1) {
    EXPECT_EQ(exit_code_of({"--cpu-cores", "0"}), 1);
    EXPECT_EQ(exit_code_of({"--cpu-cores", "two"}), 1);
    EXPECT_EQ(exit_code_of({"--memory-gb", "-1"}), 1);
    EXPECT_EQ(exit_code_of({"--gpus", "-1"}), 1);
    EXPECT_EQ(exit_code_of({"--gpu-type", "a100"}), 1) << "of which GPUs?";
    EXPECT_EQ(exit_code_of({"--gpus", "1", "--gpu-type", "A 100"}), 1);
    EXPECT_EQ(exit_code_of({"--max-runs", "0"}), 1);
    EXPECT_EQ(exit_code_of({"--poll", "0"}), 1);
    EXPECT_EQ(exit_code_of({"--log-level", "loud"}), 1);
    EXPECT_EQ(exit_code_of({"--workdir-allow", "relative"}), 1);
    EXPECT_EQ(exit_code_of({"--state-dir", "relative"}), 1);
    EXPECT_EQ(exit_code_of({"--features", "two words"}), 1);
    EXPECT_EQ(exit_code_of({"--no-such-option"}), 1);
    EXPECT_EQ(exit_code_of({"stray"}), 1);
}

TEST(Options, help_and_version_end_with_0) {
    EXPECT_EQ(exit_code_of({"--help"}), 0);
    EXPECT_EQ(exit_code_of({"--version"}), 0);
}

TEST(Options, values_are_refused_with_what_to_do) {
    auto text_of = [](const std::vector<const char*>& arguments) {
        try {
            (void)parse(arguments);
        } catch (const OptionsExit& early) {
            return std::string(early.what());
        }
        return std::string();
    };
    using ::testing::HasSubstr;
    EXPECT_THAT(text_of({"--prolog", "p.sh"}), HasSubstr("--prolog: \"p.sh\" is not an absolute path"));
    EXPECT_THAT(text_of({"--health-check", "h"}), HasSubstr("--health-check"));
    EXPECT_THAT(text_of({"--supervisor", "s"}), HasSubstr("--supervisor"));
    EXPECT_THAT(text_of({"--status-file", "s"}), HasSubstr("--status-file"));
    EXPECT_THAT(text_of({"--cgroup", "maybe"}), HasSubstr("none of auto, off, required"));
    EXPECT_THAT(text_of({"--gpus", "2", "--gpu-ids", "GPU-a"}), HasSubstr("1 ids for 2 GPUs"));
    EXPECT_THAT(text_of({"--gpu-ids", "GPU-a,GPU-a"}), HasSubstr("is there twice"));
    EXPECT_THAT(text_of({"--gpus", "auto", "--gpu-ids", "GPU-a"}), HasSubstr("found out"));
    EXPECT_THAT(text_of({"--gpus", "auto", "--gpu-type", "a100"}), HasSubstr("found out"));
    EXPECT_THAT(text_of({"--gpus", "2", "--gpu-query", "/bin/true"}), HasSubstr("--gpu-ids"));
    EXPECT_THAT(text_of({"--gpus", "2x"}), HasSubstr("no number"));
    EXPECT_THAT(text_of({"--features", "Upper"}), HasSubstr("\"Upper\" is not a word"));
    EXPECT_THAT(text_of({"--allow-users", "@"}), HasSubstr("empty name"));
    EXPECT_THAT(text_of({"--slurm-partition", "p"}), HasSubstr("--backend slurm"));
    EXPECT_THAT(text_of({"--backend", "k8s"}), HasSubstr("--backend"));
    EXPECT_THAT(text_of({"--health-interval", "0"}), HasSubstr("--health-interval"));
}

TEST(Options, what_runs_may_use_and_who_looks_after_the_host) {
    Options options = parse({"--supervisor",
                             "/opt/s",
                             "--cgroup",
                             "/sys/fs/cgroup/x",
                             "--no-cpu-affinity",
                             "--allow-users",
                             "alice,@staff",
                             "--default-user",
                             "nobody",
                             "--run-quota-gb",
                             "2.5",
                             "--min-free-gb",
                             "3",
                             "--log-limit-gb",
                             "0",
                             "--max-open-files",
                             "100",
                             "--max-processes",
                             "50",
                             "--max-core-gb",
                             "0.5",
                             "--prolog",
                             "/p",
                             "--epilog",
                             "/e",
                             "--hook-timeout",
                             "7",
                             "--health-check",
                             "/h",
                             "--health-interval",
                             "8",
                             "--health-timeout",
                             "9",
                             "--status-file",
                             "/run/s.json",
                             "--gpu-ids",
                             "GPU-a,GPU-b",
                             "--gpu-query",
                             "/q",
                             "--backend",
                             "slurm",
                             "--slurm-partition",
                             "long",
                             "--no-detect"});
    EXPECT_EQ(options.supervisor_program, "/opt/s");
    EXPECT_EQ(options.cgroup, "/sys/fs/cgroup/x");
    EXPECT_FALSE(options.cpu_affinity);
    EXPECT_EQ(options.allow_users, (std::vector<std::string>{"alice", "@staff"}));
    EXPECT_EQ(options.default_user, "nobody");
    EXPECT_EQ(options.run_quota_gb, 2.5);
    EXPECT_EQ(options.min_free_gb, 3);
    EXPECT_EQ(options.log_limit_gb, 0);
    EXPECT_EQ(options.max_open_files, 100);
    EXPECT_EQ(options.max_processes, 50);
    EXPECT_EQ(options.max_core_gb, 0.5);
    EXPECT_EQ(options.prolog, "/p");
    EXPECT_EQ(options.epilog, "/e");
    EXPECT_EQ(options.hook_timeout_s, 7);
    EXPECT_EQ(options.health_check, "/h");
    EXPECT_EQ(options.health_interval_s, 8);
    EXPECT_EQ(options.health_timeout_s, 9);
    EXPECT_EQ(options.status_file, "/run/s.json");
    EXPECT_EQ(options.capacity.gpu_count, 2) << "by their ids";
    EXPECT_EQ(options.gpu_query, "/q");
    EXPECT_EQ(options.backend, "slurm");
    EXPECT_EQ(options.slurm_partition, "long");
    EXPECT_FALSE(options.detect);
    EXPECT_TRUE(parse({"--gpus", "auto"}).gpus_auto);
}

TEST(Options, what_is_not_given_lies_beside_the_program_and_in_the_state_directory) {
    Options options = parse({"--state-dir", "/var/x"});
    EXPECT_EQ(options.supervisor_program, options.program_dir + "/rcq-supervisor");
    EXPECT_EQ(options.status_file, "/var/x/status.json");
}

} // namespace
} // namespace rcq::executor
