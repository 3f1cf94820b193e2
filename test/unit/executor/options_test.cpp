#include "executor/options.hpp"

#include <cstdlib>
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

TEST(Options, check_prints_the_registration) {
    std::string text = describe_registration(parse({"--hostname", "n\"1", "--cpu-cores", "3", "--check"}));
    EXPECT_NE(text.find(R"("hostname": "n\"1")"), std::string::npos);
    EXPECT_NE(text.find(R"("cpu_cores": 3)"), std::string::npos);
}

std::string hidden(std::string argument) {
    std::string program = "rcq-executor";
    std::vector<char*> arguments = {program.data(), argument.data()};
    hide_password_in_arguments(2, arguments.data());
    return argument;
}

TEST(Options, a_password_is_blotted_out_of_the_arguments) {
    EXPECT_EQ(hidden("--dsn=host=a password=secret user=b"), "--dsn=host=a password=xxxxxx user=b");
    EXPECT_EQ(hidden("host=a password = 'se cret' user=b"), "host=a password = xxxxxxxxx user=b");
    EXPECT_EQ(hidden("postgresql://bob:secret@host/db"), "postgresql://bob:xxxxxx@host/db");
    EXPECT_EQ(hidden("postgresql://host/db?password=se&x=1"), "postgresql://host/db?password=xx&x=1");
    EXPECT_EQ(hidden("host=a password='a\\'b"), "host=a password=xxxxx");
    EXPECT_EQ(hidden("passwordless password="), "passwordless password=");
    EXPECT_EQ(hidden("postgresql://bob@host/db"), "postgresql://bob@host/db");
    EXPECT_EQ(hidden("--features=a,b"), "--features=a,b");
}

} // namespace
} // namespace rcq::executor
