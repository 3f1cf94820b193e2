// The fair-share factors of the policies multifactor and fairtree during one plan.
#pragma once
#include "cluster.hpp"
#include "share_tree.hpp"

namespace rcq::core {

class Shares {
public:
    // Of all groups and users that were put, and of those that jobs wait for.
    explicit Shares(const Cluster& cluster);

    // The user's factor by the usage so far, 0 to 1. Cost: once after each add() that of the whole tree.
    double factor(Member member);
    // The user has used so much more, in thousandths of billed core-seconds.
    void add(Member member, double amount);

private:
    ShareTree make_tree(const Cluster& cluster);

    const Settings& settings_;
    std::unordered_map<Member, std::size_t, MemberHash> numbers_;
    ShareTree tree_;
    std::vector<double> factors_; // by number; empty: to be computed
};

} // namespace rcq::core
