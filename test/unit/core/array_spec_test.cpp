#include "core/array_spec.hpp"
#include <gtest/gtest.h>
#include <random>
#include <set>

using namespace rcq::core;

namespace {

using Ranges = std::vector<PositionRange>;

ArraySpec parsed(const std::string& text) {
    auto result = ArraySpec::parse(text);
    if (const auto* error = std::get_if<ArraySpecError>(&result)) {
        ADD_FAILURE() << text.substr(0, 100) << ": " << error->message;
        return parsed("0");
    }
    return std::get<ArraySpec>(result);
}

ArraySpecError refused(const std::string& text) {
    const auto result = ArraySpec::parse(text);
    if (const auto* error = std::get_if<ArraySpecError>(&result)) return *error;
    ADD_FAILURE() << text.substr(0, 100) << " was accepted as " << std::get<ArraySpec>(result).text().substr(0, 100);
    return {};
}

Ranges selected(const std::string& array, const std::string& selection) {
    const auto result = parsed(array).select(selection);
    if (const auto* error = std::get_if<ArraySpecError>(&result)) {
        ADD_FAILURE() << selection << ": " << error->message;
        return {};
    }
    return std::get<Ranges>(result);
}

ArraySpecError not_selected(const std::string& array, const std::string& selection) {
    const auto result = parsed(array).select(selection);
    if (const auto* error = std::get_if<ArraySpecError>(&result)) return *error;
    ADD_FAILURE() << selection << " was accepted";
    return {};
}

std::string listed(const std::set<std::int32_t>& indices) {
    std::string text;
    for (const std::int32_t i : indices) text += (text.empty() ? "" : ",") + std::to_string(i);
    return text;
}

TEST(ArraySpec, the_text_is_canonical) {
    EXPECT_EQ(parsed("7").text(), "7");
    EXPECT_EQ(parsed("1-9:2,20").text(), "1-9:2,20");
    EXPECT_EQ(parsed("20,1-10:2").text(), "1-9:2,20");
    EXPECT_EQ(parsed("3,1,2,2,1-3").text(), "1-3");
    EXPECT_EQ(parsed("1-5,6-10").text(), "1-10");
    EXPECT_EQ(parsed("0-100:2,1-99:2").text(), "0-100");
    EXPECT_EQ(parsed("5-5").text(), "5");
    EXPECT_EQ(parsed("5-9:7").text(), "5");
    EXPECT_EQ(parsed("1,5").text(), "1,5");
    EXPECT_EQ(parsed("1,2").text(), "1-2");
    EXPECT_EQ(parsed("007").text(), "7");
    EXPECT_EQ(parsed("0-2000000000:2000000000,2000000000").text(), "0,2000000000");
    EXPECT_EQ(parsed("1-9:4%3").text(), "1-9:4");
}

TEST(ArraySpec, the_throttle_is_what_follows_the_percent_sign) {
    EXPECT_EQ(parsed("1-1000000:2%50").throttle(), 50);
    EXPECT_EQ(parsed("1%1000000").throttle(), 1'000'000);
    EXPECT_FALSE(parsed("1-10").throttle());
}

TEST(ArraySpec, tasks_are_numbered_in_the_order_of_their_indices) {
    const ArraySpec spec = parsed("20,1-9:2,100-102");
    const std::vector<std::int32_t> indices{1, 3, 5, 7, 9, 20, 100, 101, 102};
    ASSERT_EQ(spec.size(), 9);
    for (std::int32_t position = 0; position < 9; ++position) {
        EXPECT_EQ(spec.index_of(position), indices[static_cast<std::size_t>(position)]);
        EXPECT_EQ(spec.position_of(indices[static_cast<std::size_t>(position)]), position);
    }
    for (const std::int32_t other : {-1, 0, 2, 10, 19, 21, 99, 103, 2'000'000'000})
        EXPECT_FALSE(spec.position_of(other));
}

TEST(ArraySpec, ten_million_tasks_are_the_most) {
    EXPECT_EQ(parsed("0-9999999").size(), 10'000'000);
    EXPECT_EQ(parsed("1-20000000:2").index_of(9'999'999), 19'999'999);
    EXPECT_EQ(refused("0-10000000").message, "array has 10000001 tasks or more, allowed is at most 10000000");
    EXPECT_NE(refused("0-9999999,20000000").message.find("10000001 tasks"), std::string::npos);
    EXPECT_NE(refused("1-1000000000000").message.find("\"1-1000000000000\" has an index above 2000000000"),
              std::string::npos);
    EXPECT_NE(refused("1-99999999999999999999999999").message.find("above 2000000000"), std::string::npos);
}

TEST(ArraySpec, refusals_name_the_part_and_show_how_to_write_it) {
    const std::pair<const char*, const char*> cases[] = {
        {"1-0", "array: \"1-0\" ends before it begins"},
        {"1,5-,7", "array: \"5-\" is neither an index nor a range"},
        {"a", "array: \"a\" is neither an index nor a range"},
        {"-1", "array: \"-1\" is neither an index nor a range"},
        {"1 2", "array: \"1 2\" is neither an index nor a range"},
        {"1-2-3", "array: \"1-2-3\" is neither an index nor a range"},
        {"", "array is empty"},
        {"1,,2", "array: an index or a range is missing at a comma or an end"},
        {"1,", "array: an index or a range is missing at a comma or an end"},
        {"%5", "array: an index or a range is missing at a comma or an end"},
        {"1-5:0", "array: \"1-5:0\" has a step that is not a number from 1 to 2000000000"},
        {"1-5:", "array: \"1-5:\" has a step that is not a number from 1 to 2000000000"},
        {"1-5:x", "array: \"1-5:x\" has a step that is not a number from 1 to 2000000000"},
        {"5:2", "array: \"5:2\" has a step, which only a range can have"},
        {"1:2-5", "array: \"1:2-5\" is neither an index nor a range"},
        {"1-5:2:2", "array: \"1-5:2:2\" has a step that is not a number from 1 to 2000000000"},
        {"2000000001", "array: \"2000000001\" has an index above 2000000000"},
    };
    for (const auto& [text, message] : cases) {
        const ArraySpecError error = refused(text);
        EXPECT_EQ(error.message, message);
        EXPECT_EQ(error.kind, ArraySpecError::Kind::malformed);
        EXPECT_NE(error.hint.find("for example"), std::string::npos) << text;
    }
    for (const char* throttle : {"1-5%0", "1-5%", "1-5%1000001", "1-5%a", "1-5%5%5", "1%5,2"})
        EXPECT_NE(refused(throttle).message.find("is not a number from 1 to 1000000"), std::string::npos) << throttle;
    EXPECT_NE(refused(std::string(400'001, '1')).message.find("has 400001 characters"), std::string::npos);
}

TEST(ArraySpec, what_falls_apart_into_too_many_ranges_is_refused_at_once) {
    EXPECT_NE(refused("0-9999999:2,1-9999999:3").message.find("more than 10000 ranges"), std::string::npos);
    std::string scattered;
    for (int i = 1; i <= 10'000; ++i) scattered += (i == 1 ? "" : ",") + std::to_string(i * (i + 1));
    EXPECT_EQ(parsed(scattered).text(), scattered);
    scattered += ",200000000";
    EXPECT_NE(refused(scattered).message.find("more than 10000 ranges"), std::string::npos);
}

TEST(ArraySpec, what_overlaps_too_often_is_refused) {
    std::string text;
    for (int i = 0; i < 50; ++i) text += (i == 0 ? "" : ",") + std::to_string(i) + "-9000000:50";
    EXPECT_EQ(parsed(text).text(), "0-9000000");
    for (int i = 0; i < 49; ++i) text += "," + std::to_string(i) + "-9000000:49";
    EXPECT_NE(refused(text).message.find("overlap too often"), std::string::npos);
}

TEST(ArraySpec, a_selection_gives_positions) {
    EXPECT_EQ(selected("1-100", "7"), (Ranges{{6, 7}}));
    EXPECT_EQ(selected("1-100", "1-10,20"), (Ranges{{0, 10}, {19, 20}}));
    EXPECT_EQ(selected("1-100:5", "1-100:5"), (Ranges{{0, 20}}));
    EXPECT_EQ(selected("1-100", "90-2000000000"), (Ranges{{89, 100}}));
    EXPECT_EQ(selected("0-9", "1-9:4"), (Ranges{{1, 2}, {5, 6}, {9, 10}}));
    EXPECT_EQ(selected("0-100:6", "3-100:3"), (Ranges{{1, 17}}));
    EXPECT_EQ(selected("1-9:2,20", "4-30"), (Ranges{{2, 6}}));
    EXPECT_EQ(selected("10-2000000000:1000", "0-2000000000"), (Ranges{{0, 2'000'000}}));
    EXPECT_EQ(selected("0,2000000000", "0-2000000000:2"), (Ranges{{0, 2}}));
    // 1999 x 1000003 = 1999005997: the only common multiple but 0
    EXPECT_EQ(selected("0-2000000000:1999", "0-2000000000:1000003"), (Ranges{{0, 1}, {1'000'003, 1'000'004}}));
}

TEST(ArraySpec, a_selection_that_meets_no_task_says_which_there_are) {
    for (const char* selection : {"0", "2", "2-8:2", "21-2000000000", "10-19"}) {
        const ArraySpecError error = not_selected("1-9:2,20", selection);
        EXPECT_EQ(error.kind, ArraySpecError::Kind::no_such_task);
        EXPECT_EQ(error.message, "selection \"" + std::string(selection) + "\" meets no task of the array");
        EXPECT_EQ(error.hint, "The array has the indices 1-9:2,20.");
    }
    std::string long_array;
    for (int i = 0; i < 1000; ++i) long_array += (i == 0 ? "" : ",") + std::to_string(i * i);
    const std::string hint = not_selected(long_array, "2").hint;
    EXPECT_LT(hint.size(), 300U);
    EXPECT_NE(hint.find("0-1,4,9,16,"), std::string::npos);
    EXPECT_NE(hint.find(",... up to 998001."), std::string::npos);
}

TEST(ArraySpec, a_malformed_selection_is_refused_as_an_array_would_be) {
    EXPECT_EQ(not_selected("1-9", "5-").message, "selection: \"5-\" is neither an index nor a range");
    EXPECT_EQ(not_selected("1-9", "").message, "selection is empty");
    EXPECT_NE(not_selected("1-9", "1-3%2").message.find("has a %"), std::string::npos);
    EXPECT_EQ(not_selected("1-9", "1-3%2").kind, ArraySpecError::Kind::malformed);
    EXPECT_NE(not_selected("0-9999999", "0-9999999:2").message.find("more than 100000 places"), std::string::npos);
}

// --- against sets of indices

struct Drawn {
    std::string text;
    std::set<std::int32_t> indices;
};

Drawn draw(std::mt19937& random) {
    const auto below = [&](unsigned n) { return static_cast<std::int32_t>(random() % n); };
    Drawn drawn;
    const std::int32_t parts = 1 + below(5);
    for (std::int32_t i = 0; i < parts; ++i) {
        const std::int32_t first = below(60), last = first + (below(3) == 0 ? 0 : below(60)), step = 1 + below(7);
        drawn.text += i == 0 ? "" : ",";
        drawn.text += std::to_string(first) + "-" + std::to_string(last) + ":" + std::to_string(step);
        for (std::int32_t index = first; index <= last; index += step) drawn.indices.insert(index);
    }
    return drawn;
}

TEST(ArraySpec, equals_the_set_of_its_indices_and_selects_as_sets_do) {
    std::mt19937 random(1);
    std::size_t met = 0, missed = 0;
    for (int round = 0; round < 20'000; ++round) {
        const Drawn array = draw(random), selection = draw(random);
        SCOPED_TRACE(array.text + " of which " + selection.text);
        const ArraySpec spec = parsed(array.text);
        ASSERT_EQ(spec.size(), static_cast<std::int32_t>(array.indices.size()));
        const std::string canonical = spec.text();
        ASSERT_EQ(parsed(canonical).text(), canonical);
        ASSERT_EQ(parsed(listed(array.indices)).text(), canonical);
        Ranges expected;
        std::int32_t position = 0;
        for (const std::int32_t index : array.indices) {
            ASSERT_EQ(spec.index_of(position), index);
            ASSERT_EQ(spec.position_of(index), position);
            if (selection.indices.count(index) != 0) {
                if (expected.empty() || expected.back().until != position) expected.push_back({position, position});
                expected.back().until = position + 1;
            }
            ++position;
        }
        for (std::int32_t index = 0; index < 125; ++index)
            ASSERT_EQ(spec.position_of(index).has_value(), array.indices.count(index) == 1);
        const auto found = spec.select(selection.text);
        ASSERT_EQ(expected.empty(), std::holds_alternative<ArraySpecError>(found));
        if (expected.empty()) {
            ++missed;
            continue;
        }
        ASSERT_EQ(std::get<Ranges>(found), expected);
        ++met;
    }
    EXPECT_GT(met, 1000U);
    EXPECT_GT(missed, 1000U);
}

} // namespace
