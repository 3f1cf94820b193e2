#include "array_feed.hpp"
#include <algorithm>
#include <bit>

namespace rcq::core {
namespace {

constexpr std::int64_t unlimited = INT64_MAX;

void cap(std::int64_t& count, std::int64_t free, std::int64_t need) {
    if (need > 0) count = std::min(count, std::max<std::int64_t>(free, 0) / need);
}

std::int64_t gpu_requests_in(const GpuRoom& gpus, std::int32_t milli) {
    if (milli >= GpuRoom::device) return gpus.whole_free() / (milli / GpuRoom::device);
    std::int64_t count = std::int64_t{gpus.whole_free()} * (GpuRoom::device / milli);
    for (std::uint32_t slots = gpus.used_slots(); slots != 0; slots &= slots - 1)
        count += gpus.room_at(std::countr_zero(slots)) / milli;
    return count;
}

// How many of the shape fit into what is free there.
std::int64_t room_in(const Hole& hole, const Host& host, const Holdings& holdings, const Shape& shape) {
    if (!can_host(*hole.executor, shape)) return 0;
    std::int64_t count = unlimited;
    if (shape.exclusive) count = hole.free == hole.executor->capacity ? 1 : 0;
    cap(count, hole.free.cpu_cores, shape.min_cores > 0 ? shape.min_cores : shape.need.cpu_cores);
    cap(count, hole.free.memory_mib, shape.need.memory_mib);
    if (shape.need.gpu_milli > 0) count = std::min(count, gpu_requests_in(hole.gpus, shape.need.gpu_milli));
    for (const auto& [name, amount] : shape.consumables)
        if (!holdings.find_stock(name)) cap(count, host.consumable_left(name), amount);
    return count;
}

// At least as many as any plan can place of the shape; ends counting at `enough`.
std::int64_t room_for(const Cluster& cluster, const Shape& shape, std::int64_t enough) {
    std::int64_t most = enough;
    for (const auto& [name, amount] : shape.consumables)
        if (const Stock* stock = cluster.holdings().find_stock(name)) cap(most, *stock->total - stock->taken, amount);
    std::int64_t count = 0;
    for (const Hole& hole : cluster.hosts().holes().all()) {
        if (count >= most) break;
        const std::int64_t here = room_in(hole, *cluster.hosts().find(hole.executor->id), cluster.holdings(), shape);
        count += std::min(here, most - count);
    }
    return count;
}

// Tasks that hold reservations, or would.
std::int64_t spare_tasks(const Settings& settings) {
    const bool many = settings.backfill == Backfill::depth || settings.backfill == Backfill::conservative;
    return many ? settings.backfill_depth : 1;
}

// With room for n under the throttle, n tasks are placed and nothing is promised to the next one; or fewer are, and
// those with a promise come on top of them, as the throttle does not count them.
std::int64_t room_under(std::int32_t throttle, std::int64_t placed, std::int64_t spare) {
    return placed < throttle ? throttle - placed + spare - 1 : 0;
}

} // namespace

// --- arrays and tasks

std::int64_t ArrayFeed::Array::pending_in_turn() const {
    std::int64_t sum = 0;
    for (const auto& [eligible_at, tasks] : pending) {
        if (eligible_at > definition->like.eligible_at) break;
        sum += tasks;
    }
    return sum;
}

void ArrayFeed::put(const WaitingArray& array) {
    Array& known = arrays_[array.id];
    leave_queue(known);
    known.definition = array;
    const Job& like = array.like;
    known.queue = queues_.try_emplace({lane_spec(like), like.estimate, like.time_limit}).first;
    known.queue->second.insert({like.eligible_at, array.id});
    if (array.waiting > 0) {
        ++waiting_arrays_;
        if (!array.blocked) times_.insert(like.eligible_at);
    }
    satisfied_.reset();
}

void ArrayFeed::leave_queue(Array& array) {
    if (!array.definition) return;
    const WaitingArray& definition = *array.definition;
    const Micros eligible_at = definition.like.eligible_at;
    array.queue->second.erase({eligible_at, definition.id});
    if (array.queue->second.empty()) queues_.erase(array.queue);
    if (definition.waiting > 0) {
        --waiting_arrays_;
        if (!definition.blocked) times_.erase(times_.find(eligible_at));
    }
    array.definition.reset();
}

void ArrayFeed::drop(JobId array) {
    const auto known = arrays_.find(array);
    if (known == arrays_.end()) return;
    leave_queue(known->second);
    forget_if_empty(array);
    satisfied_.reset();
}

void ArrayFeed::forget_if_empty(JobId array) {
    const Array& known = arrays_.at(array);
    if (!known.definition && known.pending.empty() && known.placed == 0) arrays_.erase(array);
}

void ArrayFeed::count(const Task& task, int sign) {
    Array& array = arrays_[task.array];
    if (task.state == TaskState::placed) {
        array.placed += sign;
    } else {
        const auto pending = array.pending.try_emplace(task.eligible_at, 0).first;
        if ((pending->second += sign) == 0) array.pending.erase(pending);
    }
    satisfied_.reset();
}

void ArrayFeed::task(JobId task, JobId array, TaskState state, Micros eligible_at) {
    task_gone(task);
    const Task added{array, state, eligible_at};
    tasks_.emplace(task, added);
    count(added, 1);
}

void ArrayFeed::task_gone(JobId task) {
    const auto known = tasks_.find(task);
    if (known == tasks_.end()) return;
    const Task gone = known->second;
    tasks_.erase(known);
    count(gone, -1);
    forget_if_empty(gone.array);
}

std::optional<Micros> ArrayFeed::next_due(Micros now) const {
    const auto next = times_.upper_bound(now);
    return next == times_.end() ? std::nullopt : std::optional(*next);
}

// --- demand

std::vector<Demand> ArrayFeed::demand(const Cluster& cluster, Micros now, std::int32_t most) {
    const Seen seen{cluster.hosts().changes(), cluster.outlook_version(), spare_tasks(cluster.settings())};
    if (satisfied_ == seen && (!satisfied_until_ || now < *satisfied_until_)) return {};
    std::map<Shape, std::int64_t> rooms;
    std::vector<Demand> demand;
    std::int64_t left = most;
    for (const auto& [queue, places] : queues_) {
        std::optional<std::int64_t> needed; // by those of the queue that have not had their turn
        for (const auto& [eligible_at, id] : places) {
            if (eligible_at > now || left == 0 || (needed && *needed <= 0)) break;
            const Array& array = arrays_.at(id);
            const WaitingArray& definition = *array.definition;
            const std::int64_t pending = array.pending_in_turn();
            if (!needed) {
                const auto [room, fresh] = rooms.try_emplace(queue.lane.shape, 0);
                if (fresh) room->second = room_for(cluster, queue.lane.shape, unlimited - seen.spare);
                needed = room->second + seen.spare;
            }
            std::int64_t more = 0;
            if (!definition.blocked) {
                std::int64_t wanted = *needed;
                if (const std::int32_t throttle = definition.like.array_throttle; throttle > 0)
                    wanted = std::min(wanted, room_under(throttle, array.placed, seen.spare));
                more = std::clamp<std::int64_t>(wanted - pending, 0, std::min(definition.waiting, left));
            }
            *needed -= pending + more;
            left -= more;
            if (more > 0) demand.push_back({id, static_cast<std::int32_t>(more)});
        }
    }
    std::sort(demand.begin(), demand.end(), [](const Demand& a, const Demand& b) { return a.array < b.array; });
    if (demand.empty() && most > 0) {
        satisfied_ = seen;
        satisfied_until_ = next_due(now);
    }
    return demand;
}

} // namespace rcq::core
