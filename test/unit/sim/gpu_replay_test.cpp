#include "sim/gpu_replay.hpp"
#include "sim/gpu_trace.hpp"
#include <cstdlib>
#include <gmock/gmock.h>
#include <numeric>

using namespace rcq::sim;
using namespace rcq::core;

namespace {

Shape pod(std::int32_t cores, std::int32_t gpu_milli) {
    Shape s;
    s.need = {cores, 1024, gpu_milli};
    return s;
}

std::vector<Executor> nodes(int count, Resources capacity) {
    std::vector<Executor> list(static_cast<std::size_t>(count));
    for (ExecutorId id = 0; id < count; ++id) {
        list[static_cast<std::size_t>(id)].id = id + 1;
        list[static_cast<std::size_t>(id)].capacity = capacity;
    }
    return list;
}

TEST(GpuReplay, every_pod_arrives_once_before_any_comes_again) {
    const std::vector<Shape> pods(100, pod(1, 1000));
    auto arrivals = *random_arrivals(pods, 150'000, 7);
    ASSERT_EQ(arrivals.size(), 150U);
    EXPECT_EQ(arrivals, *random_arrivals(pods, 150'000, 7));
    EXPECT_NE(arrivals, *random_arrivals(pods, 150'000, 8));
    std::vector<std::size_t> all(100);
    std::iota(all.begin(), all.end(), std::size_t{0});
    arrivals.resize(100);
    EXPECT_NE(arrivals, all);
    EXPECT_THAT(arrivals, testing::UnorderedElementsAreArray(all));
}

TEST(GpuReplay, arrivals_end_with_the_one_that_brings_the_sum_to_the_target) {
    const std::vector<Shape> pods{pod(1, 300), pod(1, 0), pod(1, 2000)};
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const auto arrivals = *random_arrivals(pods, 5000, seed);
        std::int64_t asked = 0;
        for (const std::size_t i : arrivals) asked += pods[i].need.gpu_milli;
        EXPECT_GE(asked, 5000);
        EXPECT_LT(asked - pods[arrivals.back()].need.gpu_milli, 5000);
    }
}

TEST(GpuReplay, pods_that_ask_for_no_gpu_never_reach_a_target) {
    EXPECT_FALSE(random_arrivals(std::vector<Shape>{pod(1, 0)}, 1000, 1));
    EXPECT_FALSE(random_arrivals(std::vector<Shape>{}, 1000, 1));
}

TEST(GpuReplay, what_does_not_fit_is_turned_away_and_counts_as_arrived) {
    const auto cluster = nodes(1, {64, 65536, 2000});
    const std::vector<Shape> pods{pod(1, 600), pod(1, 2000), pod(1, 0)};
    const std::vector<std::size_t> arrivals{2, 0, 1, 0};
    const std::vector<int> demands{10, 30, 100, 160};
    const Allocation a = replay(cluster, pods, arrivals, demands, nullptr);
    EXPECT_THAT(a.percent, testing::ElementsAre(30, 30, 30, 60)) << "600, 600, 600 of 2,600 and 1,200 of 3,200";
    EXPECT_EQ(a.turned_away, 1U);
}

// 12 cores per GPU on most nodes and 52 on the others; pods that want 3 to 19 cores per GPU, many of them shares that
// leave rests. Best fit fills nodes in whatever ratio and leaves GPUs without cores.
TEST(GpuReplay, expecting_the_workload_allocates_gpus_that_best_fit_strands) {
    auto cluster = nodes(40, {96, 1 << 20, 8000});
    const auto roomy = nodes(70, {104, 1 << 20, 2000});
    cluster.insert(cluster.end(), roomy.begin() + 40, roomy.end());
    std::vector<Shape> pods;
    for (const auto& [count, shape] : std::vector<std::pair<std::size_t, Shape>>{{60, pod(3, 810)},
                                                                                 {110, pod(11, 1000)},
                                                                                 {30, pod(3, 1000)},
                                                                                 {60, pod(12, 470)},
                                                                                 {30, pod(19, 1000)},
                                                                                 {30, pod(12, 650)},
                                                                                 {30, pod(4, 320)},
                                                                                 {40, pod(16, 1000)}})
        pods.insert(pods.end(), count, shape);
    const std::vector<int> demands{100};
    const auto expected = std::make_shared<const Workload>(workload_of(pods));
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        const auto arrivals = *random_arrivals(pods, gpu_milli_of(cluster), seed);
        const double ours = replay(cluster, pods, arrivals, demands, expected).percent[0];
        const double best_fit = replay(cluster, pods, arrivals, demands, nullptr).percent[0];
        EXPECT_GT(ours, best_fit + 2);
    }
}

// The real trace, in the folder that RCQ_TRACES names; without it there is no such test.
class OpenB : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OpenB);

std::vector<std::string> trace_folders() {
    const char* folder = std::getenv("RCQ_TRACES"); // NOLINT(concurrency-mt-unsafe): one thread
    return folder ? std::vector<std::string>{folder} : std::vector<std::string>{};
}
INSTANTIATE_TEST_SUITE_P(Archive, OpenB, testing::ValuesIn(trace_folders()));

TEST_P(OpenB, no_order_of_arrival_falls_behind_best_fit) {
    const std::string& folder = GetParam();
    const auto cluster = read_nodes(folder + "/openb_node_list_all_node.csv.gz").executors;
    const auto pods = read_pods(folder + "/openb_pod_list_default.csv.gz").shapes;
    const auto expected = std::make_shared<const Workload>(workload_of(pods));
    const std::vector<int> demands{100};
    double sum = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const auto arrivals = *random_arrivals(pods, gpu_milli_of(cluster), seed);
        const double ours = replay(cluster, pods, arrivals, demands, expected).percent[0];
        EXPECT_GT(ours, replay(cluster, pods, arrivals, demands, nullptr).percent[0]);
        sum += ours;
    }
    EXPECT_GE(sum / 10, 95.2);
}

} // namespace
