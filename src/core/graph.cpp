#include "graph.hpp"
#include <algorithm>
#include <utility>

namespace rcq::core {

// Depth first. A node on the path that is met again closes a cycle.
std::vector<std::size_t> find_cycle(std::size_t nodes, std::span<const Edge> edges) {
    // The edges of a node lead to targets[next[node]] up to targets[end[node]], exclusive.
    std::vector<std::size_t> next(nodes, 0);
    for (const Edge& e : edges) ++next[e.from];
    std::size_t sum = 0;
    for (std::size_t& count : next) sum += std::exchange(count, sum);
    std::vector<std::size_t> end = next;
    std::vector<std::size_t> targets(edges.size());
    for (const Edge& e : edges) targets[end[e.from]++] = e.to;

    enum class Seen : char { never, on_path, done };
    std::vector<Seen> seen(nodes, Seen::never);
    std::vector<std::size_t> path;
    const auto enter = [&](std::size_t node) {
        seen[node] = Seen::on_path;
        path.push_back(node);
    };
    for (std::size_t root = 0; root < nodes; ++root) {
        if (seen[root] != Seen::never) continue;
        enter(root);
        while (!path.empty()) {
            const std::size_t node = path.back();
            if (next[node] == end[node]) {
                seen[node] = Seen::done;
                path.pop_back();
                continue;
            }
            const std::size_t target = targets[next[node]++];
            if (seen[target] == Seen::never)
                enter(target);
            else if (seen[target] == Seen::on_path)
                return std::vector<std::size_t>(std::find(path.begin(), path.end(), target), path.end());
        }
    }
    return {};
}

} // namespace rcq::core
