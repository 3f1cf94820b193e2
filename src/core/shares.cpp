#include "shares.hpp"
#include "fair_tree.hpp"
#include "multifactor.hpp"

namespace rcq::core {

Shares::Shares(const Cluster& cluster) : settings_(cluster.settings()), tree_(make_tree(cluster)) {
    std::vector<double> usage(numbers_.size());
    for (const auto& [member, number] : numbers_) {
        usage[number] = static_cast<double>(cluster.usage().user(member.group, member.user));
        if (settings_.count_planned)
            usage[number] += static_cast<double>(cluster.commitments().user(member.group, member.user));
    }
    tree_.set_usage(usage);
}

ShareTree Shares::make_tree(const Cluster& cluster) {
    std::vector<ShareGroup> groups;
    for (const auto& [id, group] : cluster.groups()) groups.push_back({id, group.parent, group.shares});
    // in an order of their own: sums of floating-point numbers depend on it
    std::sort(groups.begin(), groups.end(), [](const ShareGroup& a, const ShareGroup& b) { return a.id < b.id; });
    std::vector<ShareUser> users;
    for (const auto& [id, user] : cluster.users()) users.push_back({{user.group, id}, user.shares});
    for (const auto& [spec, lane] : cluster.lanes().all()) {
        const auto known = cluster.users().find(spec.user);
        if (known == cluster.users().end() || known->second.group != spec.group)
            users.push_back({{spec.group, spec.user}, 1});
    }
    std::sort(users.begin(), users.end(), [](const ShareUser& a, const ShareUser& b) { return a.member < b.member; });
    users.erase(std::unique(users.begin(), users.end(),
                            [](const ShareUser& a, const ShareUser& b) { return a.member == b.member; }),
                users.end());
    for (std::size_t i = 0; i < users.size(); ++i) numbers_.emplace(users[i].member, i);
    return ShareTree(groups, users);
}

double Shares::factor(Member member) {
    if (factors_.empty())
        factors_ = settings_.policy == Policy::fairtree ? fair_tree_factors(tree_)
                                                        : fair_share_factors(tree_, settings_.fairshare_damping);
    return factors_[numbers_.at(member)];
}

void Shares::add(Member member, double amount) {
    tree_.add_usage(numbers_.at(member), amount);
    factors_.clear();
}

} // namespace rcq::core
