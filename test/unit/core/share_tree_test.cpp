#include "core/share_tree.hpp"
#include "random_shares.hpp"
#include <gtest/gtest.h>

using namespace rcq::core;

namespace {

using Groups = std::vector<ShareGroup>;
using Users = std::vector<ShareUser>;

const ShareTree::Node& leaf(const ShareTree& tree, std::size_t user) {
    for (const ShareTree::Node& node : tree.nodes())
        if (node.user == user) return node;
    throw std::out_of_range("no such user");
}

// Levels between a user and the root.
int depth(const ShareTree& tree, std::size_t user) {
    int levels = 0;
    for (std::size_t n = leaf(tree, user).parent; n != 0; n = tree.nodes()[n].parent) ++levels;
    return levels;
}

TEST(ShareTree, shares_are_parts_of_the_shares_of_all_siblings_be_they_users_or_groups) {
    const ShareTree tree(Groups{{1, 0, 3}, {2, 1, 2}}, Users{{{0, 1}, 1}, {{1, 2}, 6}, {{2, 3}, 5}});
    EXPECT_DOUBLE_EQ(leaf(tree, 0).share, 0.25);
    EXPECT_DOUBLE_EQ(leaf(tree, 1).share, 0.75);
    EXPECT_DOUBLE_EQ(leaf(tree, 2).share, 1);
    EXPECT_DOUBLE_EQ(tree.nodes()[leaf(tree, 1).parent].share, 0.75);
    EXPECT_DOUBLE_EQ(tree.nodes()[leaf(tree, 2).parent].share, 0.25);
}

TEST(ShareTree, siblings_without_any_shares_have_no_part_and_negative_shares_count_as_none) {
    const ShareTree tree(Groups{{1, 0, 0}, {2, 0, -1}}, Users{{{1, 1}, -2}, {{1, 2}, 4}, {{2, 3}, 0}});
    EXPECT_EQ(tree.nodes()[leaf(tree, 0).parent].share, 0);
    EXPECT_EQ(tree.nodes()[leaf(tree, 2).parent].share, 0);
    EXPECT_EQ(leaf(tree, 0).share, 0);
    EXPECT_EQ(leaf(tree, 1).share, 1);
    EXPECT_EQ(leaf(tree, 2).share, 0);
}

TEST(ShareTree, usage_adds_up_to_the_root) {
    ShareTree tree(Groups{{1, 0, 1}, {2, 1, 1}}, Users{{{1, 1}, 1}, {{2, 2}, 1}, {{0, 3}, 1}});
    tree.set_usage(std::vector{1.0, 2.0, -4.0});
    EXPECT_EQ(tree.nodes()[0].usage, 3);
    EXPECT_EQ(tree.nodes()[leaf(tree, 0).parent].usage, 3);
    EXPECT_EQ(leaf(tree, 2).usage, 0);
    tree.add_usage(1, 8);
    EXPECT_EQ(leaf(tree, 1).usage, 10);
    EXPECT_EQ(tree.nodes()[leaf(tree, 1).parent].usage, 10);
    EXPECT_EQ(tree.nodes()[0].usage, 11);
    tree.set_usage(std::vector{1.0, 1.0, 1.0});
    EXPECT_EQ(tree.nodes()[0].usage, 3);
}

TEST(ShareTree, a_group_of_an_unknown_parent_hangs_under_the_root_and_its_children_stay_below_it) {
    const ShareTree tree(Groups{{1, 99, 1}, {2, 1, 1}}, Users{{{1, 1}, 1}, {{2, 2}, 1}});
    EXPECT_EQ(depth(tree, 0), 1);
    EXPECT_EQ(depth(tree, 1), 2);
}

TEST(ShareTree, the_groups_of_a_cycle_hang_under_the_root_and_what_leads_into_it_stays_below_them) {
    // 1 -> 2 -> 3 -> 1 with 4 below 2, 5 below 4, and 6 its own parent
    const ShareTree tree(Groups{{5, 4, 1}, {4, 2, 1}, {1, 2, 1}, {2, 3, 1}, {3, 1, 1}, {6, 6, 1}},
                         Users{{{1, 1}, 1}, {{2, 2}, 1}, {{3, 3}, 1}, {{4, 4}, 1}, {{5, 5}, 1}, {{6, 6}, 1}});
    for (const std::size_t user : {0U, 1U, 2U, 5U}) EXPECT_EQ(depth(tree, user), 1) << user;
    EXPECT_EQ(depth(tree, 3), 2);
    EXPECT_EQ(depth(tree, 4), 3);
}

TEST(ShareTree, a_group_that_only_users_name_has_one_share_under_the_root) {
    const ShareTree tree(Groups{{1, 0, 3}}, Users{{{7, 1}, 1}, {{7, 2}, 1}});
    EXPECT_EQ(depth(tree, 0), 1);
    EXPECT_EQ(leaf(tree, 0).parent, leaf(tree, 1).parent);
    EXPECT_DOUBLE_EQ(tree.nodes()[leaf(tree, 0).parent].share, 0.25);
}

TEST(ShareTree, of_two_groups_with_one_id_the_first_counts) {
    const ShareTree tree(Groups{{1, 0, 3}, {1, 2, 9}, {2, 0, 1}}, Users{{{1, 1}, 1}});
    EXPECT_EQ(depth(tree, 0), 1);
    EXPECT_DOUBLE_EQ(tree.nodes()[leaf(tree, 0).parent].share, 0.75);
}

TEST(ShareTree, every_tree_has_each_user_once_with_the_usage_of_the_lists) {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        const RandomShares world(seed);
        const ShareTree tree = world.tree();
        ASSERT_EQ(tree.user_count(), world.users.size());
        ASSERT_EQ(tree.nodes().size(), 1 + world.groups.size() + world.users.size());
        ASSERT_EQ(tree.nodes()[0].usage, world.used_below(0));
        for (std::size_t u = 0; u < world.users.size(); ++u) {
            const GroupId g = world.users[u].member.group;
            const ShareTree::Node& node = leaf(tree, u);
            ASSERT_EQ(node.usage, world.usage[u]);
            ASSERT_EQ(node.share, world.share(world.users[u].shares, g));
            ASSERT_EQ(tree.nodes()[node.parent].usage, world.used_below(g)) << seed;
            const double part = g == 0 ? 0 : world.share(world.shares(g), world.parent(g)); // the root has no siblings
            ASSERT_EQ(tree.nodes()[node.parent].share, part);
        }
    }
}

} // namespace
