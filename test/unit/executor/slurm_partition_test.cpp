#include "executor/slurm_partition.hpp"

#include <gtest/gtest.h>

namespace rcq::executor {
namespace {

TEST(SlurmPartition, is_the_sum_of_its_nodes) {
    const auto partition = parse_sinfo("main*|64|256000|(null)\nmain*|32|128000|(null)\nshort|8|1000|(null)\n", "main");
    ASSERT_TRUE(partition);
    EXPECT_EQ(partition->nodes, 2);
    EXPECT_EQ(partition->cpu_cores, 96);
    EXPECT_EQ(partition->memory_mib, 384000);
    EXPECT_EQ(partition->node_cores, 64);
    EXPECT_EQ(partition->gpu_count, 0);
}

TEST(SlurmPartition, is_the_default_of_the_cluster_when_none_is_named) {
    const char* output = "short|8|1000|(null)\nmain*|4|4096|(null)\n";
    EXPECT_EQ(parse_sinfo(output, "")->name, "main");
    EXPECT_EQ(parse_sinfo(output, "short")->cpu_cores, 8);
    EXPECT_FALSE(parse_sinfo(output, "long"));
    EXPECT_FALSE(parse_sinfo("short|8|1000|(null)\n", ""));
    EXPECT_FALSE(parse_sinfo("", "main"));
}

TEST(SlurmPartition, counts_gpus_and_names_their_type_when_there_is_one) {
    const auto one =
        parse_sinfo("gpu|64|256000|gpu:A100:4(S:0-1),licence:3\ngpu|64|256000|licence:3,gpu:A100:2\n", "gpu");
    EXPECT_EQ(one->gpu_count, 6);
    EXPECT_EQ(one->gpu_type, "a100");
    const auto several = parse_sinfo("gpu|64|256000|gpu:a100:4(S:0,1),gpu:t4:1\n", "gpu");
    EXPECT_EQ(several->gpu_count, 5);
    EXPECT_EQ(several->gpu_type, "");
    const auto nameless = parse_sinfo("gpu|64|256000|gpu:2(S:0)\n", "gpu");
    EXPECT_EQ(nameless->gpu_count, 2);
    EXPECT_EQ(nameless->gpu_type, "");
}

} // namespace
} // namespace rcq::executor
