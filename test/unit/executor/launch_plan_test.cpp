#include "executor/launch_plan.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace rcq::executor {
namespace {

class LaunchPlan : public testing::Test {
protected:
    rundir::Launch plan() {
        settings.options = &options;
        return plan_launch(7, 8, spec, RunDirectory("/runs", 7, 1, 8), {{1, 2}, {}}, nullptr, settings);
    }
    static bool has(const std::vector<std::string>& list, const std::string& text) {
        return std::find(list.begin(), list.end(), text) != list.end();
    }
    Options options;
    LaunchSettings settings;
    JobSpec spec;
};

TEST_F(LaunchPlan, hooks_are_told_of_the_gpus_that_were_granted_whatever_the_job_sets) {
    options.epilog = "/etc/epilog";
    spec.env = {{"CUDA_VISIBLE_DEVICES", "0"}, {"ROCR_VISIBLE_DEVICES", "$(id)"}, {"LD_PRELOAD", "/evil"}};
    const rundir::Launch launch = plan();
    EXPECT_TRUE(has(launch.environment, "CUDA_VISIBLE_DEVICES=0"));
    EXPECT_TRUE(has(launch.hook_environment, "CUDA_VISIBLE_DEVICES=1,2"));
    EXPECT_TRUE(has(launch.hook_environment, "ROCR_VISIBLE_DEVICES=1,2"));
    EXPECT_TRUE(has(launch.hook_environment, "RCQ_JOB_ID=7"));
    for (const std::string& variable : launch.hook_environment) {
        EXPECT_TRUE(variable.starts_with("RCQ_") || variable.ends_with("_VISIBLE_DEVICES=1,2")) << variable;
    }
}

TEST_F(LaunchPlan, without_hooks_there_is_nothing_for_them) { EXPECT_TRUE(plan().hook_environment.empty()); }

TEST_F(LaunchPlan, a_long_interpreter_line_is_cut) {
    spec.script = "#!/bin/sh\nexit";
    EXPECT_EQ(plan().interpreter, "/bin/sh");
    spec.script = "#!" + std::string(1 << 20, '/') + "\nexit";
    EXPECT_EQ(plan().interpreter, std::string(255, '/'));
    spec.script = "#!" + std::string(1 << 20, '/');
    EXPECT_EQ(plan().interpreter, std::string(255, '/'));
}

} // namespace
} // namespace rcq::executor
