// Groups inside groups, with users as leaves: which part of the machine everybody is owed, and who has used how much.
// What the policies `multifactor` and `fairtree` rank users by.
//
// Safe for any input: a group whose parent is unknown hangs under the root, as does every group of a cycle; what hangs
// under those stays there. A group that users name but nobody gave hangs under the root with one share. Users of group
// 0 hang under the root themselves. Of groups with the same id the first counts.
#pragma once
#include "usage.hpp"
#include <span>

namespace rcq::core {

struct ShareGroup {
    GroupId id = 0;     // not 0
    GroupId parent = 0; // 0: the root
    double shares = 1;  // finite; counts as 0 when negative
};

struct ShareUser {
    Member member;
    double shares = 1; // as of a group; users and groups of one parent share with each other
};

class ShareTree {
public:
    struct Node {
        std::size_t parent = 0; // the root's is itself
        std::size_t first_child = 0;
        std::size_t end_child = 0;       // children are nodes()[first_child] up to here, exclusive
        std::optional<std::size_t> user; // its number, of a leaf
        double share = 0;                // its shares / those of all children of its parent: 0 to 1, 0 if those are 0
        double usage = 0;                // its own and that of all below it
    };

    // Users are numbered as they come; nobody has used anything.
    ShareTree(std::span<const ShareGroup> groups, std::span<const ShareUser> users);

    // What every user has used, by number, in any one unit; negative is 0. Cost: the nodes.
    void set_usage(std::span<const double> usage);
    // One user has used so much more. Cost: the levels above.
    void add_usage(std::size_t user, double amount);

    // The root is first, parents stand before their children.
    const std::vector<Node>& nodes() const { return nodes_; }
    std::size_t user_count() const { return leaves_.size(); }

private:
    std::vector<Node> nodes_;
    std::vector<std::size_t> leaves_; // of the users, by number
};

} // namespace rcq::core
