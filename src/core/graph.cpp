#include "graph.hpp"
#include <algorithm>

namespace rcq::core {

// Depth-first search. The path is its stack: an arc to a node on it closes a cycle.
std::vector<std::uint32_t> find_cycle(std::uint32_t nodes, std::span<const Arc> arcs) {
    std::vector<std::size_t> begin(std::size_t{nodes} + 1); // of a node's successors
    for (const Arc& arc : arcs) begin[std::size_t{arc.from} + 1]++;
    for (std::size_t node = 0; node < nodes; node++) begin[node + 1] += begin[node];
    std::vector<std::uint32_t> successors(arcs.size());
    std::vector<std::size_t> next(begin.begin(), begin.end() - 1); // successor of a node to be looked at
    for (const Arc& arc : arcs) successors[next[arc.from]++] = arc.to;
    std::copy(begin.begin(), begin.end() - 1, next.begin());

    enum class State : std::uint8_t { fresh, on_path, done };
    std::vector<State> states(nodes, State::fresh);
    std::vector<std::uint32_t> path;
    for (std::uint32_t root = 0; root < nodes; root++) {
        if (states[root] != State::fresh) continue;
        states[root] = State::on_path;
        path.push_back(root);
        while (!path.empty()) {
            const std::uint32_t node = path.back();
            if (next[node] == begin[std::size_t{node} + 1]) {
                states[node] = State::done;
                path.pop_back();
                continue;
            }
            const std::uint32_t successor = successors[next[node]++];
            if (states[successor] == State::on_path) {
                path.erase(path.begin(), std::find(path.begin(), path.end(), successor));
                return path;
            }
            if (states[successor] == State::done) continue;
            states[successor] = State::on_path;
            path.push_back(successor);
        }
    }
    return {};
}

} // namespace rcq::core
