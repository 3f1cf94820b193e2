#include "sim/gpu_trace.hpp"
#include "sim/usage_error.hpp"
#include "trace_files.hpp"
#include <random>
#include <zlib.h>

using namespace rcq::sim;
using rcq::core::Resources;

namespace {

class GpuTrace : public TraceFiles {};

TEST_F(GpuTrace, nodes_are_read_by_the_names_of_their_columns) {
    const auto file = write("nodes.csv", "model,gpu,memory_mib,sn,cpu_milli\n"
                                         "T4,2,1024,a,16000\r\n"
                                         "\n"
                                         ",0,2048,b,8500");
    const Nodes nodes = read_nodes(file);
    ASSERT_EQ(nodes.executors.size(), 2U);
    EXPECT_EQ(nodes.executors[0].capacity, (Resources{16'000, 1'024'000, 2000}));
    EXPECT_EQ(nodes.executors[0].gpu_type, "T4");
    EXPECT_EQ(nodes.executors[1].capacity, (Resources{8'500, 2'048'000, 0}));
    EXPECT_NE(nodes.executors[0].id, nodes.executors[1].id);
    EXPECT_TRUE(nodes.skipped.empty());
}

TEST_F(GpuTrace, pods_share_a_gpu_or_take_whole_ones_or_none) {
    const auto file = write("pods.csv", "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"
                                        "a,1000,10,1,460,V100M16|V100M32\n"
                                        "b,1000,10,8,1000,\n"
                                        "c,1000,10,0,0,T4\n");
    const Pods pods = read_pods(file);
    ASSERT_EQ(pods.shapes.size(), 3U);
    EXPECT_EQ(pods.shapes[0].need, (Resources{1000, 10'000, 460}));
    EXPECT_EQ(pods.shapes[0].gpu_type, "V100M16|V100M32");
    EXPECT_EQ(pods.shapes[1].need.gpu_milli, 8000);
    EXPECT_EQ(pods.shapes[2].need.gpu_milli, 0);
    EXPECT_EQ(pods.shapes[2].gpu_type, "");
}

TEST_F(GpuTrace, rows_of_no_use_are_left_out_and_counted_by_reason) {
    const auto file = write("pods.csv", "cpu_milli,memory_mib,num_gpu,gpu_milli\n"
                                        "1000,10,1,1000\n"
                                        "1000,10,1\n"
                                        "1000,10,1,1000,5\n"
                                        "-1,10,1,1000\n"
                                        "1.5,10,1,1000\n"
                                        ",10,1,1000\n"
                                        "99999999999999999999999,10,1,1000\n"
                                        "1000,10,10001,1000\n"
                                        "1000,10,1,0\n"
                                        "1000,10,1,1001\n"
                                        "1000,10,2,500\n"
                                        "0,0,0,0\n");
    const Pods pods = read_pods(file);
    EXPECT_EQ(pods.shapes.size(), 1U);
    EXPECT_EQ(pods.skipped, (Skipped{{"columns", 2}, {"number", 3}, {"range", 5}, {"empty", 1}}));
}

TEST_F(GpuTrace, a_gzipped_file_reads_like_a_plain_one) {
    const std::string name = path("nodes.csv.gz");
    gzFile file = gzopen(name.c_str(), "wb");
    gzputs(file, "cpu_milli,memory_mib,gpu,model\n1000,1024,4,A10\n");
    gzclose(file);
    EXPECT_EQ(read_nodes(name).executors.at(0).capacity.gpu_milli, 4000);
}

TEST_F(GpuTrace, a_file_without_usable_rows_is_an_error) {
    EXPECT_THROW(read_nodes(path("missing.csv")), UsageError);
    EXPECT_THROW(read_nodes(write("a.csv", "")), UsageError);
    EXPECT_THROW(read_nodes(write("b.csv", "cpu_milli,memory_mib,gpu,model\n")), UsageError);
    EXPECT_THROW(read_nodes(write("c.csv", "cpu_milli,memory_mib,gpu\n1000,10,1\n")), UsageError) << "no model";
    EXPECT_THROW(read_pods(write("d.csv", "cpu_milli,memory_mib,num_gpu,gpu_milli\n1,x,1,1000\n")), UsageError);
}

TEST_F(GpuTrace, a_truncated_gzip_file_is_an_error) {
    const std::string name = path("nodes.csv.gz");
    gzFile file = gzopen(name.c_str(), "wb");
    gzputs(file, "cpu_milli,memory_mib,gpu,model\n");
    for (int i = 0; i < 1000; ++i) gzprintf(file, "%d,1024,4,A%d\n", 1000 + i * 7919 % 1000, i);
    gzclose(file);
    std::filesystem::resize_file(name, std::filesystem::file_size(name) / 2);
    EXPECT_THROW(read_nodes(name), UsageError);
}

TEST_F(GpuTrace, garbage_is_refused_or_skipped_but_never_crashes) {
    std::mt19937 random(2);
    for (int round = 0; round < 300; ++round) {
        std::string text = round % 2 ? "cpu_milli,memory_mib,gpu,num_gpu,gpu_milli,model\n" : "";
        for (int i = static_cast<int>(random() % 2000); i > 0; --i)
            text += random() % 3 ? "0123456789,,,,\n\n"[random() % 16] : static_cast<char>(random());
        const auto file = write("garbage.csv", text);
        for (const auto read : {+[](const std::string& f) { return read_nodes(f).executors.size(); },
                                +[](const std::string& f) { return read_pods(f).shapes.size(); }}) {
            try {
                EXPECT_GT(read(file), 0U);
            } catch (const UsageError& error) {
                EXPECT_STRNE(error.what(), "");
            }
        }
    }
}

} // namespace
