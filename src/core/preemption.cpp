#include "preemption.hpp"
#include "promises.hpp"
#include <algorithm>

namespace rcq::core {
namespace {

struct Victim {
    const Run* run;
    double work; // core-seconds done, lost if it is stopped
};

double work_of(const Run& run, Micros now) {
    return static_cast<double>(now - *run.claimed_at) / second * std::max(run.resources.cpu_cores, 1);
}

bool is_going(const Run& run) { return run.preempting || run.cancelling; }

bool may_stop(const Run& run, Micros now, const Settings& settings) {
    return run.preemptible && run.claimed_at && !is_going(run) && now - *run.claimed_at >= settings.preempt_after &&
           run.preempted < settings.max_preemptions;
}

// What is free on an executor, and what its consumables and the cluster's leave to the shape.
struct Room {
    Resources free;
    GpuRoom gpus;
    Consumables consumables;

    bool takes(const Shape& shape, const Executor& executor) const {
        if (shape.exclusive ? !executor.capacity.fits_in(free) : !shape.need.fits_in(free)) return false;
        return gpus.fits(shape.need.gpu_milli) &&
               std::all_of(shape.consumables.begin(), shape.consumables.end(),
                           [&](const auto& wanted) { return wanted.second <= consumables.at(wanted.first); });
    }
    void give(const Run& run) {
        free += run.resources;
        gpus.give(run.resources.gpu_milli, run.gpu_slot);
        change_consumables(run, 1);
    }
    void take(const Run& run) {
        free -= run.resources;
        if (run.gpu_slot != GpuRoom::no_slot)
            gpus.take_at(run.resources.gpu_milli, run.gpu_slot);
        else
            gpus.take(run.resources.gpu_milli);
        change_consumables(run, -1);
    }
    void change_consumables(const Run& run, int sign) {
        for (const auto& [name, amount] : run.consumables)
            if (const auto left = consumables.find(name); left != consumables.end()) left->second += sign * amount;
    }
};

Room room_of(const Cluster& cluster, const Host& host, const Shape& shape, std::span<const Run> placed) {
    Room room{host.free(), host.gpus, {}};
    for (const auto& [name, amount] : shape.consumables) {
        const Stock* stock = cluster.holdings().find_stock(name);
        room.consumables[name] = stock ? *stock->total - stock->taken : host.consumable_left(name);
        if (!stock) continue;
        for (const Run& run : placed) // those on this executor follow
            if (const auto it = run.consumables.find(name);
                it != run.consumables.end() && run.executor != host.executor->id)
                room.consumables[name] -= it->second;
    }
    for (const Run& run : placed)
        if (run.executor == host.executor->id) room.take(run);
    return room;
}

} // namespace

std::vector<JobId> choose_victims(const Cluster& cluster, const Shape& shape, Micros now, std::span<const Run> placed,
                                  const std::function<bool(const Executor&)>& may_use) {
    std::vector<JobId> best;
    double least_lost = 0;
    ExecutorId best_id = 0;
    for (const auto& [id, host] : cluster.hosts().all()) {
        if (!serves(host, shape) || !may_use(*host.executor)) continue;
        Room room = room_of(cluster, host, shape, placed);
        std::vector<Victim> stopped;
        for (const JobId job : host.runs) {
            const Run& run = *cluster.find_run(job);
            if (is_going(run)) room.give(run);
            if (may_stop(run, now, cluster.settings())) stopped.push_back({&run, work_of(run, now)});
        }
        if (room.takes(shape, *host.executor)) return {}; // it is only a matter of moments
        for (const Victim& victim : stopped) room.give(*victim.run);
        if (!room.takes(shape, *host.executor)) continue;
        // all of them are enough: spare those that lose the most, as long as the rest is enough
        std::sort(stopped.begin(), stopped.end(), [](const Victim& a, const Victim& b) {
            return a.work != b.work ? a.work > b.work : a.run->job < b.run->job;
        });
        std::vector<JobId> chosen;
        double lost = 0;
        for (const Victim& victim : stopped) {
            room.take(*victim.run);
            if (room.takes(shape, *host.executor)) continue;
            room.give(*victim.run);
            chosen.push_back(victim.run->job);
            lost += victim.work;
        }
        if (best.empty() || lost < least_lost || (lost == least_lost && id < best_id)) {
            best = std::move(chosen);
            least_lost = lost;
            best_id = id;
        }
    }
    return best;
}

} // namespace rcq::core
