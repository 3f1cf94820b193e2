#include "core/dependency_spec.hpp"
#include <gtest/gtest.h>

using namespace rcq::core;

namespace {

using Kind = Dependency::Kind;

std::vector<Dependency> parsed(const std::string& text) {
    auto result = parse_dependencies(text);
    if (const auto* error = std::get_if<DependencyError>(&result)) {
        ADD_FAILURE() << text.substr(0, 100) << ": " << error->message;
        return {};
    }
    return std::get<std::vector<Dependency>>(result);
}

DependencyError refused(const std::string& text) {
    const auto result = parse_dependencies(text);
    if (const auto* error = std::get_if<DependencyError>(&result)) return *error;
    ADD_FAILURE() << text.substr(0, 100) << " was accepted";
    return {};
}

TEST(Dependencies, each_kind_is_read) {
    const std::vector<Dependency> expected{
        {Kind::after, 7, {}},   {Kind::afterany, 42, {}},  {Kind::afterany, 43, {}},  {Kind::afterok, 41, {}},
        {Kind::afterok, 41, 7}, {Kind::afternotok, 9, {}}, {Kind::aftercorr, 50, {}}, {Kind::singleton, 0, {}},
    };
    EXPECT_EQ(parsed("afterok:41,afterany:42:43,after:7,afternotok:9,aftercorr:50,afterok:41_7,singleton"), expected);
    EXPECT_EQ(parsed("afterok:9223372036854775807")[0].job, INT64_MAX);
    EXPECT_EQ(parsed("after:1_2000000000")[0].task_index, 2'000'000'000);
}

TEST(Dependencies, the_text_is_canonical_and_duplicates_are_merged) {
    EXPECT_EQ(text(parsed("singleton,afterok:42,after:7,afterok:41_2:41:42,singleton")),
              "after:7,afterok:41:41_2:42,singleton");
    for (const char* canonical : {"singleton", "after:1,afterany:2:3_0,aftercorr:4"})
        EXPECT_EQ(text(parsed(canonical)), canonical);
}

TEST(Dependencies, refusals_name_the_item_and_show_how_to_write_it) {
    const std::pair<const char*, const char*> cases[] = {
        {"", "depends_on is empty"},
        {"41", "depends_on: \"41\" does not begin with a kind of dependency"},
        {"afterok:41,later:5", "depends_on: \"later:5\" does not begin with a kind of dependency"},
        {"afterok", "depends_on: \"afterok\" names no job"},
        {"afterok:", "depends_on: \"afterok:\" ends with a colon"},
        {"afterok:1:", "depends_on: \"afterok:1:\" ends with a colon"},
        {"afterok::1", "depends_on: \"afterok::1\" names a job by something else than an id from 1 to "
                       "9223372036854775807"},
        {"afterok:0", "depends_on: \"afterok:0\" names a job by something else than an id from 1 to "
                      "9223372036854775807"},
        {"afterok:-1", "depends_on: \"afterok:-1\" names a job by something else than an id from 1 to "
                       "9223372036854775807"},
        {"afterok:9223372036854775808", "depends_on: \"afterok:9223372036854775808\" names a job by something else "
                                        "than an id from 1 to 9223372036854775807"},
        {"afterok:41_", "depends_on: \"afterok:41_\" names a task by something else than an index from 0 to "
                        "2000000000"},
        {"afterok:41_2000000001", "depends_on: \"afterok:41_2000000001\" names a task by something else than an "
                                  "index from 0 to 2000000000"},
        {"afterok:41_1_2", "depends_on: \"afterok:41_1_2\" names a task by something else than an index from 0 to "
                           "2000000000"},
        {"aftercorr:41_1", "depends_on: \"aftercorr:41_1\" names one task, but aftercorr is for whole arrays"},
        {"singleton:4", "depends_on: \"singleton:4\" names jobs, but singleton goes by the name of this job"},
        {"afterok:1,", "depends_on: \"afterok:1,\" ends with a comma"},
        {"afterok:1,,after:2", "depends_on: \"\" does not begin with a kind of dependency"},
        {"afterok:1 ", "depends_on: \"afterok:1 \" names a job by something else than an id from 1 to "
                       "9223372036854775807"},
        {"afterok:1?afterok:2",
         "depends_on: \"afterok:1?afterok:2\" joins items by ? (any of them), which is not supported"},
    };
    for (const auto& [text, message] : cases) {
        const DependencyError error = refused(text);
        EXPECT_EQ(error.message, message);
        EXPECT_NE(error.hint.find("for example"), std::string::npos) << text;
    }
}

TEST(Dependencies, ten_thousand_are_the_most) {
    std::string text = "afterok";
    for (int i = 1; i <= 10'000; ++i)
        text += ":" + std::to_string(INT64_MAX - i) + "_" + std::to_string(2'000'000'000 - i);
    EXPECT_EQ(parsed(text).size(), 10'000U);
    EXPECT_EQ(refused(text + ",after:1").message, "depends_on has more than 10000 dependencies");
    EXPECT_NE(refused(std::string(500'001, 'a')).message.find("500001 characters"), std::string::npos);
}

} // namespace
