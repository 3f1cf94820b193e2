#include "metrics_gauges.hpp"

namespace rcq::pg {

namespace {

void add(GroupGauges& to, const core::Counts& counts) {
    to.pending += static_cast<int64>(counts.pending - counts.held);
    to.held += static_cast<int64>(counts.held);
    to.assigned += static_cast<int64>(counts.assigned);
    to.running += static_cast<int64>(counts.running);
}

// The first groups by id have a place of their own, the others share the last one.
void fill_groups(Gauges& gauges, const core::Cluster& cluster, const core::Plan& plan) {
    std::map<core::GroupId, core::Micros> oldest;
    for (const auto& [id, group] : cluster.groups()) oldest.emplace(id, 0);
    for (const core::LaneReport& lane : plan.lanes) {
        if (lane.count == 0) continue;
        core::Micros& least = oldest[lane.group];
        if (least == 0 || lane.oldest_eligible_at < least) least = lane.oldest_eligible_at;
    }
    for (const auto& [id, eligible_at] : oldest) {
        const bool has_place = gauges.groups < Gauges::max_groups;
        GroupGauges& place = gauges.group[has_place ? gauges.groups++ : Gauges::max_groups];
        if (has_place) place.group = id;
        add(place, cluster.counts(id));
        if (eligible_at != 0 && (place.oldest == 0 || eligible_at < place.oldest)) place.oldest = eligible_at;
    }
    if (oldest.size() > Gauges::max_groups) gauges.groups++;
}

void fill_hosts(Gauges& gauges, const core::Cluster& cluster,
                const std::map<core::ExecutorId, store::ExecutorRow>& executors) {
    for (const auto& [id, row] : executors) {
        const core::Host* host = cluster.hosts().find(id);
        const bool is_online = host && host->executor && host->executor->accepting;
        const HostStatus status = !is_online                 ? HostStatus::offline
                                  : host->executor->draining ? HostStatus::draining
                                  : host->runs.empty()       ? HostStatus::idle
                                                             : HostStatus::busy;
        HostGauges& place = gauges.hosts[static_cast<int>(status)];
        place.executors++;
        place.cpu_cores += row.capacity.cpu_cores;
        place.memory_mib += row.capacity.memory_mib;
        place.gpus += row.capacity.gpu_milli / 1000;
        if (!host) continue;
        place.cpu_cores_used += host->taken.cpu_cores;
        place.memory_mib_used += host->taken.memory_mib;
        place.gpus_used += host->taken.gpu_milli / 1000.0;
    }
}

} // namespace

void publish_gauges(DatabaseSlot& slot, const core::Cluster& cluster, const core::Plan& plan,
                    const std::map<core::ExecutorId, store::ExecutorRow>& executors, bool paused) {
    static_assert(static_cast<int>(core::Reason::restored) < Gauges::max_reasons);
    const auto gauges = std::make_unique<Gauges>();
    gauges->paused = paused;
    fill_groups(*gauges, cluster, plan);
    for (const core::LaneReport& lane : plan.lanes)
        gauges->reason[static_cast<int>(paused ? core::Reason::paused : lane.reason)] += static_cast<int64>(lane.count);
    fill_hosts(*gauges, cluster, executors);
    LockGuard guard(slot.publish_lock, LW_EXCLUSIVE);
    slot.metrics.gauges = *gauges;
}

} // namespace rcq::pg
