// Directed graphs: what must come before what.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace rcq::core {

struct Arc {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
};

// The nodes of one cycle in the order of its arcs, the last one leading back to the first; empty when there is none.
// Nodes are 0 to nodes - 1; an arc from a node to itself is a cycle of one. O(nodes + arcs), without recursion.
std::vector<std::uint32_t> find_cycle(std::uint32_t nodes, std::span<const Arc> arcs);

} // namespace rcq::core
