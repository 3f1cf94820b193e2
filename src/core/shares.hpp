// The fair-share factors of the policies multifactor and fairtree, of all users that are known or wait.
#pragma once
#include "cluster.hpp"
#include "share_tree.hpp"

namespace rcq::core {

class Shares {
public:
    // Takes over who there is and what everybody has used, with what is planned if the settings count it. Cost: the
    // users; the tree is made again only when somebody came or went.
    void follow(const Cluster& cluster);

    // The user's factor, 0 to 1; the user must be known to the cluster or have a lane. Cost: after follow() and add()
    // once that of all users.
    double factor(Member member, const Settings& settings);
    // The user has used so much more, in thousandths of billed core-seconds.
    void add(Member member, double amount);

private:
    void make_tree(const Cluster& cluster);

    std::uint64_t version_ = 0; // Cluster::members_version() of the tree
    std::vector<Member> members_;
    std::unordered_map<Member, std::size_t, MemberHash> numbers_;
    std::optional<ShareTree> tree_;
    std::vector<double> usage_; // by number
    double total_ = 0;
    std::vector<double> factors_; // by number; empty: to be computed
};

} // namespace rcq::core
