#include "shares.hpp"
#include "fair_tree.hpp"
#include "multifactor.hpp"
#include <algorithm>

namespace rcq::core {

void Shares::follow(const Cluster& cluster) {
    if (!tree_ || version_ != cluster.members_version()) make_tree(cluster);
    total_ = static_cast<double>(cluster.usage().total()); // of those who are gone, too
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const auto [group, user] = members_[i];
        usage_[i] = static_cast<double>(cluster.usage().user(group, user));
        if (!cluster.settings().count_planned) continue;
        const auto planned = static_cast<double>(cluster.commitments().user(group, user));
        usage_[i] += planned;
        total_ += planned;
    }
    tree_->set_usage(usage_);
    factors_.clear();
}

void Shares::make_tree(const Cluster& cluster) {
    std::vector<ShareGroup> groups;
    for (const auto& [id, group] : cluster.groups()) groups.push_back({id, group.parent, group.shares});
    std::vector<ShareUser> users;
    for (const auto& [id, user] : cluster.users()) users.push_back({{user.group, id}, user.shares});
    for (const Member& stranger : cluster.strangers()) {
        const auto known = cluster.users().find(stranger.user);
        if (known == cluster.users().end() || known->second.group != stranger.group) users.push_back({stranger, 1});
    }
    // in an order of their own: sums of floating-point numbers depend on it
    std::sort(groups.begin(), groups.end(), [](const ShareGroup& a, const ShareGroup& b) { return a.id < b.id; });
    std::sort(users.begin(), users.end(), [](const ShareUser& a, const ShareUser& b) { return a.member < b.member; });
    tree_.emplace(groups, users);
    members_.clear();
    numbers_.clear();
    for (const ShareUser& user : users) {
        numbers_.emplace(user.member, members_.size());
        members_.push_back(user.member);
    }
    usage_.assign(members_.size(), 0);
    version_ = cluster.members_version();
}

double Shares::factor(Member member, const Settings& settings) {
    if (factors_.empty())
        factors_ = settings.policy == Policy::fairtree ? fair_tree_factors(*tree_)
                                                       : fair_share_factors(*tree_, total_, settings.fairshare_damping);
    return factors_[numbers_.at(member)];
}

void Shares::add(Member member, double amount) {
    tree_->add_usage(numbers_.at(member), amount);
    total_ += amount;
    factors_.clear();
}

} // namespace rcq::core
