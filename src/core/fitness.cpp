#include "fitness.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>

namespace rcq::core {
namespace {

bool is_one_of(std::string_view model, std::string_view models) {
    while (true) {
        const std::size_t end = models.find('|');
        if (!model.empty() && models.substr(0, end) == model) return true;
        if (end == std::string_view::npos) return false;
        models.remove_prefix(end + 1);
    }
}

// Sorted by shape, each shape once; without those that expect nothing of GPUs.
void merge_equal(std::vector<Workload::Counted>& jobs) {
    std::erase_if(jobs, [](const Workload::Counted& j) {
        return j.count < 1 || j.shape.need.gpu_milli <= 0 || j.shape.exclusive;
    });
    std::sort(jobs.begin(), jobs.end(), [](const auto& a, const auto& b) { return a.shape < b.shape; });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        if (kept > 0 && jobs[kept - 1].shape == jobs[i].shape)
            jobs[kept - 1].count += jobs[i].count;
        else if (kept++ != i)
            jobs[kept - 1] = std::move(jobs[i]);
    }
    jobs.resize(kept);
}

} // namespace

bool can_host(const Executor& executor, const Shape& shape) {
    return has_features(executor.features, shape.features) &&
           (shape.gpu_type.empty() || is_one_of(executor.gpu_type, shape.gpu_type));
}

bool is_large_enough(const Executor& executor, const Shape& shape) {
    return shape.need.fits_in(executor.capacity) && GpuRoom(executor.capacity.gpu_milli).fits(shape.need.gpu_milli);
}

Workload::Workload(std::vector<Counted> jobs, int percent) {
    merge_equal(jobs);
    // Stable: equally popular ones stay in the order of their shapes.
    std::stable_sort(jobs.begin(), jobs.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
    std::int64_t all = 0;
    for (const Counted& j : jobs) all += j.count;
    std::int64_t kept = 0;
    for (Counted& j : jobs) {
        if (classes_.size() == max_classes || kept * 100 >= all * percent) break;
        kept += j.count;
        const std::int64_t weight = std::max<std::int64_t>(1, j.count * 1'000'000 / all);
        classes_.push_back({std::move(j.shape), weight});
        total_weight_ += weight;
    }
}

Workload::ClassSet Workload::hosted_by(const Executor& executor) const {
    ClassSet hosted = 0;
    for (std::size_t i = 0; i < classes_.size(); ++i)
        if (can_host(executor, classes_[i].shape)) hosted |= ClassSet{1} << i;
    return hosted;
}

std::int64_t Workload::usable(ClassSet hosted, const Resources& free, const GpuRoom& gpus) const {
    const std::int64_t whole = std::int64_t{gpus.whole_free()} * GpuRoom::device;
    std::int64_t sum = 0;
    for (; hosted != 0; hosted &= hosted - 1) {
        const Class& c = classes_[static_cast<std::size_t>(std::countr_zero(hosted))];
        const Resources& need = c.shape.need;
        if (need.cpu_cores > free.cpu_cores || need.memory_mib > free.memory_mib) continue;
        std::int64_t amount = whole;
        if (need.gpu_milli < GpuRoom::device) {
            for (const std::int16_t room : gpus.shared())
                if (room >= need.gpu_milli) amount += room;
        } else if (need.gpu_milli > whole) {
            continue;
        }
        sum += c.weight * amount;
    }
    return sum;
}

std::int64_t Workload::mismatch(const Resources& need, const Resources& free) const {
    if (need.gpu_milli == 0) return 0;
    // a / b as fractions of a common denominator.
    const auto a = static_cast<double>(std::int64_t{need.cpu_cores} * free.gpu_milli);
    const auto b = static_cast<double>(std::int64_t{free.cpu_cores} * need.gpu_milli);
    return static_cast<std::int64_t>(std::abs(a - b) / (a + b) * static_cast<double>(most_mismatch * total_weight_));
}

} // namespace rcq::core
