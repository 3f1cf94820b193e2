#include "executor/launch_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace rcq::executor {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class LaunchPlan : public ::testing::Test {
protected:
    rundir::Launch plan(const Account* account = nullptr) {
        return plan_launch(7, 123, spec_, RunDirectory("/runs", 7, spec_.attempt, 123), {{1}, {2, 3}}, account,
                           {&options_, "/state/contact", {"HOME=/home/executor", "LANG=C"}});
    }

    JobSpec spec_;
    Options options_;
};

TEST_F(LaunchPlan, a_script_runs_under_a_shell_in_the_directory_of_its_run) {
    spec_.script = "true\n";
    spec_.attempt = 2;
    const auto launch = plan();
    EXPECT_THAT(launch.arguments, ElementsAre("/bin/sh", "/runs/7-2-123/job/script"));
    EXPECT_EQ(launch.workdir, "/runs/7-2-123/job");
    EXPECT_EQ(launch.interpreter, "");
    EXPECT_THAT(launch.environment, Contains("RCQ_RUN_DIR=/runs/7-2-123/job"));
    EXPECT_THAT(launch.environment, Contains("RCQ_OUTPUT_DIR=/runs/7-2-123/job/out"));
    EXPECT_THAT(launch.environment, Contains("CUDA_VISIBLE_DEVICES=1"));
    EXPECT_THAT(launch.environment, Contains("HOME=/home/executor"));
    EXPECT_THAT(launch.cpus, ElementsAre(2, 3));
    EXPECT_THAT(launch.gpus, ElementsAre(1));
    EXPECT_FALSE(launch.switch_user);
    EXPECT_EQ(launch.time_limit_ms, 0);
    EXPECT_EQ(launch.contact_file, "");
}

TEST_F(LaunchPlan, a_script_with_an_interpreter_is_executed_itself) {
    spec_.script = "#!/usr/bin/python3 -u\nprint()\n";
    const auto launch = plan();
    EXPECT_THAT(launch.arguments, ElementsAre("/runs/7-1-123/job/script"));
    EXPECT_EQ(launch.interpreter, "/usr/bin/python3 -u");
}

TEST_F(LaunchPlan, limits_are_in_the_units_of_the_launch_file) {
    spec_.time_limit_s = 1.5;
    spec_.memory_mib = 100;
    spec_.kill_on_disconnect = true;
    options_.kill_grace_s = 0.25;
    options_.run_quota_gb = 0.001; // a quota that is asked for is never none
    options_.log_limit_gb = 2;
    options_.max_open_files = 99;
    options_.max_processes = 50;
    options_.prolog = "/etc/prolog";
    const auto launch = plan();
    EXPECT_EQ(launch.time_limit_ms, 1500);
    EXPECT_EQ(launch.kill_grace_ms, 250);
    EXPECT_EQ(launch.memory_mib, 100);
    EXPECT_EQ(launch.quota_mib, 2);
    EXPECT_EQ(launch.log_limit, std::int64_t{2} << 30);
    EXPECT_EQ(launch.max_open_files, 99);
    EXPECT_EQ(launch.max_processes, 50);
    EXPECT_EQ(launch.max_core_bytes, 0);
    EXPECT_EQ(launch.prolog, "/etc/prolog");
    EXPECT_EQ(launch.contact_file, "/state/contact");
}

TEST_F(LaunchPlan, allowed_directories_bind_only_a_workdir_of_the_job) {
    options_.workdir_allow = {"/scratch"};
    EXPECT_THAT(plan().workdir_allow, IsEmpty());
    spec_.workdir = "/scratch/a";
    EXPECT_EQ(plan().workdir, "/scratch/a");
    EXPECT_THAT(plan().workdir_allow, ElementsAre("/scratch"));
}

TEST_F(LaunchPlan, another_user_brings_a_home_and_a_name) {
    const Account alice{"alice", "/home/alice", 1001, 1002, {1002, 1003}};
    const auto launch = plan(&alice);
    EXPECT_TRUE(launch.switch_user);
    EXPECT_EQ(launch.uid, 1001U);
    EXPECT_EQ(launch.gid, 1002U);
    EXPECT_THAT(launch.groups, ElementsAre(1002, 1003));
    EXPECT_THAT(launch.environment, Contains("HOME=/home/alice"));
    EXPECT_THAT(launch.environment, Contains("USER=alice"));
    EXPECT_THAT(launch.environment, Contains("LOGNAME=alice"));
    EXPECT_THAT(launch.environment, Not(Contains("HOME=/home/executor")));
}

TEST_F(LaunchPlan, gpus_are_called_by_their_ids) {
    options_.gpu_ids = {"GPU-a", "GPU-b"};
    EXPECT_THAT(plan().environment, Contains("CUDA_VISIBLE_DEVICES=GPU-b"));
    EXPECT_THAT(plan().environment, Contains("ROCR_VISIBLE_DEVICES=GPU-b"));
}

TEST_F(LaunchPlan, hooks_are_told_of_the_gpus_that_were_granted_whatever_the_job_sets) {
    options_.epilog = "/etc/epilog";
    spec_.env = {{"CUDA_VISIBLE_DEVICES", "0"}, {"ROCR_VISIBLE_DEVICES", "$(id)"}, {"LD_PRELOAD", "/evil"}};
    const auto launch = plan();
    EXPECT_THAT(launch.environment, Contains("CUDA_VISIBLE_DEVICES=0"));
    EXPECT_THAT(launch.hook_environment, Contains("CUDA_VISIBLE_DEVICES=1"));
    EXPECT_THAT(launch.hook_environment, Contains("ROCR_VISIBLE_DEVICES=1"));
    EXPECT_THAT(launch.hook_environment, Contains("RCQ_JOB_ID=7"));
    for (const std::string& variable : launch.hook_environment) {
        EXPECT_TRUE(variable.starts_with("RCQ_") || variable.ends_with("_VISIBLE_DEVICES=1")) << variable;
    }
}

TEST_F(LaunchPlan, without_hooks_there_is_nothing_for_them) { EXPECT_THAT(plan().hook_environment, IsEmpty()); }

TEST_F(LaunchPlan, a_long_interpreter_line_is_cut) {
    spec_.script = "#!/bin/sh\nexit";
    EXPECT_EQ(plan().interpreter, "/bin/sh");
    spec_.script = "#!" + std::string(1 << 20, '/') + "\nexit";
    EXPECT_EQ(plan().interpreter, std::string(255, '/'));
    spec_.script = "#!" + std::string(1 << 20, '/');
    EXPECT_EQ(plan().interpreter, std::string(255, '/'));
}

} // namespace
} // namespace rcq::executor
