#include "executor/drain_orders.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace rcq::executor {
namespace {

constexpr std::int64_t repeat = 1000;

// Tells all there is to be told now; what was said, in order.
std::vector<DrainCall> tell(DrainOrders& orders, std::int64_t now) {
    std::vector<DrainCall> said;
    while (auto call = orders.next(now, repeat)) {
        said.push_back(*call);
        orders.answered(*call, now);
        if (said.size() > 5) break;
    }
    return said;
}

TEST(DrainOrders, a_host_that_is_fit_is_nothing_to_talk_about) {
    DrainOrders orders;
    orders.connected();
    EXPECT_TRUE(tell(orders, 0).empty());
}

TEST(DrainOrders, a_condition_is_told_when_it_comes_and_when_it_passes) {
    DrainOrders orders;
    orders.set_condition("disk");
    auto said = tell(orders, 0);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_EQ(said[0].reason, "disk");
    EXPECT_FALSE(said[0].until_resumed);
    EXPECT_TRUE(tell(orders, repeat - 1).empty());
    orders.set_condition(std::nullopt);
    said = tell(orders, repeat - 1);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_FALSE(said[0].reason);
    EXPECT_TRUE(tell(orders, 10 * repeat).empty()) << "that it is over is told once";
}

TEST(DrainOrders, a_condition_that_holds_is_told_again_because_somebody_may_have_ended_the_drain) {
    DrainOrders orders;
    orders.set_condition("disk");
    EXPECT_EQ(tell(orders, 0).size(), 1U);
    EXPECT_EQ(tell(orders, repeat).size(), 1U);
    EXPECT_TRUE(tell(orders, repeat + 1).empty());
}

TEST(DrainOrders, what_was_not_answered_is_told_again_also_that_a_condition_has_passed) {
    DrainOrders orders;
    orders.set_condition("disk");
    EXPECT_TRUE(orders.next(0, repeat));
    orders.set_condition(std::nullopt); // while the connection was lost
    orders.connected();
    const auto said = tell(orders, 1);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_FALSE(said[0].reason);
}

TEST(DrainOrders, a_condition_is_told_after_every_registration) {
    DrainOrders orders;
    orders.set_condition("disk");
    EXPECT_EQ(tell(orders, 0).size(), 1U);
    orders.connected();
    EXPECT_EQ(tell(orders, 1).size(), 1U);
}

TEST(DrainOrders, a_fault_is_told_once_and_never_comes_back) {
    DrainOrders orders;
    orders.add_fault("prolog failed");
    auto said = tell(orders, 0);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_EQ(said[0].reason, "prolog failed");
    EXPECT_TRUE(said[0].until_resumed);
    orders.set_condition("disk");
    EXPECT_EQ(tell(orders, 1).size(), 1U);
    orders.set_condition(std::nullopt);
    said = tell(orders, 2);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_FALSE(said[0].reason);
    orders.connected();
    EXPECT_TRUE(tell(orders, 10 * repeat).empty());
}

TEST(DrainOrders, a_fault_that_comes_while_another_one_is_told_is_told_too) {
    DrainOrders orders;
    orders.add_fault("one");
    const auto call = orders.next(0, repeat);
    orders.add_fault("two");
    orders.answered(*call, 0);
    const auto said = tell(orders, 0);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_EQ(said[0].reason, "two");
}

TEST(DrainOrders, an_old_server_hears_it_in_the_old_way_and_never_that_it_is_over) {
    DrainOrders orders;
    orders.add_fault("prolog failed");
    EXPECT_FALSE(orders.next(0, repeat)->old_server);
    orders.not_understood();
    auto said = tell(orders, 0);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_TRUE(said[0].old_server);
    EXPECT_EQ(said[0].reason, "prolog failed");
    orders.set_condition("disk");
    said = tell(orders, 1);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_TRUE(said[0].old_server);
    orders.set_condition(std::nullopt);
    EXPECT_TRUE(tell(orders, 2).empty());
    orders.set_condition("disk");
    orders.connected(); // it may be a new one
    EXPECT_FALSE(orders.next(3, repeat)->old_server);
}

} // namespace
} // namespace rcq::executor
