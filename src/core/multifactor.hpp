// The policy `multifactor`, Slurm's classic one: a priority is a sum of weighted factors, each from 0 to 1.
//
//     priority = weight_age x age + weight_fair_share x fair share + weight_priority x priority + weight_size x size
//
// Source: "Multifactor Priority Plugin" and "Classic Fairshare Algorithm" of the Slurm documentation. Nobody decays
// anything here: usage comes as it stands at the instant of the plan.
#pragma once
#include "settings.hpp"
#include "share_tree.hpp"

namespace rcq::core {

// The fair-share factor of every user, by number:
//
//     F    = 2^(-U_E / S / damping)
//     S    = product over the levels of own shares / shares of all children of the parent
//     U_E  = U_A + (U_E of the parent - U_A) x own shares / shares of all children of the parent
//     U_A  = usage / total usage; under the root U_E = U_A
//
// 0.5 for a user who used exactly the share, 1 for one that nobody around has used anything of. Without shares on some
// level (S = 0): 0. Nothing used by anybody: 1. `total_usage` is that of everybody, outside the tree, too, in the unit
// of the tree; `damping` > 0. Cost: the nodes.
std::vector<double> fair_share_factors(const ShareTree& tree, double total_usage, double damping);

// Grows evenly to 1 at max_age; 0 for a time to come.
double age_factor(Micros waited, Micros max_age);

// The largest part of the cluster's cores, memory or GPUs that the job takes: large jobs come first. What the cluster
// has nothing of does not count.
double size_factor(const Resources& need, const Resources& cluster);

// Of a base priority, the job's and its group's together, as a part of the highest, 20.
double priority_factor(double base);

} // namespace rcq::core
