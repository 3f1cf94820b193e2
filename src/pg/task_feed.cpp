#include "task_feed.hpp"

namespace rcq::pg {

std::vector<core::JobId> TaskFeed::saw_array(const store::LiveRow& row) {
    const auto [entry, fresh] = arrays_.try_emplace(row.job.id);
    Array& array = entry->second;
    std::vector<core::JobId> stale;
    const core::Job& known = array.waiting.like;
    if (!fresh && (known.shape != row.job.shape || known.estimate != row.job.estimate ||
                   known.time_limit != row.job.time_limit || known.priority != row.job.priority))
        for (const auto& [task, of] : array_of_)
            if (of == row.job.id) stale.push_back(task);
    array.started = row.claimed_at.has_value();
    array.waiting = {row.job.id, row.job, *row.tasks_waiting, row.job.held || row.unmet > 0};
    feed_.put(array.waiting);
    if (*row.tasks_waiting == 0) to_fold_.insert(row.job.id); // its last tasks may have been cancelled
    return stale;
}

void TaskFeed::saw_task(const store::LiveRow& row) {
    const core::JobId array = row.job.array;
    array_of_[row.job.id] = array;
    if (row.executor == 0 && (row.job.held || row.unmet > 0))
        feed_.task_gone(row.job.id);
    else
        feed_.task(row.job.id, array, row.executor == 0 ? core::TaskState::pending : core::TaskState::placed,
                   row.job.eligible_at);
    if (row.claimed_at) has_run(array);
}

void TaskFeed::has_run(core::JobId array) {
    if (array == 0) return;
    const auto known = arrays_.find(array);
    if (known == arrays_.end() || !known->second.started) to_start_.insert(array);
}

void TaskFeed::gone(core::JobId id) {
    if (const auto task = array_of_.find(id); task != array_of_.end()) {
        to_fold_.insert(task->second);
        array_of_.erase(task);
        feed_.task_gone(id);
    }
    arrays_.erase(id);
    feed_.drop(id);
    to_fold_.erase(id);
    to_start_.erase(id);
}

std::vector<core::JobId> TaskFeed::ids_in(core::JobId first, core::JobId last) const {
    std::vector<core::JobId> ids;
    for (auto it = arrays_.lower_bound(first); it != arrays_.end() && it->first <= last; ++it) ids.push_back(it->first);
    for (auto it = array_of_.lower_bound(first); it != array_of_.end() && it->first <= last; ++it)
        ids.push_back(it->first);
    return ids;
}

core::JobId TaskFeed::array_of(core::JobId job) const {
    const auto found = array_of_.find(job);
    return found == array_of_.end() ? 0 : found->second;
}

TaskFeed::Settled TaskFeed::settle(TimestampTz now) {
    Settled settled;
    if (!to_start_.empty()) {
        settled.started = store::start_arrays({to_start_.begin(), to_start_.end()}, now);
        for (const core::JobId array : settled.started)
            if (const auto known = arrays_.find(array); known != arrays_.end()) known->second.started = true;
        // those that somebody holds are tried again
        std::erase_if(to_start_, [&](core::JobId array) {
            const auto known = arrays_.find(array);
            return known == arrays_.end() || known->second.started;
        });
    }
    if (!to_fold_.empty()) {
        // an array that somebody holds is seen again when they let go, by their change or by the sweep
        settled.ended = store::fold_arrays({to_fold_.begin(), to_fold_.end()});
        to_fold_.clear();
        for (const core::JobId array : settled.ended) gone(array);
    }
    return settled;
}

std::size_t TaskFeed::materialise(core::Cluster& cluster, TimestampTz now, int32 most) {
    if (!has_waiting()) return 0;
    std::vector<int64> arrays;
    std::vector<int32> counts;
    for (const core::Demand& demand : feed_.demand(cluster, now, most)) {
        arrays.push_back(demand.array);
        counts.push_back(demand.count);
    }
    if (arrays.empty() || !store::partitions_ready(most)) return 0;
    std::size_t made = 0;
    store::materialise(arrays, counts, [&](core::JobId array, core::JobId task) {
        core::WaitingArray& waiting = arrays_.at(array).waiting;
        core::Job job = waiting.like;
        job.id = task;
        cluster.put_job(job);
        array_of_[task] = array;
        feed_.task(task, array, core::TaskState::pending, job.eligible_at);
        waiting.waiting--;
        feed_.put(waiting);
        made++;
    });
    return made;
}

} // namespace rcq::pg
