#include "handlers/handler.hpp"

#include <gtest/gtest.h>

namespace rcq::handlers {
namespace {

json sum_of(const char* numbers) { return add_numbers({{"numbers", json::parse(numbers)}}).at("sum"); }

TEST(AddNumbers, integers_are_added_exactly) {
    EXPECT_EQ(sum_of("[]").dump(), "0");
    EXPECT_EQ(sum_of("[1, 2, -5]").dump(), "-2");
    EXPECT_EQ(sum_of("[9007199254740993, 1, -1]").dump(), "9007199254740993");
    EXPECT_EQ(sum_of("[9223372036854775807, 9223372036854775807]").dump(), "18446744073709551614");
    EXPECT_EQ(sum_of("[18446744073709551615, 18446744073709551615, -18446744073709551615]").dump(),
              "1.8446744073709552e+19"); // an integer below -2^63 is a double
    EXPECT_EQ(sum_of("[-9223372036854775808, 18446744073709551615]").dump(), "9223372036854775807");
}

TEST(AddNumbers, a_sum_of_integers_beyond_64_bits_is_a_double) {
    EXPECT_EQ(sum_of("[18446744073709551615, 1]").dump(), "1.8446744073709552e+19");
    EXPECT_EQ(sum_of("[-9223372036854775808, -9223372036854775808]").dump(), "-1.8446744073709552e+19");
}

TEST(AddNumbers, small_numbers_are_not_lost_beside_large_ones) {
    EXPECT_EQ(sum_of("[0.1, 0.2, 0.3]").get<double>(), 0.6);
    EXPECT_EQ(sum_of("[1.0, 1e100, 1.0, -1e100]").get<double>(), 2.0);
    EXPECT_EQ(sum_of("[9007199254740993, 0.5, -9007199254740993]").get<double>(), 0.5);
    json::array_t tenths(1'000'000, 0.1);
    EXPECT_EQ(add_numbers({{"numbers", tenths}}).at("sum").get<double>(), 100000.0);
}

TEST(AddNumbers, a_sum_beyond_a_double_is_an_error) { EXPECT_THROW((void)sum_of("[1.7e308, 1.7e308]"), HandlerError); }

TEST(AddNumbers, the_error_names_what_is_no_number) {
    for (const auto& [payload, message] : {std::pair{R"({"numbers": [1, "2"]})", "numbers[1] is no number"},
                                           {R"({"numbers": 7})", "numbers is not a JSON array"},
                                           {"{}", "numbers is missing"},
                                           {"[]", "the payload is not a JSON object"}}) {
        try {
            (void)add_numbers(json::parse(payload));
            FAIL() << payload;
        } catch (const HandlerError& error) {
            EXPECT_STREQ(error.what(), message);
        }
    }
}

TEST(LargeArraySum, gives_the_same_sum_in_any_number_of_chunks) {
    json::array_t numbers;
    std::int64_t expected = 0;
    for (std::int64_t i = 0; i < 10'007; ++i) {
        numbers.emplace_back(i * i - 5000 * i);
        expected += i * i - 5000 * i;
    }
    const json payload = {{"numbers", numbers}};
    for (int threads : {1, 2, 3, 4, 7, 16}) {
        EXPECT_EQ(large_array_sum(payload, threads), json({{"sum", expected}, {"chunks", threads}}));
    }
}

TEST(LargeArraySum, the_compensation_reaches_over_the_chunks) {
    const json payload = {{"numbers", {1.0, 1e100, 1.0, -1e100}}};
    for (int threads : {1, 2, 4}) EXPECT_EQ(large_array_sum(payload, threads).at("sum").get<double>(), 2.0) << threads;
}

TEST(LargeArraySum, never_has_more_chunks_than_numbers) {
    EXPECT_EQ(large_array_sum({{"numbers", {5, 6}}}, 8), json({{"sum", 11}, {"chunks", 2}}));
    EXPECT_EQ(large_array_sum({{"numbers", json::array()}}, 8), json({{"sum", 0}, {"chunks", 1}}));
}

TEST(LargeArraySum, a_fault_in_any_chunk_is_reported) {
    EXPECT_THROW((void)large_array_sum({{"numbers", {1, 2, 3, nullptr}}}, 4), HandlerError);
    EXPECT_THROW((void)large_array_sum({{"numbers", {1}}}, 0), HandlerError);
}

} // namespace
} // namespace rcq::handlers
