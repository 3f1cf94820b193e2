#include "core/multifactor.hpp"
#include "core/priority.hpp"
#include "random_shares.hpp"
#include <cmath>
#include <functional>
#include <gtest/gtest.h>

using namespace rcq::core;

namespace {

using Groups = std::vector<ShareGroup>;
using Users = std::vector<ShareUser>;

std::vector<double> factors(const Groups& groups, const Users& users, const std::vector<double>& usage,
                            double damping = 1) {
    ShareTree tree(groups, users);
    tree.set_usage(usage);
    return fair_share_factors(tree, tree.nodes().front().usage, damping);
}

TEST(Multifactor, the_five_users_of_the_slurm_documentation_have_the_factors_printed_there) {
    enum : GroupId { A = 1, B, C, D, E, F };
    const Groups groups{{A, 0, 40}, {D, 0, 60}, {B, A, 30}, {C, A, 10}, {E, D, 25}, {F, D, 35}};
    const Users users{{{B, 1}, 1}, {{C, 2}, 1}, {{C, 3}, 1}, {{E, 4}, 1}, {{F, 5}, 1}};
    ShareTree tree(groups, users);
    tree.set_usage(std::vector{0.2, 0.25, 0.0, 0.25, 0.0}); // parts of the machine
    const auto f = fair_share_factors(tree, 1.0, 1.0);
    EXPECT_NEAR(f[0], 0.408479, 5e-7);
    EXPECT_NEAR(f[1], 0.022097, 5e-7);
    EXPECT_NEAR(f[2], 0.125000, 5e-7);
    EXPECT_NEAR(f[3], 0.500000, 5e-7);
    EXPECT_NEAR(f[4], 0.749154, 5e-7);
}

TEST(Multifactor, users_under_the_root_have_two_to_the_minus_usage_by_share) {
    const auto f = factors({}, {{{0, 1}, 1}, {{0, 2}, 1}, {{0, 3}, 2}}, {10, 30, 60});
    EXPECT_DOUBLE_EQ(f[0], std::exp2(-0.1 / 0.25));
    EXPECT_DOUBLE_EQ(f[1], std::exp2(-0.3 / 0.25));
    EXPECT_DOUBLE_EQ(f[2], std::exp2(-0.6 / 0.5));
}

TEST(Multifactor, damping_divides_the_exponent) {
    const auto f = factors({}, {{{0, 1}, 1}, {{0, 2}, 1}}, {10, 30}, 5);
    EXPECT_DOUBLE_EQ(f[0], std::exp2(-0.25 / 0.5 / 5));
    EXPECT_DOUBLE_EQ(f[1], std::exp2(-0.75 / 0.5 / 5));
}

TEST(Multifactor, without_usage_everybody_with_shares_has_one_and_without_shares_nobody_has_anything) {
    EXPECT_EQ(factors({{1, 0, 1}, {2, 0, 0}}, {{{1, 1}, 1}, {{1, 2}, 0}, {{2, 3}, 1}}, {0, 0, 0}),
              (std::vector{1.0, 0.0, 0.0}));
    EXPECT_EQ(factors({{1, 0, 1}, {2, 0, 0}}, {{{1, 1}, 1}, {{1, 2}, 0}, {{2, 3}, 1}}, {0, 5, 5}),
              (std::vector{std::exp2(-0.5), 0.0, 0.0}));
    EXPECT_TRUE(factors({{1, 0, 1}}, {}, {}).empty());
}

TEST(Multifactor, every_factor_equals_one_made_afresh_up_the_groups) {
    for (unsigned seed = 1; seed <= 300; ++seed) {
        const RandomShares world(seed);
        const double all = world.used_below(0) + 1; // somebody outside has used something, too
        const auto f = fair_share_factors(world.tree(), all, 1.5);
        const std::function<double(GroupId)> share = [&](GroupId g) {
            return g == 0 ? 1.0 : world.share(world.shares(g), world.parent(g)) * share(world.parent(g));
        };
        const auto effective = [&](double actual, double above, double part, GroupId parent) {
            return parent == 0 ? actual : actual + (above - actual) * part;
        };
        const std::function<double(GroupId)> used = [&](GroupId g) {
            if (g == 0) return 1.0;
            const GroupId p = world.parent(g);
            return effective(world.used_below(g) / all, used(p), world.share(world.shares(g), p), p);
        };
        for (std::size_t u = 0; u < world.users.size(); ++u) {
            const GroupId g = world.users[u].member.group;
            const double part = world.share(world.users[u].shares, g);
            const double s = share(g) * part;
            const double expected =
                s == 0 ? 0 : std::exp2(-effective(world.usage[u] / all, used(g), part, g) / s / 1.5);
            ASSERT_NEAR(f[u], expected, 1e-12) << "seed " << seed << ", user " << u;
        }
    }
}

TEST(Multifactor, age_grows_evenly_to_one_at_the_maximum_age) {
    EXPECT_EQ(age_factor(-hour, 7 * day), 0);
    EXPECT_DOUBLE_EQ(age_factor(84 * hour, 7 * day), 0.5);
    EXPECT_EQ(age_factor(7 * day, 7 * day), 1);
    EXPECT_EQ(age_factor(70 * day, 7 * day), 1);
}

TEST(Multifactor, size_is_the_largest_part_of_what_the_cluster_has) {
    const Resources cluster{100, 1000, 8000};
    EXPECT_DOUBLE_EQ(size_factor({50, 100, 0}, cluster), 0.5);
    EXPECT_DOUBLE_EQ(size_factor({1, 900, 0}, cluster), 0.9);
    EXPECT_DOUBLE_EQ(size_factor({1, 1, 6000}, cluster), 0.75);
    EXPECT_DOUBLE_EQ(size_factor({1, 1, 1000}, {100, 1000, 0}), 0.01);
    EXPECT_EQ(size_factor({500, 1, 0}, cluster), 1);
    EXPECT_EQ(size_factor({1, 1, 1}, {}), 0);
}

TEST(Multifactor, a_priority_is_the_weighted_sum_of_its_factors) {
    Settings s;
    s.policy = Policy::multifactor;
    s.max_age = 10 * hour;
    s.weight_age = 1;
    s.weight_fair_share = 10;
    s.weight_priority = 100;
    s.weight_size = 1000;
    const double own = own_priority(10, 0.4, hour, s);
    EXPECT_DOUBLE_EQ(own, 0.1 + 50 + 400);
    EXPECT_DOUBLE_EQ(rank(own, {1, 0.2}, 0, 1, s).final, 0.1 + 2 + 50 + 400);
    EXPECT_EQ(priority_factor(20), 1);
}

} // namespace
