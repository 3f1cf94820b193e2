#include "executor/gpu_detection.hpp"
#include "executor/gpu_grants.hpp"
#include "temporary_directory.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <set>

namespace rcq::executor {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> ids_of(const std::vector<Gpu>& gpus) {
    std::vector<std::string> ids;
    for (const Gpu& gpu : gpus) ids.push_back(gpu.id);
    return ids;
}

TEST(GpuDetection, reads_what_nvidia_smi_prints) {
    GpuList list = parse_gpu_list("0, GPU-6a0, NVIDIA A100-SXM4-80GB, 81920\n"
                                  "1, GPU-6a1, NVIDIA A100-SXM4-80GB, 81920\r\n\n");
    EXPECT_EQ(list.error, "");
    ASSERT_EQ(list.gpus.size(), 2);
    EXPECT_EQ(list.gpus[1], (Gpu{"GPU-6a1", "NVIDIA A100-SXM4-80GB", "a100", 81920, ""}));
    EXPECT_TRUE(parse_gpu_list("").gpus.empty());
    EXPECT_EQ(parse_gpu_list("No devices were found\n").error, "");
}

TEST(GpuDetection, a_gpu_that_answers_with_an_error_has_a_fault_and_one_that_does_not_know_has_none) {
    GpuList list = parse_gpu_list("0, GPU-a, Tesla T4, [Unknown Error]\n1, GPU-b, Tesla T4, [N/A]\n"
                                  "2, [GPU is lost], [GPU is lost], [GPU is lost]\n");
    ASSERT_EQ(list.gpus.size(), 3);
    EXPECT_EQ(list.gpus[0].fault, "[Unknown Error]");
    EXPECT_EQ(list.gpus[1].fault, "");
    EXPECT_EQ(list.gpus[1].memory_mib, 0);
    EXPECT_EQ(list.gpus[2].fault, "[GPU is lost]");
    EXPECT_EQ(list.gpus[2].id, "2");
}

TEST(GpuDetection, what_is_no_list_is_an_error_with_its_text) {
    GpuList list = parse_gpu_list("0, GPU-a, Tesla T4, 16384\nUnable to determine the device handle: GPU is lost\n");
    EXPECT_TRUE(list.gpus.empty());
    EXPECT_THAT(list.error, HasSubstr("Unable to determine the device handle"));
    ProgramEnd end;
    end.exit_code = 9;
    end.output = "";
    EXPECT_EQ(gpu_list_of(end).error, "exit code 9");
    end.exit_code = 14; // the list, and a warning about the board's memory
    end.output = "0, GPU-a, Tesla T4, 16384\n";
    EXPECT_EQ(gpu_list_of(end).gpus.size(), 1);
}

TEST(GpuDetection, models_become_short_words) {
    EXPECT_EQ(gpu_type_word("NVIDIA A100-SXM4-80GB"), "a100");
    EXPECT_EQ(gpu_type_word("Tesla V100-PCIE-16GB"), "v100");
    EXPECT_EQ(gpu_type_word("NVIDIA H100 80GB HBM3"), "h100");
    EXPECT_EQ(gpu_type_word("NVIDIA GeForce RTX 4090"), "rtx-4090");
    EXPECT_EQ(gpu_type_word("Tesla T4"), "t4");
    EXPECT_EQ(gpu_type_word("AMD Instinct MI210"), "mi210");
    EXPECT_EQ(gpu_type_word("NVIDIA TITAN"), "nvidia-titan");
    EXPECT_EQ(gpu_type_word("(strange) Thing"), "strange-thing");
}

TEST(GpuDetection, finds_amd_gpus_in_the_order_of_the_bus) {
    TemporaryDirectory root;
    auto device = [&](const std::string& card, const std::string& address, const std::string& vendor,
                      const std::string& unique) {
        const std::string at = "sys/devices/" + address;
        (void)root.file(at + "/vendor", vendor + "\n");
        (void)root.file(at + "/device", "0x740f\n");
        (void)root.file(at + "/mem_info_vram_total", "68702699520\n");
        (void)root.file(at + "/product_name", "AMD Instinct MI210\n");
        if (!unique.empty()) (void)root.file(at + "/unique_id", unique + "\n");
        std::filesystem::create_directories(root.path() + "/sys/class/drm/" + card);
        std::filesystem::create_symlink(root.path() + "/" + at, root.path() + "/sys/class/drm/" + card + "/device");
    };
    EXPECT_TRUE(find_amd_gpus(root.path()).empty());
    device("card1", "0000:03:00.0", "0x1002", "8aa");
    device("card0", "0000:43:00.0", "0x1002", "");
    device("card2", "0000:01:00.0", "0x10de", "9bb");
    std::filesystem::create_directories(root.path() + "/sys/class/drm/card1-DP-1");
    auto gpus = find_amd_gpus(root.path());
    EXPECT_EQ(ids_of(gpus), (std::vector<std::string>{"GPU-8aa", "1"}));
    EXPECT_EQ(gpus[0].memory_mib, 65520);
    EXPECT_EQ(gpus[0].type, "mi210");
}

TEST(GpuDetection, of_several_types_the_most_frequent_is_offered) {
    auto gpu = [](const char* id, const char* type) { return Gpu{id, "", type, 0, ""}; };
    auto choice = choose_gpus({gpu("a", "t4"), gpu("b", "a100"), gpu("c", "a100")});
    EXPECT_EQ(ids_of(choice.offered), (std::vector<std::string>{"b", "c"}));
    EXPECT_EQ(ids_of(choice.left_out), (std::vector<std::string>{"a"}));
    EXPECT_EQ(ids_of(choose_gpus({gpu("a", "t4"), gpu("b", "a100")}).offered), (std::vector<std::string>{"a"}));
    EXPECT_TRUE(choose_gpus({}).offered.empty());
}

TEST(GpuDetection, a_gpu_that_vanished_and_one_with_a_fault_are_told_apart) {
    GpuList now = parse_gpu_list("0, GPU-a, Tesla T4, 16384\n1, GPU-c, Tesla T4, [Unknown Error]\n");
    EXPECT_EQ(gpu_faults({"GPU-a", "GPU-b", "GPU-c"}, now),
              (std::vector<std::string>{"", "is gone", "[Unknown Error]"}));
    EXPECT_EQ(gpu_faults({"GPU-a"}, {{}, "no driver"}), (std::vector<std::string>{"no driver"}));
}

TEST(GpuGrants, calls_gpus_by_their_ids) {
    EXPECT_EQ(gpu_list({0, 2}, {"GPU-a", "GPU-b", "GPU-c"}), "GPU-a,GPU-c");
    EXPECT_EQ(gpu_list({}, {"GPU-a"}), "");
}

TEST(GpuGrants, one_with_a_fault_is_not_granted_until_it_works) {
    GpuGrants gpus(3);
    gpus.set_faulty({true, false, false});
    EXPECT_EQ(gpus.free_count(), 2);
    EXPECT_EQ(*gpus.take(1), (std::vector<int>{1}));
    EXPECT_FALSE(gpus.take(2));
    gpus.set_faulty({false, false, false});
    EXPECT_EQ(*gpus.take(2), (std::vector<int>{0, 2}));
}

TEST(GpuGrants, what_an_earlier_process_granted_is_held) {
    GpuGrants gpus(3);
    EXPECT_EQ(gpus.hold({1, 7, -1}), (std::vector<int>{1})) << "there are fewer GPUs now";
    EXPECT_EQ(*gpus.take(2), (std::vector<int>{0, 2}));
    gpus.give_back({1});
    EXPECT_EQ(gpus.free_count(), 1);
}

// Against what must hold whatever happens in whatever order.
TEST(GpuGrants, are_exclusive_and_healthy_in_every_order) {
    std::mt19937 random(20240705);
    auto below = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
    for (int round = 0; round < 200; ++round) {
        const int count = 1 + below(8);
        GpuGrants gpus(count);
        std::vector<std::vector<int>> runs;
        std::set<int> taken;
        std::vector<bool> faulty(static_cast<std::size_t>(count), false);
        for (int step = 0; step < 100; ++step) {
            switch (below(3)) {
            case 0: {
                const int wanted = below(count + 1);
                int available = 0;
                for (int i = 0; i < count; ++i) {
                    available += !taken.contains(i) && !faulty[static_cast<std::size_t>(i)] ? 1 : 0;
                }
                auto granted = gpus.take(wanted);
                ASSERT_EQ(granted.has_value(), wanted <= available);
                if (!granted) break;
                ASSERT_EQ(static_cast<int>(granted->size()), wanted);
                for (int index : *granted) {
                    ASSERT_TRUE(taken.insert(index).second) << "granted twice";
                    ASSERT_FALSE(faulty[static_cast<std::size_t>(index)]);
                }
                runs.push_back(*granted);
                break;
            }
            case 1: {
                if (runs.empty()) break;
                std::swap(runs[static_cast<std::size_t>(below(static_cast<int>(runs.size())))], runs.back());
                for (int index : runs.back()) taken.erase(index);
                gpus.give_back(runs.back());
                runs.pop_back();
                break;
            }
            default:
                faulty[static_cast<std::size_t>(below(count))].flip();
                gpus.set_faulty(faulty);
            }
        }
    }
}

} // namespace
} // namespace rcq::executor
