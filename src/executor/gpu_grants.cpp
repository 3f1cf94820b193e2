#include "executor/gpu_grants.hpp"

namespace rcq::executor {

std::optional<std::vector<int>> GpuGrants::take(int count) {
    if (count > free_count()) return std::nullopt;
    std::vector<int> indexes;
    for (std::size_t i = 0; i < taken_.size() && static_cast<int>(indexes.size()) < count; ++i) {
        if (!is_free(i)) continue;
        taken_[i] = true;
        indexes.push_back(static_cast<int>(i));
    }
    return indexes;
}

std::vector<int> GpuGrants::hold(const std::vector<int>& indexes) {
    std::vector<int> held;
    for (int index : indexes) {
        if (index < 0 || static_cast<std::size_t>(index) >= taken_.size()) continue;
        taken_[static_cast<std::size_t>(index)] = true;
        held.push_back(index);
    }
    return held;
}

void GpuGrants::give_back(const std::vector<int>& indexes) {
    for (int index : indexes) taken_.at(static_cast<std::size_t>(index)) = false;
}

void GpuGrants::set_faulty(const std::vector<bool>& faulty) {
    for (std::size_t i = 0; i < faulty_.size() && i < faulty.size(); ++i) faulty_[i] = faulty[i];
}

int GpuGrants::free_count() const {
    int count = 0;
    for (std::size_t i = 0; i < taken_.size(); ++i) count += is_free(i) ? 1 : 0;
    return count;
}

std::string gpu_list(const std::vector<int>& indexes, const std::vector<std::string>& ids) {
    std::string text;
    for (int index : indexes) {
        if (!text.empty()) text += ',';
        text += ids.empty() ? std::to_string(index) : ids.at(static_cast<std::size_t>(index));
    }
    return text;
}

} // namespace rcq::executor
