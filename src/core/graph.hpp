// Directed graphs of jobs that depend on one another.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace rcq::core {

struct Edge {
    std::size_t from = 0;
    std::size_t to = 0;
};

// The nodes of one cycle, each before the one its edge leads to, the last before the first; empty: there is no cycle.
// Nodes are numbered from 0; both ends of every edge are below `nodes`. O(nodes + edges) in time and space, without
// recursion.
std::vector<std::size_t> find_cycle(std::size_t nodes, std::span<const Edge> edges);

} // namespace rcq::core
