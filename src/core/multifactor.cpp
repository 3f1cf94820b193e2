#include "multifactor.hpp"
#include <algorithm>
#include <cmath>

namespace rcq::core {

std::vector<double> fair_share_factors(const ShareTree& tree, double total_usage, double damping) {
    struct Level {
        double share = 1;
        double effective = 1;
    };
    const auto& nodes = tree.nodes();
    std::vector<Level> levels(nodes.size());
    std::vector<double> factors(tree.user_count());
    for (std::size_t n = 1; n < nodes.size(); ++n) {
        const ShareTree::Node& node = nodes[n];
        const Level& parent = levels[node.parent];
        const double actual = total_usage > 0 ? node.usage / total_usage : 0;
        Level& own = levels[n];
        own.share = parent.share * node.share;
        own.effective = node.parent == 0 ? actual : actual + (parent.effective - actual) * node.share;
        if (node.user) factors[*node.user] = own.share > 0 ? std::exp2(-own.effective / own.share / damping) : 0;
    }
    return factors;
}

double age_factor(Micros waited, Micros max_age) {
    return std::clamp(static_cast<double>(waited) / static_cast<double>(max_age), 0.0, 1.0);
}

double size_factor(const Resources& need, const Resources& cluster) {
    const auto part = [](auto amount, auto all) {
        return all > 0 ? std::clamp(static_cast<double>(amount) / static_cast<double>(all), 0.0, 1.0) : 0.0;
    };
    return std::max({part(need.cpu_cores, cluster.cpu_cores), part(need.memory_mib, cluster.memory_mib),
                     part(need.gpu_milli, cluster.gpu_milli)});
}

double priority_factor(double base) { return std::clamp(base / 20.0, 0.0, 1.0); }

} // namespace rcq::core
