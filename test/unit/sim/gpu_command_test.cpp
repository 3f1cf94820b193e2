#include "sim/gpu_command.hpp"
#include "sim/usage_error.hpp"
#include "trace_files.hpp"
#include <algorithm>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

using namespace rcq::sim;

namespace {

class GpuCommand : public TraceFiles {
protected:
    // Runs `rcq-sim gpu`: what it prints, and what it complains about.
    void run(std::vector<std::string> arguments) {
        CLI::App app;
        add_gpu_command(app);
        arguments.insert(arguments.begin(), "gpu");
        std::reverse(arguments.begin(), arguments.end());
        testing::internal::CaptureStdout();
        err.clear();
        try {
            app.parse(std::move(arguments));
        } catch (const UsageError& error) {
            err = error.what();
        }
        out = testing::internal::GetCapturedStdout();
    }

    std::string nodes = write("nodes.csv", "cpu_milli,memory_mib,gpu,model\n"
                                           "16000,65536,4,T4\n"
                                           "16000,65536,0,\n"
                                           "broken\n");
    std::string pods = write("pods.csv", "cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"
                                         "1000,1024,1,500,\n"
                                         "2000,1024,1,1000,T4\n"
                                         "2000,1024,1,1000,A100\n");
    std::string out;
    std::string err;
};

TEST_F(GpuCommand, the_json_answer_has_mean_least_and_every_run) {
    run({nodes, pods, "--runs", "3", "--json"});
    const auto answer = nlohmann::json::parse(out);
    EXPECT_EQ(answer["nodes"], 2);
    EXPECT_EQ(answer["gpus"], 4);
    EXPECT_EQ(answer["pods"], 3);
    EXPECT_EQ(answer["skipped"]["nodes"]["columns"], 1);
    const std::vector<double> runs = answer["gpu_allocated_at_100_runs"];
    ASSERT_EQ(runs.size(), 3U);
    EXPECT_DOUBLE_EQ(answer["gpu_allocated_at_100"], (runs[0] + runs[1] + runs[2]) / 3);
    EXPECT_EQ(answer["gpu_allocated_at_100_min"], *std::min_element(runs.begin(), runs.end()));
    EXPECT_EQ(answer["best_fit_at_100_runs"].size(), 3U);
    EXPECT_EQ(answer["by_demand"].size(), 13U);
    EXPECT_EQ(answer["by_demand"][9]["demand"], 100);
    EXPECT_EQ(answer["by_demand"][9]["gpu_allocated"], answer["gpu_allocated_at_100"]);
}

TEST_F(GpuCommand, the_same_seed_gives_the_same_answer) {
    run({nodes, pods, "--seed", "5", "--runs", "2"});
    const std::string first = out;
    EXPECT_THAT(first, testing::HasSubstr("gpu_allocated_at_100 "));
    run({nodes, pods, "--seed", "5", "--runs", "2"});
    EXPECT_EQ(out, first);
}

TEST_F(GpuCommand, nodes_without_gpus_can_be_left_out) {
    run({nodes, pods, "--gpu-nodes-only", "--json"});
    EXPECT_EQ(nlohmann::json::parse(out)["nodes"], 1);
}

TEST_F(GpuCommand, input_of_no_use_is_told_in_one_line) {
    run({path("missing.csv"), pods});
    EXPECT_THAT(err, testing::HasSubstr("cannot"));
    run({nodes, write("none.csv", "cpu_milli,memory_mib,num_gpu,gpu_milli\n1000,1,0,0\n")});
    EXPECT_THAT(err, testing::HasSubstr("too few GPUs"));
    run({write("cpu.csv", "cpu_milli,memory_mib,gpu,model\n1000,1,0,\n"), pods});
    EXPECT_THAT(err, testing::HasSubstr("has no GPUs"));
    EXPECT_EQ(out, "");
}

} // namespace
