#include "core/fitness.hpp"
#include "fragmentation.hpp"
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;

namespace {

Shape wants(std::int32_t cores, std::int64_t memory_mib, std::int32_t gpu_milli, std::string gpu_type = {}) {
    Shape s;
    s.need = {cores, memory_mib, gpu_milli};
    s.gpu_type = std::move(gpu_type);
    return s;
}

Executor host(Resources capacity, std::string gpu_type = {}) {
    Executor e;
    e.id = 1;
    e.capacity = capacity;
    e.gpu_type = std::move(gpu_type);
    return e;
}

TEST(CanHost, any_of_the_models_that_a_shape_allows_will_do) {
    const auto a100 = host({8, 8192, 1000}, "A100");
    EXPECT_TRUE(can_host(a100, wants(1, 1, 1000)));
    EXPECT_TRUE(can_host(a100, wants(1, 1, 1000, "A100")));
    EXPECT_TRUE(can_host(a100, wants(1, 1, 1000, "T4|A100")));
    EXPECT_TRUE(can_host(a100, wants(1, 1, 1000, "A100|T4")));
    EXPECT_FALSE(can_host(a100, wants(1, 1, 1000, "T4")));
    EXPECT_FALSE(can_host(a100, wants(1, 1, 1000, "A10|A1000|100")));
}

TEST(CanHost, an_executor_of_unknown_model_suits_only_those_that_take_any) {
    const auto unknown = host({8, 8192, 1000});
    EXPECT_TRUE(can_host(unknown, wants(1, 1, 1000)));
    EXPECT_FALSE(can_host(unknown, wants(1, 1, 1000, "A100")));
    EXPECT_FALSE(can_host(unknown, wants(1, 1, 1000, "|A100|")));
}

TEST(Workload, equal_shapes_are_counted_together_and_the_most_popular_come_first) {
    const Workload w({{wants(1, 1, 500), 20}, {wants(2, 2, 1000), 50}, {wants(1, 1, 500), 30 + 1}}, 100);
    ASSERT_EQ(w.classes().size(), 2U);
    EXPECT_EQ(w.classes()[0].shape, wants(1, 1, 500));
    EXPECT_EQ(w.classes()[0].weight, 504'950) << "51 of 101";
    EXPECT_EQ(w.classes()[1].weight, 495'049);
    EXPECT_EQ(w.total_weight(), 999'999);
}

TEST(Workload, shapes_without_gpus_exclusive_ones_and_none_are_left_out) {
    Shape alone = wants(1, 1, 1000);
    alone.exclusive = true;
    EXPECT_TRUE(Workload({{wants(1, 1, 0), 10}, {alone, 10}, {wants(1, 1, 1000), 0}}).empty());
    EXPECT_EQ(Workload(std::vector<Workload::Counted>{}), Workload());
}

TEST(Workload, unpopular_shapes_are_dropped_once_the_kept_ones_make_up_the_part_asked_for) {
    std::vector<Workload::Counted> jobs{{wants(1, 1, 1000), 90}, {wants(2, 1, 1000), 6}, {wants(3, 1, 1000), 4}};
    EXPECT_EQ(Workload(jobs, 90).classes().size(), 1U);
    EXPECT_EQ(Workload(jobs, 91).classes().size(), 2U);
    EXPECT_EQ(Workload(jobs, 100).classes().size(), 3U);
    jobs.clear();
    for (int i = 0; i < 200; ++i) jobs.push_back({wants(1 + i, 1, 1000), 1});
    EXPECT_EQ(Workload(jobs, 100).classes().size(), Workload::max_classes);
}

TEST(Workload, the_order_in_which_jobs_are_given_does_not_matter) {
    std::vector<Workload::Counted> jobs;
    for (int i = 0; i < 100; ++i) jobs.push_back({wants(1 + i % 70, 1, 1000), 1 + i % 3});
    const Workload forwards(jobs);
    std::reverse(jobs.begin(), jobs.end());
    EXPECT_TRUE(forwards == Workload(jobs));
}

// Half of the jobs want 600 thousandths and 4 cores, half want 1 GPU and 8 cores.
TEST(Workload, usable_is_what_each_class_can_take_weighted_by_its_popularity) {
    const Workload w({{wants(4, 1, 600), 1}, {wants(8, 1, 1000), 1}});
    const auto on = [&](std::int32_t cores, GpuRoom gpus) {
        const Resources free{cores, 1024, gpus.free_milli()};
        return w.usable(w.hosted_by(host(free)), free, gpus);
    };
    constexpr std::int64_t half = 500'000;
    EXPECT_EQ(on(8, GpuRoom(2000)), half * 2000 + half * 2000);
    EXPECT_EQ(on(7, GpuRoom(2000)), half * 2000) << "cores for the small one only";
    EXPECT_EQ(on(3, GpuRoom(2000)), 0);
    GpuRoom split(2000);
    split.take(300);
    EXPECT_EQ(on(8, split), half * 1700 + half * 1000) << "700 of the shared device suits the small class alone";
    split.take(200);
    EXPECT_EQ(on(8, split), half * 1000 + half * 1000) << "500 suits nobody";
    split.take(1000);
    EXPECT_EQ(on(8, split), 0);
}

TEST(Workload, a_class_whose_model_the_executor_lacks_can_use_nothing_of_it) {
    const Workload w({{wants(1, 1, 1000, "A100"), 1}, {wants(1, 1, 1000, "T4|A100"), 1}});
    const Resources free{8, 1024, 1000};
    EXPECT_EQ(w.usable(w.hosted_by(host(free, "A100")), free, GpuRoom(1000)), 1'000'000'000);
    EXPECT_EQ(w.usable(w.hosted_by(host(free, "T4")), free, GpuRoom(1000)), 500'000'000);
    EXPECT_EQ(w.usable(w.hosted_by(host(free)), free, GpuRoom(1000)), 0);
}

TEST(Workload, mismatch_grows_with_the_distance_from_the_ratio_of_free_cores_to_free_gpus) {
    const Workload w({{wants(4, 1, 1000), 1}});
    const Resources free{16, 1024, 2000}; // 8 cores per GPU
    const auto most = most_mismatch * w.total_weight();
    EXPECT_EQ(w.mismatch({8, 1, 1000}, free), 0);
    EXPECT_EQ(w.mismatch({4, 1, 500}, free), 0);
    EXPECT_EQ(w.mismatch({4, 1, 1000}, free), most / 3) << "(8 - 4) / (8 + 4)";
    EXPECT_EQ(w.mismatch({16, 1, 1000}, free), most / 3);
    EXPECT_EQ(w.mismatch({0, 1, 1000}, free), most);
    EXPECT_EQ(w.mismatch({5, 1, 0}, free), 0);
}

TEST(Workload, fragmentation_is_total_less_usable_on_nodes_at_random) {
    std::mt19937 random(3);
    const auto draw = [&](int n) { return static_cast<std::int32_t>(random() % static_cast<unsigned>(n)); };
    for (int round = 0; round < 500; ++round) {
        std::vector<Workload::Counted> jobs;
        for (int i = draw(80); i >= 0; --i) {
            const char* const types[] = {"", "A", "B", "A|B"};
            jobs.push_back({wants(1 + draw(16), 1024 * (1 + draw(16)), draw(2) ? 1000 * (1 + draw(8)) : 1 + draw(999),
                                  types[draw(4)]),
                            1 + draw(20)});
        }
        const Workload w(jobs);
        for (int node = 0; node < 20; ++node) {
            Executor e = host({32, 32768, 1000 * draw(9)}, draw(2) ? "A" : "B");
            GpuRoom gpus(e.capacity.gpu_milli);
            std::vector<std::int32_t> devices(static_cast<std::size_t>(gpus.whole_free()), 1000);
            for (std::int32_t& device : devices) {
                if (draw(3) == 0) continue;
                const std::int32_t taken = 1 + draw(1000);
                if (taken == 1000)
                    gpus.take(1000);
                else
                    gpus.take_at(taken, gpus.unused_slot());
                device -= taken;
            }
            const Resources free{draw(32), 1024 * draw(32), gpus.free_milli()};
            ASSERT_EQ(w.total_weight() * gpus.free_milli() - w.usable(w.hosted_by(e), free, gpus),
                      fragmentation(w, e, free, devices));
        }
    }
}

} // namespace
