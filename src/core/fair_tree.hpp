// The policy `fairtree`: users ranked by a walk through the tree of groups, best level first, so that everybody below
// a group that stands better than its sibling stands better than everybody below that sibling.
//
//     level fair share = own shares / shares of all children of the parent
//                        ---------------------------------------------
//                        own usage / usage of all children of the parent
//
// Children are visited depth-first in descending order. Equal siblings: users have the same rank, groups are walked
// through as one, their children merged, and a user has the rank of the best user below an equal group.
// Source: "Fair Tree Fairshare Algorithm" of the Slurm documentation (R. Cox, L. Morrison).
#pragma once
#include "share_tree.hpp"

namespace rcq::core {

// Of a node other than the root. Without shares 0; with shares and without usage infinite.
double level_fair_share(const ShareTree& tree, const ShareTree::Node& node);

// The fair-share factor of every user, by number: (users - users ranked before it) / users. 1 is best. Cost: O(n log n)
// in the nodes.
std::vector<double> fair_tree_factors(const ShareTree& tree);

} // namespace rcq::core
