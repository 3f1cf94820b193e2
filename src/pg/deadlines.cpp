#include "deadlines.hpp"

namespace rcq::pg {

void Deadlines::put(core::JobId job, TimestampTz deadline) {
    drop(job);
    order_.emplace(deadline, job);
    deadline_of_[job] = deadline;
}

void Deadlines::drop(core::JobId job) {
    const auto known = deadline_of_.find(job);
    if (known == deadline_of_.end()) return;
    order_.erase({known->second, job});
    deadline_of_.erase(known);
}

void Deadlines::clear() {
    order_.clear();
    deadline_of_.clear();
}

std::vector<core::JobId> Deadlines::ids_in(core::JobId first, core::JobId last) const {
    std::vector<core::JobId> ids;
    for (auto it = deadline_of_.lower_bound(first); it != deadline_of_.end() && it->first <= last; ++it)
        ids.push_back(it->first);
    return ids;
}

std::vector<core::JobId> Deadlines::take_due(TimestampTz now, std::size_t at_most) {
    std::vector<core::JobId> due;
    while (due.size() < at_most && !order_.empty() && order_.begin()->first <= now) {
        due.push_back(order_.begin()->second);
        drop(due.back());
    }
    return due;
}

std::optional<TimestampTz> Deadlines::next() const {
    if (order_.empty()) return std::nullopt;
    return order_.begin()->first;
}

} // namespace rcq::pg
