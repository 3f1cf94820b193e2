// Which of this host's cores are granted to which run. A core is never granted twice at the same time.
#pragma once
#include <cstddef>
#include <map>
#include <vector>

namespace rcq::executor {

class CpuGrants {
public:
    // `cores` this process may use (by the kernel's numbers), `declared` to the server. Declares it more than there
    // are, no run is bound to cores.
    CpuGrants(const std::vector<int>& cores, int declared);

    // Free cores, side by side where there are so many and else the lowest ones. Empty: the run is not bound, because
    // not enough are free or none is ever granted.
    std::vector<int> take(int count);
    // Of a run that an earlier executor started: its cores are no longer free. The answer is what to give back.
    std::vector<int> hold(const std::vector<int>& cores);
    void give_back(const std::vector<int>& cores);
    [[nodiscard]] bool binds() const { return !holders_.empty(); }
    [[nodiscard]] std::size_t free_count() const;
    [[nodiscard]] std::size_t taken_count() const { return holders_.size() - free_count(); }

private:
    std::map<int, int> holders_; // by core; empty: no run is bound
};

// The cores of this process' affinity mask.
std::vector<int> own_cores();

} // namespace rcq::executor
