// Fragmentation of a node straight from its definition, for tests to compare with.
#pragma once
#include "core/fitness.hpp"
#include <algorithm>

namespace rcq::core {

// In the unit of Workload::usable. `devices`: what is free of each.
inline std::int64_t fragmentation(const Workload& w, const Executor& e, const Resources& free,
                                  const std::vector<std::int32_t>& devices) {
    std::int64_t sum = 0;
    for (const Workload::Class& m : w.classes()) {
        const Resources& need = m.shape.need;
        const std::int32_t of_each = std::min(need.gpu_milli, 1000);
        const auto enough = std::count_if(devices.begin(), devices.end(), [&](auto d) { return d >= of_each; });
        const bool fits = can_host(e, m.shape) && need.cpu_cores <= free.cpu_cores &&
                          need.memory_mib <= free.memory_mib && enough * of_each >= need.gpu_milli;
        for (const std::int32_t d : devices)
            if (!fits || d < of_each) sum += m.weight * d;
    }
    return sum;
}

} // namespace rcq::core
