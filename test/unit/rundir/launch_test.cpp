#include "rundir/launch.hpp"

#include <gtest/gtest.h>

namespace rcq::rundir {
namespace {

using namespace std::string_literals;

Launch full_launch() {
    Launch launch;
    launch.job_id = 11;
    launch.attempt = 2;
    launch.token = 9'223'372'036'854'775'807;
    launch.arguments = {"/bin/sh", "-c", "echo \"a b\"\nexit", ""};
    launch.environment = {"A=1", "B=x=y", "EMPTY="};
    launch.workdir = "/data/a b";
    launch.workdir_allow = {"/data", "/scratch"};
    launch.time_limit_ms = 1;
    launch.kill_grace_ms = 2;
    launch.memory_mib = 3;
    launch.quota_mib = 4;
    launch.log_limit = 5;
    launch.contact_file = "/state/contact";
    launch.cgroup = "/sys/fs/cgroup/rcq/7";
    launch.cgroup_memory = true;
    launch.cpus = {0, 3, 127};
    launch.switch_user = true;
    launch.uid = 4'294'967'294U;
    launch.gid = 1001;
    launch.groups = {1001, 27};
    launch.max_open_files = 6;
    launch.max_processes = 7;
    launch.max_core_bytes = 8;
    launch.prolog = "/etc/prolog";
    launch.epilog = "/etc/epilog";
    launch.hook_limit_ms = 9;
    launch.hook_environment = {"RCQ_JOB_ID=11", "CUDA_VISIBLE_DEVICES="};
    launch.interpreter = "/usr/bin/python3 -u";
    launch.gpus = {1, 2};
    return launch;
}

// The fields, one by one in an order of their own, so that none is forgotten where the encoder forgets it.
void expect_equal(const Launch& a, const Launch& b) {
    EXPECT_EQ(a.job_id, b.job_id);
    EXPECT_EQ(a.attempt, b.attempt);
    EXPECT_EQ(a.token, b.token);
    EXPECT_EQ(a.arguments, b.arguments);
    EXPECT_EQ(a.environment, b.environment);
    EXPECT_EQ(a.workdir, b.workdir);
    EXPECT_EQ(a.workdir_allow, b.workdir_allow);
    EXPECT_EQ(a.time_limit_ms, b.time_limit_ms);
    EXPECT_EQ(a.kill_grace_ms, b.kill_grace_ms);
    EXPECT_EQ(a.memory_mib, b.memory_mib);
    EXPECT_EQ(a.quota_mib, b.quota_mib);
    EXPECT_EQ(a.log_limit, b.log_limit);
    EXPECT_EQ(a.contact_file, b.contact_file);
    EXPECT_EQ(a.cgroup, b.cgroup);
    EXPECT_EQ(a.cgroup_memory, b.cgroup_memory);
    EXPECT_EQ(a.cpus, b.cpus);
    EXPECT_EQ(a.switch_user, b.switch_user);
    EXPECT_EQ(a.uid, b.uid);
    EXPECT_EQ(a.gid, b.gid);
    EXPECT_EQ(a.groups, b.groups);
    EXPECT_EQ(a.max_open_files, b.max_open_files);
    EXPECT_EQ(a.max_processes, b.max_processes);
    EXPECT_EQ(a.max_core_bytes, b.max_core_bytes);
    EXPECT_EQ(a.prolog, b.prolog);
    EXPECT_EQ(a.epilog, b.epilog);
    EXPECT_EQ(a.hook_limit_ms, b.hook_limit_ms);
    EXPECT_EQ(a.hook_environment, b.hook_environment);
    EXPECT_EQ(a.interpreter, b.interpreter);
    EXPECT_EQ(a.gpus, b.gpus);
}

// What LaunchError says; empty when there is none.
std::string fault_of(const std::string& bytes) {
    try {
        decode_launch(bytes);
    } catch (const LaunchError& error) {
        return error.what();
    }
    return {};
}

std::string with(const std::string& name, const std::string& value) {
    return name + '\0' + value + '\0' + "token\0"s + "7\0"s + "argument\0/bin/true\0complete\0\0"s;
}

TEST(Launch, comes_back_as_it_was_written) {
    const Launch launch = full_launch();
    expect_equal(decode_launch(encode(launch)), launch);
}

TEST(Launch, defaults_come_back) {
    Launch launch;
    launch.token = 1;
    launch.arguments = {"/bin/true"};
    expect_equal(decode_launch(encode(launch)), launch);
}

TEST(Launch, cut_short_anywhere_is_refused) {
    const std::string bytes = encode(full_launch());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(fault_of(bytes.substr(0, size)), "the launch file is cut short") << size;
    }
}

TEST(Launch, names_that_are_not_known_are_skipped) {
    EXPECT_EQ(fault_of(with("of_a_later_version", "x")), "");
    EXPECT_EQ(decode_launch(with("of_a_later_version", "x")).token, 7);
}

TEST(Launch, zero_bytes_are_refused_with_the_name_of_the_field) {
    Launch launch = full_launch();
    launch.environment.push_back("A=\0"s);
    try {
        encode(launch);
        FAIL() << "accepted";
    } catch (const LaunchError& error) {
        EXPECT_STREQ(error.what(), "field \"env\" of the launch file contains a zero byte");
    }
}

TEST(Launch, what_is_not_a_number_is_refused) {
    for (const char* value : {"", "x", "1x", " 1", "1.5", "99999999999999999999"}) {
        EXPECT_EQ(fault_of(with("memory_mib", value)),
                  "field \"memory_mib\" of the launch file is not a number: \"" + std::string(value) + "\"");
    }
}

TEST(Launch, numbers_out_of_range_are_refused) {
    for (const auto& [name, value] : {std::pair{"time_limit_ms", "-1"},
                                      {"quota_mib", "9000000000000000000"},
                                      {"uid", "4294967296"},
                                      {"group", "-1"},
                                      {"cpu", "-1"},
                                      {"cpu", "2147483648"},
                                      {"switch_user", "2"}}) {
        EXPECT_EQ(fault_of(with(name, value)),
                  "field \"" + std::string(name) + "\" of the launch file is out of range: " + value);
    }
}

TEST(Launch, needs_a_token_and_arguments) {
    EXPECT_EQ(fault_of("argument\0x\0complete\0\0"s), "the launch file has no token");
    EXPECT_EQ(fault_of("token\0"s + "1\0complete\0\0"s), "the launch file has no arguments");
}

} // namespace
} // namespace rcq::rundir
