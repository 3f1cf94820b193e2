#include "executor/report_queue.hpp"

#include <gtest/gtest.h>
#include <map>

namespace rcq::executor {
namespace {

constexpr std::int64_t mib = std::int64_t{1} << 20;
using Tokens = std::vector<std::int64_t>;

class Reports : public testing::Test {
protected:
    void add(std::int64_t token, std::int64_t result_bytes, std::int64_t described_bytes = 0) {
        sizes_[token] = {result_bytes, described_bytes};
        queue_.add(token);
    }
    Tokens take(std::size_t most = 1000) {
        return queue_.take(most, [this](std::int64_t token) -> std::optional<ReportQueue::Size> {
            const auto found = sizes_.find(token);
            return found == sizes_.end() ? std::nullopt : std::optional(found->second);
        });
    }

    ReportQueue queue_;
    std::map<std::int64_t, ReportQueue::Size> sizes_;
};

TEST_F(Reports, go_together_in_their_order) {
    for (int token = 1; token <= 4; ++token) add(token, 10);
    sizes_.erase(2); // forgotten meanwhile
    EXPECT_EQ(take(2), (Tokens{1, 3}));
    EXPECT_EQ(take(), (Tokens{4}));
    EXPECT_TRUE(queue_.empty());
    EXPECT_EQ(take(), Tokens());
}

TEST_F(Reports, with_a_large_result_go_alone_and_every_second_time) {
    add(1, 0);
    add(2, mib + 1);
    add(3, 64 * mib);
    add(4, mib);
    EXPECT_EQ(take(), (Tokens{2}));
    EXPECT_TRUE(queue_.took_large());
    EXPECT_EQ(take(), (Tokens{1, 4})) << "others are not kept waiting by two of them";
    EXPECT_FALSE(queue_.took_large());
    EXPECT_EQ(take(), (Tokens{3}));
    EXPECT_EQ(take(), Tokens()) << "a sync that brings what is to start";
    EXPECT_FALSE(queue_.took_large());
    EXPECT_TRUE(queue_.empty());
}

TEST_F(Reports, with_large_results_do_not_wait_for_ever) {
    add(1, 2 * mib);
    for (int token = 2; token <= 9; ++token) add(token, 0);
    EXPECT_EQ(take(1), (Tokens{1}));
    EXPECT_EQ(take(1), (Tokens{2}));
    add(10, 2 * mib);
    while (take(1) != Tokens{10}) ASSERT_FALSE(queue_.empty());
}

TEST_F(Reports, that_were_not_answered_come_first) {
    add(1, 0);
    add(2, 2 * mib);
    const Tokens lost = take();
    EXPECT_EQ(lost, (Tokens{2}));
    queue_.add_first(lost);
    EXPECT_EQ(take(), (Tokens{1}));
    EXPECT_EQ(take(), (Tokens{2}));
}

TEST_F(Reports, of_one_sync_have_a_bound) {
    for (int token = 1; token <= 100; ++token) add(token, mib);
    EXPECT_EQ(take().size(), 64u);
    EXPECT_EQ(take().size(), 36u);
    for (int token = 1; token <= 3; ++token) add(token, 0, 5 * mib);
    EXPECT_EQ(take(), (Tokens{1}));
    EXPECT_EQ(take(), (Tokens{2}));
}

} // namespace
} // namespace rcq::executor
