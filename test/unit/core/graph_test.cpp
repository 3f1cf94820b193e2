#include "core/graph.hpp"
#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <set>

using namespace rcq::core;

namespace {

using Nodes = std::vector<std::uint32_t>;

bool has(const std::vector<Arc>& arcs, std::uint32_t from, std::uint32_t to) {
    return std::any_of(arcs.begin(), arcs.end(), [&](const Arc& arc) { return arc.from == from && arc.to == to; });
}

// By transitive closure.
bool is_cyclic(std::uint32_t nodes, const std::vector<Arc>& arcs) {
    std::vector<std::vector<bool>> reaches(nodes, std::vector<bool>(nodes));
    for (const Arc& arc : arcs) reaches[arc.from][arc.to] = true;
    for (std::uint32_t via = 0; via < nodes; via++)
        for (std::uint32_t from = 0; from < nodes; from++)
            for (std::uint32_t to = 0; to < nodes; to++)
                if (reaches[from][via] && reaches[via][to]) reaches[from][to] = true;
    for (std::uint32_t node = 0; node < nodes; node++)
        if (reaches[node][node]) return true;
    return false;
}

TEST(Graph, a_cycle_comes_in_the_order_of_its_arcs) {
    const std::vector<Arc> arcs{{4, 1}, {1, 2}, {2, 3}, {3, 1}, {3, 0}};
    EXPECT_EQ(find_cycle(5, arcs), (Nodes{1, 2, 3}));
}

TEST(Graph, a_node_that_leads_to_itself_is_a_cycle) {
    const std::vector<Arc> arcs{{0, 1}, {1, 1}};
    EXPECT_EQ(find_cycle(2, arcs), (Nodes{1}));
}

TEST(Graph, a_diamond_and_arcs_that_come_twice_are_no_cycle) {
    const std::vector<Arc> arcs{{0, 1}, {0, 2}, {1, 3}, {2, 3}, {0, 1}};
    EXPECT_EQ(find_cycle(4, arcs), Nodes{});
}

TEST(Graph, no_nodes_are_no_cycle) { EXPECT_EQ(find_cycle(0, {}), Nodes{}); }

TEST(Graph, random_graphs_have_a_cycle_when_the_transitive_closure_says_so) {
    std::mt19937 random(20260822);
    int cyclic = 0;
    for (int round = 0; round < 2000; round++) {
        const auto nodes = static_cast<std::uint32_t>(1 + random() % 8);
        const auto node = [&] { return static_cast<std::uint32_t>(random() % nodes); };
        std::vector<Arc> arcs(random() % 12);
        for (Arc& arc : arcs) arc = {node(), node()};
        const Nodes cycle = find_cycle(nodes, arcs);
        ASSERT_EQ(!cycle.empty(), is_cyclic(nodes, arcs));
        if (cycle.empty()) continue;
        cyclic++;
        EXPECT_EQ(std::set(cycle.begin(), cycle.end()).size(), cycle.size());
        for (std::size_t i = 0; i < cycle.size(); i++) EXPECT_TRUE(has(arcs, cycle[i], cycle[(i + 1) % cycle.size()]));
    }
    EXPECT_GT(cyclic, 500);
    EXPECT_LT(cyclic, 1900);
}

TEST(Graph, a_chain_of_100000_needs_no_stack_and_its_closing_arc_is_found) {
    constexpr std::uint32_t nodes = 100'000;
    std::vector<Arc> arcs;
    for (std::uint32_t node = 0; node + 1 < nodes; node++) arcs.push_back({node, node + 1});
    EXPECT_EQ(find_cycle(nodes, arcs), Nodes{});
    arcs.push_back({nodes - 1, 0});
    EXPECT_EQ(find_cycle(nodes, arcs).size(), nodes);
}

} // namespace
