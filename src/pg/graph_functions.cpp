// What SQL asks of graphs of jobs: src/core/graph.
#include "../core/graph.hpp"

#include "arrays.hpp"

namespace {
// More than one statement can bring as text; the search takes some 17 bytes of memory for each.
constexpr int32 most_nodes = 10'000'000;
} // namespace

// (number of nodes, their edges by their ends, two arrays of equal length) -> the nodes of one cycle, NULL when there
// is none. Nodes are numbered from 1.
RCQ_FUNCTION(rcq_find_cycle) {
    using namespace rcq;
    using namespace rcq::pg;
    const int32 nodes = PG_GETARG_INT32(0);
    const std::vector<int32> from = integers_of(PG_GETARG_DATUM(1)), to = integers_of(PG_GETARG_DATUM(2));
    if (nodes < 0 || from.size() != to.size()) throw SqlError("22023", "malformed graph");
    if (nodes > most_nodes)
        throw SqlError("54000", "a graph of " + std::to_string(nodes) + " jobs is too large",
                       "At most " + std::to_string(most_nodes) + " can be submitted together.");
    std::vector<core::Edge> edges;
    edges.reserve(from.size());
    for (std::size_t i = 0; i < from.size(); i++) {
        if (from[i] < 1 || from[i] > nodes || to[i] < 1 || to[i] > nodes)
            throw SqlError("22023", "an edge leads out of the graph");
        edges.push_back({static_cast<std::size_t>(from[i] - 1), static_cast<std::size_t>(to[i] - 1)});
    }
    const std::vector<std::size_t> cycle = core::find_cycle(static_cast<std::size_t>(nodes), edges);
    if (cycle.empty()) PG_RETURN_NULL();
    std::vector<int32> numbered;
    numbered.reserve(cycle.size());
    for (const std::size_t node : cycle) numbered.push_back(static_cast<int32>(node + 1));
    return integers_datum(numbered);
}
