#include "core/states.hpp"
#include <gtest/gtest.h>
#include <set>

using namespace rcq::core;

namespace {

const std::set<std::pair<Status, Status>> legal{
    {Status::pending, Status::assigned},  {Status::pending, Status::failed},   {Status::pending, Status::cancelled},
    {Status::assigned, Status::running},  {Status::assigned, Status::pending}, {Status::assigned, Status::cancelled},
    {Status::running, Status::completed}, {Status::running, Status::failed},   {Status::running, Status::cancelled},
    {Status::running, Status::pending},
};

TEST(States, every_pair_of_statuses_is_legal_or_illegal_as_the_manual_says) {
    for (Status from : all_statuses())
        for (Status to : all_statuses())
            EXPECT_EQ(may_become(from, to), legal.count({from, to}) == 1) << name(from) << " -> " << name(to);
}

TEST(States, the_table_holds_each_transition_once) { EXPECT_EQ(transitions().size(), legal.size()); }

TEST(States, completed_failed_and_cancelled_are_final) {
    EXPECT_TRUE(is_final(Status::completed));
    EXPECT_TRUE(is_final(Status::failed));
    EXPECT_TRUE(is_final(Status::cancelled));
    EXPECT_FALSE(is_final(Status::pending));
    EXPECT_FALSE(is_final(Status::assigned));
    EXPECT_FALSE(is_final(Status::running));
}

TEST(States, names_lead_back_to_their_statuses) {
    EXPECT_EQ(all_statuses().size(), 6U);
    for (Status s : all_statuses()) EXPECT_EQ(status_from(name(s)), s);
    EXPECT_EQ(name(Status::cancelled), "cancelled");
    EXPECT_FALSE(status_from("canceled"));
    EXPECT_FALSE(status_from(""));
}

TEST(States, names_lead_back_to_their_reasons) {
    EXPECT_EQ(all_reasons().size(), 31U);
    for (Reason r : all_reasons()) EXPECT_EQ(reason_from(name(r)), r);
    EXPECT_FALSE(reason_from(""));
    EXPECT_EQ(name(Reason::none), "");
}

TEST(States, each_reason_explains_one_status) {
    std::size_t pending = 0, running = 0, failed = 0;
    for (Reason r : all_reasons()) {
        pending += status_of(r) == Status::pending ? 1U : 0U;
        running += status_of(r) == Status::running ? 1U : 0U;
        failed += status_of(r) == Status::failed ? 1U : 0U;
    }
    EXPECT_EQ(pending, 16U);
    EXPECT_EQ(running, 3U);
    EXPECT_EQ(failed, 12U);
    EXPECT_EQ(status_of(Reason::never_fits), Status::pending);
    EXPECT_EQ(status_of(Reason::oom), Status::failed);
    EXPECT_FALSE(status_of(Reason::none));
}

} // namespace
