// Which of the declared GPUs are granted to which run. An index is never granted twice at the same time, and never
// while its GPU has a fault.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace rcq::executor {

class GpuGrants {
public:
    explicit GpuGrants(int declared) : taken_(static_cast<std::size_t>(declared), false), faulty_(taken_) {}

    // The lowest free indexes, or nothing when fewer are free.
    std::optional<std::vector<int>> take(int count);
    // Of a run that an earlier executor started: its indexes are no longer free. Those that are no more declared are
    // left out of the answer, which is what to give back.
    std::vector<int> hold(const std::vector<int>& indexes);
    void give_back(const std::vector<int>& indexes);
    // Which of them have a fault now, one for each declared GPU. A run keeps what it holds.
    void set_faulty(const std::vector<bool>& faulty);
    [[nodiscard]] int free_count() const;

private:
    [[nodiscard]] bool is_free(std::size_t index) const { return !taken_[index] && !faulty_[index]; }

    std::vector<bool> taken_;
    std::vector<bool> faulty_;
};

// "0,2,3", or the ids of these indexes: the value of CUDA_VISIBLE_DEVICES. No ids: indexes are what GPUs are called.
std::string gpu_list(const std::vector<int>& indexes, const std::vector<std::string>& ids = {});

} // namespace rcq::executor
