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
    return shape.constraint.accepts(executor.features) &&
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
    index();
}

template <typename Need> Workload::Thresholds Workload::thresholds(Need need) const {
    Thresholds list;
    for (std::size_t i = 0; i < classes_.size(); ++i) list.emplace_back(need(classes_[i].shape.need), ClassSet{1} << i);
    std::sort(list.begin(), list.end());
    for (std::size_t i = 1; i < list.size(); ++i) list[i].second |= list[i - 1].second;
    return list;
}

void Workload::index() {
    by_cores_ = thresholds([](const Resources& need) { return need.cpu_cores; });
    by_memory_ = thresholds([](const Resources& need) { return need.memory_mib; });
    by_gpus_ = thresholds([](const Resources& need) { return std::max(need.gpu_milli, GpuRoom::device); });
    sharing_.assign(GpuRoom::device, 0);
    weights_.resize((classes_.size() + 7) / 8);
    for (std::size_t i = 0; i < classes_.size(); ++i) {
        const ClassSet bit = ClassSet{1} << i;
        const auto least_room = static_cast<std::size_t>(classes_[i].shape.need.gpu_milli);
        for (std::size_t room = least_room; room < sharing_.size(); ++room) sharing_[room] |= bit;
        for (std::size_t byte = 0; byte < 256; ++byte)
            if ((byte >> (i % 8) & 1) != 0) weights_[i / 8][byte] += classes_[i].weight;
    }
}

Workload::ClassSet Workload::within(const Thresholds& thresholds, std::int64_t amount) {
    // A binary search without branches, which nothing could predict.
    std::size_t first = 0;
    for (std::size_t n = thresholds.size(); n > 0;) {
        const std::size_t half = (n + 1) / 2;
        first += thresholds[first + half - 1].first <= amount ? half : 0;
        n -= half;
    }
    return first == 0 ? 0 : thresholds[first - 1].second;
}

std::int64_t Workload::weight_of(ClassSet set) const {
    std::int64_t sum = 0;
    for (std::size_t byte = 0; byte < weights_.size(); ++byte, set >>= 8) sum += weights_[byte][set & 255];
    return sum;
}

Workload::ClassSet Workload::hosted_by(const Executor& executor) const {
    ClassSet hosted = 0;
    for (std::size_t i = 0; i < classes_.size(); ++i)
        if (can_host(executor, classes_[i].shape)) hosted |= ClassSet{1} << i;
    return hosted;
}

std::int64_t Workload::usable(ClassSet hosted, const Resources& free, const GpuRoom& gpus) const {
    const ClassSet able = hosted & fitting(free);
    if (able == 0) return 0;
    std::int64_t sum = usable_whole(able, gpus.whole_free());
    for (std::uint32_t slots = gpus.used_slots(); slots != 0; slots &= slots - 1)
        sum += usable_shared(able, gpus.room_at(std::countr_zero(slots)));
    return sum;
}

Workload::ClassSet Workload::fitting(const Resources& free) const {
    return within(by_cores_, free.cpu_cores) & within(by_memory_, free.memory_mib);
}

std::int64_t Workload::usable_whole(ClassSet fitting, std::int32_t devices) const {
    const std::int64_t milli = std::int64_t{devices} * GpuRoom::device;
    return milli * weight_of(fitting & within(by_gpus_, milli));
}

std::int64_t Workload::usable_shared(ClassSet fitting, std::int32_t room) const {
    return room * weight_of(fitting & sharing_[static_cast<std::size_t>(room)]);
}

std::int64_t Workload::mismatch(const Resources& need, const Resources& free) const {
    if (need.gpu_milli == 0) return 0;
    // a / b as fractions of a common denominator.
    const auto a = static_cast<double>(std::int64_t{need.cpu_cores} * free.gpu_milli);
    const auto b = static_cast<double>(std::int64_t{free.cpu_cores} * need.gpu_milli);
    return static_cast<std::int64_t>(std::abs(a - b) / (a + b) * static_cast<double>(most_mismatch * total_weight_));
}

} // namespace rcq::core
