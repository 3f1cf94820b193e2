#include "executor/job_spec.hpp"

#include <gtest/gtest.h>
#include <string>

namespace rcq::executor {
namespace {

TEST(JobSpec, decodes_a_full_specification) {
    JobSpec spec = decode_job_spec(R"({"attempt": 2, "name": null, "user": "alice", "group": "physics",
        "script": "echo hi", "workdir": "/scratch/a", "env": {"K": "V", "E": ""}, "cpu_cores": 4, "memory_mib": 2048,
        "gpu_count": 1, "time_limit_s": 90.5, "on_disconnect": "kill", "later": [1, 2]})");
    EXPECT_EQ(spec.attempt, 2);
    EXPECT_EQ(spec.name, "");
    EXPECT_EQ(spec.user, "alice");
    EXPECT_EQ(spec.script, "echo hi");
    EXPECT_EQ(spec.workdir, "/scratch/a");
    EXPECT_EQ(spec.env.size(), 2U);
    EXPECT_EQ(spec.cpu_cores, 4);
    EXPECT_EQ(spec.memory_mib, 2048);
    EXPECT_EQ(spec.gpu_count, 1);
    EXPECT_EQ(spec.time_limit_s, 90.5);
    EXPECT_TRUE(spec.kill_on_disconnect);
}

TEST(JobSpec, absent_and_null_fields_take_their_defaults) {
    JobSpec spec = decode_job_spec(R"({"script": "", "workdir": null, "env": null, "time_limit_s": null})");
    EXPECT_EQ(spec.attempt, 1);
    EXPECT_FALSE(spec.workdir.has_value());
    EXPECT_TRUE(spec.env.empty());
    EXPECT_EQ(spec.cpu_cores, 1);
    EXPECT_EQ(spec.gpu_count, 0);
    EXPECT_FALSE(spec.time_limit_s.has_value());
    EXPECT_FALSE(spec.kill_on_disconnect);
}

TEST(JobSpec, decodes_what_makes_a_task_and_a_typed_job) {
    JobSpec spec = decode_job_spec(
        R"({"script": "a", "type": "resize_image", "array_id": 41, "array_index": 7, "array_size": 100})");
    EXPECT_EQ(spec.type, "resize_image");
    EXPECT_EQ(spec.array_id, 41);
    EXPECT_EQ(spec.array_index, 7);
    EXPECT_EQ(spec.array_size, 100);
    spec = decode_job_spec(R"({"script": "a", "type": null, "array_id": null})");
    EXPECT_EQ(spec.type, "");
    EXPECT_FALSE(spec.array_id.has_value());
}

class Malformed : public testing::TestWithParam<const char*> {};

TEST_P(Malformed, gives_an_error_and_not_a_crash) { EXPECT_THROW((void)decode_job_spec(GetParam()), SpecError); }

INSTANTIATE_TEST_SUITE_P(
    JobSpec, Malformed,
    testing::Values("", "{", "null", "[]", "7", "\"text\"", "{}", R"({"script": null})", R"({"script": 5})",
                    R"({"script": "a", "env": []})", R"({"script": "a", "env": {"K": 1}})",
                    R"({"script": "a", "env": {"": "x"}})", R"({"script": "a", "env": {"A=B": "x"}})",
                    R"({"script": "a", "env": {"A": "x\u0000y"}})", R"({"script": "a\u0000b"})",
                    R"({"script": "a", "cpu_cores": 0})", R"({"script": "a", "cpu_cores": 1.5})",
                    R"({"script": "a", "cpu_cores": 18446744073709551615})", R"({"script": "a", "memory_mib": -1})",
                    R"({"script": "a", "gpu_count": "1"})", R"({"script": "a", "time_limit_s": 0})",
                    R"({"script": "a", "time_limit_s": "1h"})", R"({"script": "a", "type": 7})",
                    R"({"script": "a", "array_id": "41"})", R"({"script": "a", "array_id": 41, "array_index": -1})",
                    R"({"script": "a", "attempt": -1})", R"({"script": "a", "workdir": 1})",
                    R"({"script": "a", "on_disconnect": "later"})", "{\"script\": \"\xff\"}"));

TEST(JobSpec, the_error_names_the_field) {
    try {
        (void)decode_job_spec(R"({"script": "a", "env": {"HOME": 1}})");
        FAIL();
    } catch (const SpecError& error) {
        EXPECT_NE(std::string(error.what()).find("env.HOME"), std::string::npos);
    }
}

} // namespace
} // namespace rcq::executor
