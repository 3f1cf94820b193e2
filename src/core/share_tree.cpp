#include "share_tree.hpp"
#include <algorithm>
#include <utility>

namespace rcq::core {
namespace {

constexpr std::size_t root = 0;

// The groups as they come, after the root: parents are positions in this list.
struct Account {
    GroupId parent_id = 0;
    double shares = 0;
    std::size_t parent = root;
    std::vector<std::size_t> groups; // children
    std::vector<std::size_t> users;
};

std::vector<Account> list_accounts(std::span<const ShareGroup> groups, std::span<const ShareUser> users) {
    std::vector<Account> accounts(1);
    std::unordered_map<GroupId, std::size_t> positions{{0, root}};
    for (const ShareGroup& g : groups)
        if (positions.try_emplace(g.id, accounts.size()).second)
            accounts.push_back({g.parent, std::max(g.shares, 0.0), root, {}, {}});
    for (std::size_t u = 0; u < users.size(); ++u) {
        const auto [it, unknown] = positions.try_emplace(users[u].member.group, accounts.size());
        if (unknown) accounts.push_back({0, 1.0, root, {}, {}});
        accounts[it->second].users.push_back(u);
    }
    for (Account& account : accounts) {
        const auto it = positions.find(account.parent_id);
        if (it != positions.end()) account.parent = it->second;
    }
    return accounts;
}

// Every group of a cycle goes under the root. Each is walked over once: what an earlier walk has seen leads to the
// root.
void cut_cycles(std::vector<Account>& accounts) {
    std::vector<std::size_t> walk_of(accounts.size(), root);
    for (std::size_t walk = 1; walk < accounts.size(); ++walk) {
        std::size_t at = walk;
        for (; at != root && walk_of[at] == root; at = accounts[at].parent) walk_of[at] = walk;
        if (at == root || walk_of[at] != walk) continue;
        while (accounts[at].parent != root) at = std::exchange(accounts[at].parent, root);
    }
}

} // namespace

ShareTree::ShareTree(std::span<const ShareGroup> groups, std::span<const ShareUser> users) : leaves_(users.size()) {
    std::vector<Account> accounts = list_accounts(groups, users);
    cut_cycles(accounts);
    for (std::size_t i = 1; i < accounts.size(); ++i) accounts[accounts[i].parent].groups.push_back(i);

    // Level by level: children of one parent stand together, behind it.
    nodes_.resize(1);
    std::vector<std::size_t> account_of{root};
    nodes_.reserve(accounts.size() + users.size());
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        if (nodes_[n].user) continue;
        const Account& account = accounts[account_of[n]];
        nodes_[n].first_child = nodes_.size();
        double shares = 0;
        const auto add = [&](double own, std::optional<std::size_t> user, std::size_t of) {
            nodes_.push_back({n, 0, 0, user, own, 0});
            account_of.push_back(of);
            shares += own;
        };
        for (const std::size_t child : account.groups) add(accounts[child].shares, std::nullopt, child);
        for (const std::size_t user : account.users) {
            leaves_[user] = nodes_.size();
            add(std::max(users[user].shares, 0.0), user, root);
        }
        nodes_[n].end_child = nodes_.size();
        if (shares == 0) continue;
        for (std::size_t child = nodes_[n].first_child; child < nodes_[n].end_child; ++child)
            nodes_[child].share /= shares;
    }
}

void ShareTree::set_usage(std::span<const double> usage) {
    for (Node& node : nodes_) node.usage = node.user ? std::max(usage[*node.user], 0.0) : 0;
    for (std::size_t n = nodes_.size(); --n > root;) nodes_[nodes_[n].parent].usage += nodes_[n].usage;
}

void ShareTree::add_usage(std::size_t user, double amount) {
    for (std::size_t n = leaves_[user]; n != root; n = nodes_[n].parent) nodes_[n].usage += amount;
    nodes_[root].usage += amount;
}

} // namespace rcq::core
