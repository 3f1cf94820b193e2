// Jobs as people name them, and what is submitted.
#include "client/job_name.hpp"
#include "client/script.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace rcq::client {
namespace {

TEST(JobName, is_a_number) {
    EXPECT_EQ(parse_job_name("42").id, 42);
    EXPECT_EQ(parse_job_name("42").tasks, "");
}

TEST(JobName, of_a_task_has_its_index) {
    EXPECT_EQ(parse_job_name("41_7").id, 41);
    EXPECT_EQ(parse_job_name("41_7").tasks, "7");
    EXPECT_EQ(parse_job_name("41_1-10:2,20").tasks, "1-10:2,20");
}

TEST(JobName, anything_else_is_refused_with_what_is_right) {
    for (const char* wrong : {"", "x", "-1", "0", "42x", "42_", "_7", "42_x", "99999999999999999999", "4 2"}) {
        try {
            parse_job_name(wrong);
            ADD_FAILURE() << wrong;
        } catch (const Failure& failure) {
            EXPECT_EQ(failure.code, ExitCode::misused) << wrong;
            EXPECT_NE(failure.hint.find("41_7"), std::string::npos);
        }
    }
}

TEST(JobLabel, of_a_task_names_its_array) {
    EXPECT_EQ(job_label(Json::parse(R"({"id": 42, "array_id": null})")), "42");
    EXPECT_EQ(job_label(Json::parse(R"({"id": 57, "array_id": 41, "array_index": 7})")), "41_7");
}

TEST(Script, of_a_command_keeps_its_words) {
    EXPECT_EQ(script_of_command({"make", "-j4"}), "exec make -j4\n");
    EXPECT_EQ(script_of_command({"echo", "it's $HOME", ""}), "exec echo 'it'\\''s $HOME' ''\n");
    EXPECT_EQ(name_of_command({"/usr/bin/make", "x"}), "make");
}

} // namespace
} // namespace rcq::client
