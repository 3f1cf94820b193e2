#include "executor/gpu_grants.hpp"

#include <algorithm>

namespace rcq::executor {

std::optional<std::vector<int>> GpuGrants::take(int count) {
    if (count > free_count()) return std::nullopt;
    std::vector<int> indexes;
    for (std::size_t i = 0; i < taken_.size() && static_cast<int>(indexes.size()) < count; ++i) {
        if (taken_[i]) continue;
        taken_[i] = true;
        indexes.push_back(static_cast<int>(i));
    }
    return indexes;
}

void GpuGrants::give_back(const std::vector<int>& indexes) {
    for (int index : indexes) taken_.at(static_cast<std::size_t>(index)) = false;
}

int GpuGrants::free_count() const { return static_cast<int>(std::count(taken_.begin(), taken_.end(), false)); }

std::string gpu_list(const std::vector<int>& indexes) {
    std::string text;
    for (int index : indexes) text += (text.empty() ? "" : ",") + std::to_string(index);
    return text;
}

} // namespace rcq::executor
