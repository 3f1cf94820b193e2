#include "core/query_string.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace rcq::core;
using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

namespace {

QueryParameters read(std::string_view query) {
    auto parsed = parse_query(query);
    if (auto* fault = std::get_if<std::string>(&parsed)) ADD_FAILURE() << query << ": " << *fault;
    return std::get<QueryParameters>(parsed);
}

std::string fault(std::string_view query) {
    const auto parsed = parse_query(query);
    const auto* text = std::get_if<std::string>(&parsed);
    return text ? *text : "none";
}

TEST(QueryString, HasParametersInTheirOrder) {
    EXPECT_THAT(read(""), IsEmpty());
    EXPECT_THAT(read("b=2&a=1"), ElementsAre(Pair("b", "2"), Pair("a", "1")));
    EXPECT_THAT(read("empty="), ElementsAre(Pair("empty", "")));
    EXPECT_THAT(read("a=b=c"), ElementsAre(Pair("a", "b=c")));
}

TEST(QueryString, MayHaveEmptyParts) { EXPECT_THAT(read("&a=1&&b=2&"), ElementsAre(Pair("a", "1"), Pair("b", "2"))); }

TEST(QueryString, IsDecoded) {
    EXPECT_THAT(read("two+words=50%25+%2B%2b%26%3D"), ElementsAre(Pair("two words", "50% ++&=")));
    EXPECT_THAT(read("x=%00%ff"), ElementsAre(Pair("x", "\0\xff"s)));
}

TEST(QueryString, SaysWhatIsWrong) {
    EXPECT_EQ(fault("a=1&b"), "parameter \"b\" has no value");
    EXPECT_EQ(fault("=1"), "parameter \"=1\" has no name");
    EXPECT_EQ(fault("a=1&b=2&a=3"), "parameter a is given twice");
    EXPECT_EQ(fault("a=1&%61=3"), "parameter %61 is given twice");
    for (const char* bad : {"a=%", "a=%2", "a=%g0", "a=%0g", "%zz=1"})
        EXPECT_EQ(fault(bad), "in \"" + std::string(bad) + "\", a % is not followed by two hexadecimal digits");
}

TEST(JsonMembers, AreThoseOfAllObjects) {
    EXPECT_EQ(count_json_members("{}"), 0u);
    EXPECT_EQ(count_json_members(R"([1, "a:b", null])"), 0u);
    EXPECT_EQ(count_json_members(R"({"a": 1, "b": {"c": [{"d": 2}, {"d": 3}]}})"), 5u);
    EXPECT_EQ(count_json_members(R"({"a": 1, "a": 2})"), 2u);
}

TEST(JsonMembers, AreNotThoseThatTextsShow) { EXPECT_EQ(count_json_members(R"({"a:\":": "x\\", "b": "\":\":"})"), 2u); }

TEST(JsonValues, AreCountedWithNamesAndBrackets) {
    EXPECT_EQ(count_json_values("1"), 0u);
    EXPECT_EQ(count_json_values("[1, 2, 3]"), 3u);
    EXPECT_EQ(count_json_values(R"({"a": 1, "b": [[], {}]})"), 8u);
}

TEST(JsonValues, AreNotThoseThatTextsShow) { EXPECT_EQ(count_json_values(R"({"[,:{\\\",": "a,b,c:\\"})"), 2u); }

TEST(JsonValues, AreCountedInWhatIsNoJson) {
    EXPECT_EQ(count_json_values("[[[,"), 4u);
    EXPECT_EQ(count_json_values("\"a\\"), 0u);
}

} // namespace
