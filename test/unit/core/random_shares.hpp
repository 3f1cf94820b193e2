// Trees of groups and users made at random, of small whole numbers so that ties are common.
#pragma once
#include "core/share_tree.hpp"
#include <random>

namespace rcq::core {

struct RandomShares {
    std::vector<ShareGroup> groups;
    std::vector<ShareUser> users;
    std::vector<double> usage;

    explicit RandomShares(unsigned seed) {
        std::mt19937 random(seed);
        const auto draw = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
        const int group_count = draw(10);
        for (GroupId g = 1; g <= group_count; ++g)
            groups.push_back({g, draw(g), static_cast<double>(draw(4))}); // the parent is an earlier group or the root
        const int user_count = 1 + draw(25);
        for (UserId u = 0; u < user_count; ++u) {
            users.push_back({{draw(group_count + 1), u}, static_cast<double>(draw(4))});
            usage.push_back(draw(3) == 0 ? 0.0 : draw(4));
        }
    }

    ShareTree tree() const {
        ShareTree t(groups, users);
        t.set_usage(usage);
        return t;
    }

    // Independent of ShareTree: sums made afresh from the lists. Group 0 is the root.
    GroupId parent(GroupId g) const { return groups[static_cast<std::size_t>(g - 1)].parent; }
    bool is_below(GroupId g, GroupId above) const {
        while (g != above && g != 0) g = parent(g);
        return g == above;
    }
    double shares(GroupId g) const { return groups[static_cast<std::size_t>(g - 1)].shares; }
    double used_below(GroupId g) const {
        double sum = 0;
        for (std::size_t u = 0; u < users.size(); ++u)
            if (is_below(users[u].member.group, g)) sum += usage[u];
        return sum;
    }
    double shares_below(GroupId g) const {
        double sum = 0;
        for (const ShareGroup& child : groups)
            if (child.parent == g) sum += child.shares;
        for (const ShareUser& user : users)
            if (user.member.group == g) sum += user.shares;
        return sum;
    }
    double share(double own, GroupId of) const { return own == 0 ? 0 : own / shares_below(of); }
};

} // namespace rcq::core
