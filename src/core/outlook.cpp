#include "outlook.hpp"
#include <algorithm>

namespace rcq::core {
namespace {

// The executor has enough of the consumables that the cluster has none of.
bool stocks(const Cluster& cluster, const Executor& executor, const Consumables& wanted) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) {
        if (cluster.holdings().find_stock(one.first)) return true;
        const auto own = executor.consumables.find(one.first);
        return own != executor.consumables.end() && own->second >= one.second;
    });
}

} // namespace

Outlook look_out(const Cluster& cluster, const Shape& wanted) {
    Outlook found{Reason::never_fits, wanted};
    for (const auto& [name, amount] : wanted.consumables)
        if (const Stock* stock = cluster.holdings().find_stock(name); stock && *stock->total < amount) return found;
    const std::vector<const Executor*> all = cluster.hosts().executors();
    std::vector<const Executor*> candidates;
    for (const Executor* e : all)
        if (can_host(*e, wanted) && stocks(cluster, *e, wanted.consumables)) candidates.push_back(e);
    if (wanted.min_cores > 0) {
        Shape least = wanted;
        least.need.cpu_cores = wanted.min_cores;
        std::int32_t most = 0;
        for (const Executor* e : candidates)
            if (is_large_enough(*e, least))
                most = std::max(most, std::min(wanted.need.cpu_cores, e->capacity.cpu_cores));
        if (most > 0) found.shape.need.cpu_cores = most;
    }
    // With candidates left out, none left means that none fits, unless there is no executor at all.
    if (!candidates.empty() || all.empty()) found.reason = why_not(candidates, found.shape);
    return found;
}

} // namespace rcq::core
