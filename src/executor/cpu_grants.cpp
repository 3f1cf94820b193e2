#include "executor/cpu_grants.hpp"

#include <algorithm>
#include <cerrno>
#include <sched.h>

namespace rcq::executor {

CpuGrants::CpuGrants(const std::vector<int>& cores, int declared) {
    if (declared > static_cast<int>(cores.size())) return;
    for (int core : cores) holders_.emplace(core, 0);
}

std::size_t CpuGrants::free_count() const {
    return static_cast<std::size_t>(
        std::count_if(holders_.begin(), holders_.end(), [](const auto& core) { return core.second == 0; }));
}

std::vector<int> CpuGrants::take(int count) {
    std::vector<int> free;
    for (const auto& [core, holders] : holders_) {
        if (holders == 0) free.push_back(core);
    }
    const auto wanted = static_cast<std::size_t>(count);
    if (wanted == 0 || free.size() < wanted) return {};
    std::size_t first = 0;
    for (std::size_t at = 0; at + wanted <= free.size(); ++at) {
        if (free[at + wanted - 1] - free[at] != count - 1) continue;
        first = at;
        break;
    }
    std::vector<int> granted(free.begin() + static_cast<std::ptrdiff_t>(first),
                             free.begin() + static_cast<std::ptrdiff_t>(first + wanted));
    for (int core : granted) ++holders_[core];
    return granted;
}

std::vector<int> CpuGrants::hold(const std::vector<int>& cores) {
    std::vector<int> held;
    for (int core : cores) {
        auto found = holders_.find(core);
        if (found == holders_.end()) continue;
        ++found->second;
        held.push_back(core);
    }
    return held;
}

void CpuGrants::give_back(const std::vector<int>& cores) {
    for (int core : cores) --holders_.at(core);
}

std::vector<int> own_cores() {
    std::vector<int> cores;
    for (int most = 1024; most <= 1 << 17; most *= 2) { // EINVAL: the kernel's mask is larger
        cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(most));
        const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(most));
        const bool known = sched_getaffinity(0, size, set) == 0;
        for (int core = 0; known && core < most; ++core) {
            if (CPU_ISSET_S(static_cast<std::size_t>(core), size, set)) cores.push_back(core);
        }
        CPU_FREE(set);
        if (known || errno != EINVAL) break;
    }
    return cores;
}

} // namespace rcq::executor
