#include "core/graph.hpp"
#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;

namespace {

using Nodes = std::vector<std::size_t>;

TEST(FindCycle, a_graph_without_cycles_has_none) {
    EXPECT_EQ(find_cycle(0, {}), Nodes{});
    EXPECT_EQ(find_cycle(3, {}), Nodes{});
    const std::vector<Edge> diamond{{0, 1}, {0, 2}, {1, 3}, {2, 3}, {0, 1}};
    EXPECT_EQ(find_cycle(4, diamond), Nodes{});
}

TEST(FindCycle, a_cycle_comes_in_the_order_of_its_edges) {
    const std::vector<Edge> edges{{4, 2}, {0, 4}, {2, 3}, {3, 4}, {3, 1}};
    EXPECT_EQ(find_cycle(5, edges), (Nodes{4, 2, 3}));
    const std::vector<Edge> loop{{0, 1}, {1, 1}};
    EXPECT_EQ(find_cycle(2, loop), Nodes{1});
}

TEST(FindCycle, a_hundred_thousand_nodes_in_a_row_need_no_recursion) {
    constexpr std::size_t nodes = 100'000;
    std::vector<Edge> edges;
    for (std::size_t i = 0; i + 1 < nodes; ++i) edges.push_back({i, i + 1});
    EXPECT_EQ(find_cycle(nodes, edges), Nodes{});
    edges.push_back({nodes - 1, 0});
    EXPECT_EQ(find_cycle(nodes, edges).size(), nodes);
}

// Nodes without edges into them are taken away until none is left, or only cycles and what hangs on them.
bool has_cycle(std::size_t nodes, std::vector<Edge> edges) {
    Nodes left(nodes);
    for (std::size_t i = 0; i < nodes; ++i) left[i] = i;
    for (std::size_t before = nodes + 1; left.size() < before;) {
        before = left.size();
        std::erase_if(left, [&](std::size_t n) {
            return std::none_of(edges.begin(), edges.end(), [&](const Edge& e) { return e.to == n; });
        });
        std::erase_if(edges, [&](const Edge& e) { return std::count(left.begin(), left.end(), e.from) == 0; });
    }
    return !left.empty();
}

TEST(FindCycle, finds_one_in_random_graphs_if_and_only_if_there_is_one) {
    std::mt19937 random(5);
    std::size_t cyclic = 0;
    for (int round = 0; round < 3000; ++round) {
        const std::size_t nodes = 1 + random() % 10;
        std::vector<Edge> edges(random() % 14);
        for (Edge& e : edges) e = {random() % nodes, random() % nodes};
        const Nodes cycle = find_cycle(nodes, edges);
        ASSERT_EQ(!cycle.empty(), has_cycle(nodes, edges));
        for (std::size_t i = 0; i < cycle.size(); ++i) {
            ASSERT_EQ(std::count(cycle.begin(), cycle.end(), cycle[i]), 1);
            const std::size_t to = cycle[(i + 1) % cycle.size()];
            ASSERT_TRUE(std::any_of(edges.begin(), edges.end(),
                                    [&](const Edge& e) { return e.from == cycle[i] && e.to == to; }));
        }
        cyclic += cycle.empty() ? 0U : 1U;
    }
    EXPECT_GT(cyclic, 500U);
    EXPECT_LT(cyclic, 2500U);
}

} // namespace
