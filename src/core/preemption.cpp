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

// Cores, memory and GPUs, and the executor's own consumables.
struct Room {
    Resources free;
    Consumables consumables;

    bool takes(const Shape& shape, const Executor& executor) const {
        if (shape.exclusive) return executor.capacity.fits_in(free);
        if (!shape.need.fits_in(free)) return false;
        return std::all_of(shape.consumables.begin(), shape.consumables.end(), [&](const auto& wanted) {
            const auto left = consumables.find(wanted.first);
            return left == consumables.end() || wanted.second <= left->second;
        });
    }
    void change(const Run& run, int sign) {
        free += sign > 0 ? run.resources : Resources{} - run.resources;
        for (const auto& [name, amount] : run.consumables)
            if (const auto left = consumables.find(name); left != consumables.end()) left->second += sign * amount;
    }
};

// What is left on the executor of the consumables that the shape wants and the cluster has not.
Room room_of(const Cluster& cluster, const Host& host, const Shape& shape) {
    Room room{host.free(), {}};
    for (const auto& [name, amount] : shape.consumables)
        if (!cluster.holdings().find_stock(name)) room.consumables[name] = host.consumable_left(name);
    return room;
}

} // namespace

std::vector<JobId> choose_victims(const Cluster& cluster, const Shape& shape, Micros now,
                                  const std::function<bool(ExecutorId)>& is_open) {
    std::vector<JobId> best;
    double least_lost = 0;
    ExecutorId best_id = 0;
    for (const auto& [name, amount] : shape.consumables)
        if (const Stock* stock = cluster.holdings().find_stock(name); stock && stock->taken + amount > *stock->total)
            return best;
    for (const auto& [id, host] : cluster.hosts().all()) {
        if (!serves(host, shape) || !is_open(id)) continue;
        Room room = room_of(cluster, host, shape);
        std::vector<Victim> stopped;
        for (const JobId job : host.runs) {
            const Run& run = *cluster.find_run(job);
            if (is_going(run)) room.change(run, 1);
            if (may_stop(run, now, cluster.settings())) stopped.push_back({&run, work_of(run, now)});
        }
        if (room.takes(shape, *host.executor)) return {}; // it is only a matter of moments
        for (const Victim& victim : stopped) room.change(*victim.run, 1);
        if (!room.takes(shape, *host.executor)) continue;
        // all of them are enough: spare those that lose the most, as long as the rest is enough
        std::sort(stopped.begin(), stopped.end(), [](const Victim& a, const Victim& b) {
            return a.work != b.work ? a.work > b.work : a.run->job < b.run->job;
        });
        std::vector<JobId> chosen;
        double lost = 0;
        for (const Victim& victim : stopped) {
            room.change(*victim.run, -1);
            if (room.takes(shape, *host.executor)) continue;
            room.change(*victim.run, 1);
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
