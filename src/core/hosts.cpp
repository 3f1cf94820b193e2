#include "hosts.hpp"
#include <algorithm>

namespace rcq::core {

namespace {

bool shares_device(const Run& run) {
    return run.resources.gpu_milli > 0 && run.resources.gpu_milli < GpuRoom::device && run.gpu_slot != GpuRoom::no_slot;
}

// Made anew from what is held, as the executor may have come after its runs, or come back with other GPUs.
GpuRoom room_of(const Host& host) {
    std::int32_t shared = 0;
    for (const auto& [slot, milli] : host.shared_gpus) shared += milli;
    GpuRoom room(host.free().gpu_milli + shared);
    for (const auto& [slot, milli] : host.shared_gpus) room.take_at(milli, slot);
    return room;
}

} // namespace

std::int64_t Host::consumable_left(std::string_view name) const {
    const auto total = executor->consumables.find(name);
    const auto taken = consumables_taken.find(name);
    return (total == executor->consumables.end() ? 0 : total->second) -
           (taken == consumables_taken.end() ? 0 : taken->second.amount);
}

// The one way to change a host: its hole is taken out by its old values and put back by its new ones.
template <typename Change> void Hosts::change(ExecutorId id, Change change) {
    ++changes_;
    Host& host = hosts_[id];
    if (host.executor) holes_.remove(*host.executor, host.free());
    change(host);
    if (host.executor) {
        host.gpus = room_of(host);
        holes_.add(*host.executor, host.free(), host.gpus);
    } else if (host.runs.empty()) {
        hosts_.erase(id);
    }
}

bool Hosts::put(const Executor& executor) {
    const Host* known = find(executor.id);
    if (known && known->executor == executor) return false;
    change(executor.id, [&](Host& host) { host.executor = executor; });
    ++version_;
    return true;
}

bool Hosts::drop(ExecutorId id) {
    const Host* known = find(id);
    if (!known || !known->executor) return false;
    change(id, [](Host& host) { host.executor.reset(); });
    ++version_;
    return true;
}

void Hosts::take(const Run& run, const HostReleases::value_type& release) {
    change(run.executor, [&](Host& host) {
        host.taken += run.resources;
        if (shares_device(run)) host.shared_gpus[run.gpu_slot] += run.resources.gpu_milli;
        for (const auto& [name, amount] : run.consumables) {
            Host::Taken& taken = host.consumables_taken[name];
            taken.amount += amount;
            taken.releases.insert(release_of(amount, release));
        }
        host.runs.insert(std::lower_bound(host.runs.begin(), host.runs.end(), run.job), run.job);
        host.releases.insert(release);
    });
}

void Hosts::give_back(const Run& run, const HostReleases::value_type& release) {
    change(run.executor, [&](Host& host) {
        host.taken -= run.resources;
        if (shares_device(run) && (host.shared_gpus[run.gpu_slot] -= run.resources.gpu_milli) == 0)
            host.shared_gpus.erase(run.gpu_slot);
        for (const auto& [name, amount] : run.consumables) {
            Host::Taken& taken = host.consumables_taken[name];
            taken.amount -= amount;
            taken.releases.erase(release_of(amount, release));
            if (taken.releases.empty()) host.consumables_taken.erase(name);
        }
        host.runs.erase(std::lower_bound(host.runs.begin(), host.runs.end(), run.job));
        host.releases.erase(release);
    });
}

void Hosts::retime(const Run& run, const HostReleases::value_type& from, const HostReleases::value_type& to) {
    Host& host = hosts_.at(run.executor);
    move_release(host.releases, from, to);
    for (const auto& [name, amount] : run.consumables)
        move_release(host.consumables_taken.at(name).releases, release_of(amount, from), release_of(amount, to));
}

const Host* Hosts::find(ExecutorId id) const {
    const auto it = hosts_.find(id);
    return it == hosts_.end() ? nullptr : &it->second;
}

std::vector<const Executor*> Hosts::executors() const {
    std::vector<const Executor*> all;
    all.reserve(hosts_.size());
    for (const auto& [id, host] : hosts_)
        if (host.executor) all.push_back(&*host.executor);
    return all;
}

} // namespace rcq::core
