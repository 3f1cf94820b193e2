// Which of the declared GPUs are granted to which run. An index is never granted twice at the same time.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace rcq::executor {

class GpuGrants {
public:
    explicit GpuGrants(int declared) : taken_(static_cast<std::size_t>(declared), false) {}

    // The lowest free indexes, or nothing when fewer are free.
    std::optional<std::vector<int>> take(int count);
    void give_back(const std::vector<int>& indexes);
    [[nodiscard]] int free_count() const;

private:
    std::vector<bool> taken_;
};

// "0,2,3": the value of CUDA_VISIBLE_DEVICES.
std::string gpu_list(const std::vector<int>& indexes);

} // namespace rcq::executor
