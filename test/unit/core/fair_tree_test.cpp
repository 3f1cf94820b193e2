#include "core/fair_tree.hpp"
#include "random_shares.hpp"
#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <limits>

using namespace rcq::core;

namespace {

using Groups = std::vector<ShareGroup>;
using Users = std::vector<ShareUser>;

std::vector<double> factors(const Groups& groups, const Users& users, const std::vector<double>& usage) {
    ShareTree tree(groups, users);
    tree.set_usage(usage);
    return fair_tree_factors(tree);
}

constexpr double infinite = std::numeric_limits<double>::infinity();

// Level fair share from the lists.
double level(const RandomShares& world, double shares, double used, GroupId parent) {
    if (shares == 0) return 0;
    return used == 0 ? infinite : world.share(shares, parent) / (used / world.used_below(parent));
}
double level(const RandomShares& world, GroupId g) {
    return level(world, world.shares(g), world.used_below(g), world.parent(g));
}

TEST(FairTree, users_of_one_group_stand_by_shares_to_usage) {
    EXPECT_EQ(factors({}, {{{0, 1}, 1}, {{0, 2}, 1}, {{0, 3}, 4}, {{0, 4}, 1}}, {10, 20, 30, 5}),
              (std::vector{0.5, 0.25, 0.75, 1.0}));
}

TEST(FairTree, the_worst_user_of_the_better_group_stands_before_the_best_of_the_worse_one) {
    // Group 1 has used less than its share; in it user 1 has used nearly all of that, and in group 2 user 3 nothing.
    EXPECT_EQ(factors({{1, 0, 1}, {2, 0, 1}}, {{{1, 1}, 1}, {{1, 2}, 1}, {{2, 3}, 1}, {{2, 4}, 1}}, {40, 0, 0, 60}),
              (std::vector{0.75, 1.0, 0.5, 0.25}));
}

TEST(FairTree, equal_sibling_users_share_a_rank_and_the_next_one_counts_them_both) {
    EXPECT_EQ(factors({}, {{{0, 1}, 1}, {{0, 2}, 1}, {{0, 3}, 1}, {{0, 4}, 1}}, {1, 1, 2, 0}),
              (std::vector{0.75, 0.75, 0.25, 1.0}));
}

TEST(FairTree, children_of_equal_groups_are_ranked_as_if_they_had_one_parent) {
    EXPECT_EQ(factors({{1, 0, 1}, {2, 0, 1}}, {{{1, 1}, 1}, {{1, 2}, 1}, {{2, 3}, 1}, {{2, 4}, 1}}, {1, 9, 4, 6}),
              (std::vector{1.0, 0.25, 0.75, 0.5}));
}

TEST(FairTree, a_user_equal_to_a_sibling_group_has_the_rank_of_the_best_user_in_it) {
    // User 1 and group 1 both used half of what the root did, by half the shares.
    EXPECT_EQ(factors({{1, 0, 1}}, {{{0, 1}, 1}, {{1, 2}, 1}, {{1, 3}, 1}, {{1, 4}, 1}}, {6, 1, 2, 3}),
              (std::vector{1.0, 1.0, 0.5, 0.25}));
}

TEST(FairTree, a_better_group_without_users_takes_no_rank) {
    EXPECT_EQ(factors({{1, 0, 1}, {2, 1, 1}}, {{{0, 1}, 1}, {{1, 2}, 1}, {{0, 3}, 2}}, {5, 5, 20}),
              (std::vector{1.0, 1.0, 1.0 / 3}));
}

TEST(FairTree, who_has_no_shares_comes_last_even_without_usage) {
    EXPECT_EQ(factors({}, {{{0, 1}, 0}, {{0, 2}, 1}, {{0, 3}, 1}}, {0, 5, 0}), (std::vector{1.0 / 3, 2.0 / 3, 1.0}));
    EXPECT_EQ(factors({}, {{{0, 1}, 0}, {{0, 2}, 0}}, {0, 5}), (std::vector{1.0, 1.0}));
    EXPECT_TRUE(factors({{1, 0, 1}}, {}, {}).empty());
}

TEST(FairTree, everybody_below_a_better_group_stands_before_everybody_below_its_worse_sibling) {
    for (unsigned seed = 1; seed <= 400; ++seed) {
        const RandomShares world(seed);
        const auto f = fair_tree_factors(world.tree());
        for (const ShareGroup& a : world.groups)
            for (const ShareGroup& b : world.groups) {
                if (a.parent != b.parent || level(world, a.id) <= level(world, b.id)) continue;
                double worst_of_a = infinite, best_of_b = 0;
                for (std::size_t u = 0; u < f.size(); ++u) {
                    if (world.is_below(world.users[u].member.group, a.id)) worst_of_a = std::min(worst_of_a, f[u]);
                    if (world.is_below(world.users[u].member.group, b.id)) best_of_b = std::max(best_of_b, f[u]);
                }
                ASSERT_GT(worst_of_a, best_of_b) << "seed " << seed << ", groups " << a.id << " and " << b.id;
            }
    }
}

// The level fair shares from the root down to a user say it all: users compare as these lists do, and where one list
// goes on after the end of another, its user comes later, but the first such user keeps the other's rank.
TEST(FairTree, ranks_are_those_of_the_lists_of_level_fair_shares_from_the_root_down) {
    for (unsigned seed = 1; seed <= 400; ++seed) {
        const RandomShares world(seed);
        const std::size_t count = world.users.size();
        std::vector<std::vector<double>> paths;
        for (std::size_t u = 0; u < count; ++u) {
            const ShareUser& user = world.users[u];
            std::vector<double> path{-level(world, user.shares, world.usage[u], user.member.group)};
            for (GroupId g = user.member.group; g != 0; g = world.parent(g))
                path.insert(path.begin(), -level(world, g));
            paths.push_back(path);
        }
        const auto goes_on = [](const auto& longer, const auto& shorter) {
            return longer.size() > shorter.size() && std::equal(shorter.begin(), shorter.end(), longer.begin());
        };
        const std::function<std::size_t(std::size_t)> rank = [&](std::size_t u) -> std::size_t {
            for (std::size_t v = 0; v < count; ++v) {
                const bool is_first = std::none_of(paths.begin(), paths.end(), [&](const auto& other) {
                    return goes_on(other, paths[v]) && other < paths[u];
                });
                if (goes_on(paths[u], paths[v]) && is_first) return rank(v);
            }
            return static_cast<std::size_t>(
                std::count_if(paths.begin(), paths.end(), [&](const auto& other) { return other < paths[u]; }));
        };
        const auto f = fair_tree_factors(world.tree());
        for (std::size_t u = 0; u < count; ++u)
            ASSERT_DOUBLE_EQ(f[u], static_cast<double>(count - rank(u)) / static_cast<double>(count))
                << "seed " << seed << ", user " << u;
    }
}

} // namespace
