#include "executor/store.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace rcq::executor {
namespace {

using database::BinaryArray;

TEST(BinaryArray, an_empty_array_has_no_dimension) {
    EXPECT_EQ(BinaryArray(20).take(), std::string("\0\0\0\0\0\0\0\0\0\0\0\x14", 12));
}

TEST(BinaryArray, elements_carry_their_length) {
    BinaryArray array(17);
    array.add(std::string_view("a\0b", 3));
    array.add("");
    EXPECT_EQ(array.take(), std::string("\0\0\0\1\0\0\0\0\0\0\0\x11\0\0\0\2\0\0\0\1"
                                        "\0\0\0\3a\0b\0\0\0\0",
                                        31));
}

TEST(Store, reads_the_registration) {
    Registration answer = store::decode_registration_text(
        R"({"executor": 3, "name": "node-a", "protocol": 1, "channel": "rcq_executor_3", "lease_seconds": 30,
            "lost_after_seconds": 300})");
    EXPECT_EQ(answer.executor, 3);
    EXPECT_EQ(answer.channel, "rcq_executor_3");
    EXPECT_EQ(answer.terms, (Terms{30, 300}));
    EXPECT_EQ(answer.server_start, 0) << "older than 0.6";
    answer = store::decode_registration_text(
        R"({"executor": 3, "lease_seconds": 30, "lost_after_seconds": 300, "server_start": 1893456000123456})");
    EXPECT_EQ(answer.server_start, 1893456000123456);
}

TEST(Store, a_malformed_registration_is_an_error) {
    for (const char* text :
         {"", "[]", "{}", R"({"executor": "x", "lease_seconds": 30, "lost_after_seconds": 300})",
          R"({"executor": 3, "lease_seconds": 0, "lost_after_seconds": 300})",
          R"({"executor": 3, "lease_seconds": 30, "lost_after_seconds": 300, "server_start": "x"})"}) {
        EXPECT_THROW((void)store::decode_registration_text(text), std::runtime_error) << text;
    }
}

TEST(Store, reads_arrays_of_tokens) {
    EXPECT_EQ(store::decode_bigint_array("{}"), std::vector<std::int64_t>{});
    EXPECT_EQ(store::decode_bigint_array("{1,9223372036854775807}"), (std::vector<std::int64_t>{1, INT64_MAX}));
    for (const char* text : {"", "{", "1,2", "{x}", "{1;2}", "{99999999999999999999}"}) {
        EXPECT_THROW((void)store::decode_bigint_array(text), std::runtime_error) << text;
    }
}

TEST(Store, reads_answers) {
    EXPECT_EQ(store::decode_answer(R"({"answer": "ok"})"), "ok");
    for (const char* text : {"", "null", "[]", "{}", R"({"answer": 1})"})
        EXPECT_EQ(store::decode_answer(text), "") << text;
}

TEST(Store, a_report_is_json_whatever_the_names_of_files) {
    RunEnd end;
    end.kind = "exit_code";
    end.exit_code = 3;
    end.cpu_seconds = 1.25;
    end.ended_at_ms = 1000;
    end.outputs.files = {{"bad\xff name", 5}};
    auto list = nlohmann::json::parse(store::encode_finished({{7, 123, &end, "/out", ""}}, 3500));
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0]["job_id"], 7);
    EXPECT_EQ(list[0]["token"], 123);
    EXPECT_EQ(list[0]["exit_code"], 3);
    EXPECT_TRUE(list[0]["signal"].is_null());
    EXPECT_TRUE(list[0]["message"].is_null());
    EXPECT_EQ(list[0]["ended_ago_s"], 2.5);
    EXPECT_EQ(list[0]["output_dir"], "/out");
    EXPECT_EQ(list[0]["files"][0]["bytes"], 5);
}

TEST(Store, a_result_is_passed_on_as_it_was_written) {
    RunEnd end;
    end.kind = "exit_code";
    end.exit_code = 0;
    const std::string result = "{\"sum\" : 0.10000000000000000000000000001}\n";
    const std::string text = store::encode_finished({{7, 123, &end, "", result}, {8, 124, &end, "", ""}}, 0);
    EXPECT_NE(text.find("\"result\":" + result + "}"), std::string::npos);
    auto list = nlohmann::json::parse(text);
    ASSERT_EQ(list.size(), 2U);
    EXPECT_TRUE(list[0]["result"].contains("sum"));
    EXPECT_EQ(list[1]["token"], 124);
    EXPECT_FALSE(list[1].contains("result"));
}

TEST(Store, knows_when_starts_were_left_out) {
    EXPECT_TRUE(store::decode_more(R"({"more": true})"));
    for (const char* text : {"", "null", "{}", R"({"more": false})", R"({"more": 1})"})
        EXPECT_FALSE(store::decode_more(text)) << text;
}

TEST(Store, reads_changed_terms) {
    EXPECT_EQ(store::decode_terms(R"({"lease_seconds": 2.5, "lost_after_seconds": 10})"), (Terms{2.5, 10}));
    for (const char* text :
         {"", "null", "[]", "{}", R"({"lease_seconds": 1})", R"({"lease_seconds": 0, "lost_after_seconds": 10})",
          R"({"lease_seconds": "1", "lost_after_seconds": 10})"}) {
        EXPECT_FALSE(store::decode_terms(text)) << text;
    }
}

TEST(Store, a_drain_is_told_in_the_words_that_the_server_knows) {
    database::Statement now = store::drain(1, 2, {"disk", false, false});
    ASSERT_EQ(now.parameters.size(), 4U);
    EXPECT_EQ(now.parameters[3].value, "false");
    EXPECT_EQ(store::drain(1, 2, {"prolog", true, false}).parameters[3].value, "true");
    EXPECT_FALSE(store::drain(1, 2, {std::nullopt, false, false}).parameters[2].value);
    EXPECT_EQ(store::drain(1, 2, {"disk", true, true}).parameters.size(), 3U);
}

TEST(Store, a_message_is_cut_whatever_a_job_made_of_it) {
    RunEnd end;
    end.kind = "spawn_error";
    end.message = std::string(1'000'000, 'x');
    EXPECT_LT(store::encode_finished({{7, 123, &end, "", ""}}, 0).size(), 5000U);
}

TEST(Store, progress_is_told_in_arrays_of_one_length) {
    const database::Statement statement = store::progress(3, 4, {{1, 2}, {11, 12}, {0, 100}, {"", "epoch 4"}});
    ASSERT_EQ(statement.parameters.size(), 6U);
    EXPECT_EQ(statement.parameters[4].value, "{0,100}");
    EXPECT_TRUE(statement.parameters[5].value->ends_with("epoch 4")) << "as bytes";
}

TEST(Store, a_channel_name_is_quoted) { EXPECT_EQ(store::listen("a\"b").sql, "LISTEN \"a\"\"b\""); }

TEST(Store, no_list_is_null_and_an_empty_list_is_not) {
    SyncRequest request;
    EXPECT_FALSE(store::sync(request).parameters[3].value.has_value());
    request.live_tokens.emplace();
    EXPECT_TRUE(store::sync(request).parameters[3].value.has_value());
}

} // namespace
} // namespace rcq::executor
