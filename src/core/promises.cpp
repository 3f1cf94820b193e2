#include "promises.hpp"
#include <algorithm>

namespace rcq::core {

bool serves(const Host& host, const Shape& shape) {
    return host.executor && host.executor->accepting && !host.executor->draining &&
           is_large_enough(*host.executor, shape) && can_host(*host.executor, shape);
}

// --- windows

const Window* Promises::conflict(ExecutorId executor, GroupId group, Micros from, Micros length) const {
    for (const Window& window : scene_.windows) { // by start
        if (window.from >= later(from, length)) return nullptr;
        if (window.until <= from || (window.executor && *window.executor != executor)) continue;
        if (!window.group || *window.group != group) return &window;
    }
    return nullptr;
}

// --- now

const Promises::ConsumableTimeline* Promises::find_consumable(ExecutorId executor, const std::string& name) const {
    if (const auto stock = stocks_.find(name); stock != stocks_.end()) return &stock->second;
    const auto own = own_.find({executor, name});
    return own == own_.end() ? nullptr : &own->second;
}

std::int64_t Promises::left_now(ExecutorId executor, const std::string& name) const {
    if (const ConsumableTimeline* timeline = find_consumable(executor, name)) return timeline->free_now().n;
    if (const Stock* stock = scene_.holdings.find_stock(name)) return *stock->total - stock->taken;
    return scene_.hosts.at(executor).consumable_left(name);
}

bool Promises::has_consumables(const Hole& hole, const Shape& shape) const {
    return std::all_of(shape.consumables.begin(), shape.consumables.end(),
                       [&](const auto& wanted) { return wanted.second <= left_now(hole.executor->id, wanted.first); });
}

Micros Promises::lasts(const Hole& hole, const Ask& ask) const {
    const ExecutorId id = hole.executor->id;
    if (!has_consumables(hole, *ask.shape)) return 0;
    Micros length = never;
    if (const Window* window = conflict(id, ask.group, now_, never)) length = std::max<Micros>(window->from - now_, 0);
    for (const auto& [name, amount] : ask.shape->consumables)
        if (const ConsumableTimeline* timeline = find_consumable(id, name))
            length = std::min(length, timeline->lasts({amount}));
    const auto timeline = timelines_.find(id);
    if (timeline == timelines_.end()) return length;
    return std::min(length, timeline->second.lasts(taken_by(*ask.shape, *hole.executor)));
}

bool Promises::delays_nothing(ExecutorId executor, const Ask& ask) const {
    return timelines_.count(executor) == 0 &&
           std::none_of(ask.shape->consumables.begin(), ask.shape->consumables.end(),
                        [&](const auto& wanted) { return promised_names_.count(wanted.first) != 0; });
}

void Promises::place(ExecutorId executor, const Ask& ask, const Resources& granted) {
    const Micros end = later(now_, ask.length());
    if (const auto timeline = timelines_.find(executor); timeline != timelines_.end())
        timeline->second.promise(now_, end, granted);
    else
        placed_[executor].push_back({granted, ask.length()});
    const Host& host = scene_.hosts.at(executor);
    for (const auto& [name, amount] : ask.shape->consumables) consumable(host, name).promise(now_, end, {amount});
}

// --- later

Promises::HostTimeline Promises::make_timeline(ExecutorId id, const Host& host) const {
    HostTimeline timeline(host.free(), host.releases, now_);
    if (const auto placed = placed_.find(id); placed != placed_.end())
        for (const Placed& p : placed->second) timeline.promise(now_, later(now_, p.length), p.granted);
    return timeline;
}

Promises::ConsumableTimeline& Promises::consumable(const Host& host, const std::string& name) {
    if (const Stock* stock = scene_.holdings.find_stock(name)) {
        const Count free{*stock->total - stock->taken};
        return stocks_.try_emplace(name, free, stock->releases, now_).first->second;
    }
    static const ConsumableTimeline::Releases none;
    const auto taken = host.consumables_taken.find(name);
    const Count free{host.consumable_left(name)};
    return own_
        .try_emplace({host.executor->id, name}, free,
                     taken == host.consumables_taken.end() ? none : taken->second.releases, now_)
        .first->second;
}

// The first time at which executor, consumables and windows all agree; never, if not before `give_up`.
Micros Promises::agree(const Host& host, HostTimeline& timeline, const Ask& ask, Micros give_up) {
    const Resources& need = taken_by(*ask.shape, *host.executor);
    Micros at = now_;
    for (;;) {
        const Micros before = at;
        at = timeline.earliest(need, ask.length(), at);
        for (const auto& [name, amount] : ask.shape->consumables) {
            if (at >= give_up) return never;
            at = consumable(host, name).earliest({amount}, ask.length(), at);
        }
        if (at >= give_up) return never;
        if (const Window* window = conflict(host.executor->id, ask.group, at, ask.length())) at = window->until;
        if (at == before || at == never) return at;
    }
}

Micros Promises::earliest_on(ExecutorId id, const Ask& ask, Micros give_up) {
    const Host& host = scene_.hosts.at(id);
    if (const auto known = timelines_.find(id); known != timelines_.end())
        return agree(host, known->second, ask, give_up);
    HostTimeline timeline = make_timeline(id, host);
    return agree(host, timeline, ask, give_up);
}

Start Promises::earliest(const Ask& ask) {
    Start best;
    Fitness best_fitness;
    for (const auto& [id, host] : scene_.hosts) {
        if (!serves(host, *ask.shape)) continue;
        const Fitness fit = fitness(*host.executor, host.executor->capacity);
        const bool fitter = best.at == never || fit < best_fitness;
        // of equal times the fitter executor
        const Micros give_up = best.at == never ? never : best.at + (fitter ? 1 : 0);
        const Micros at = earliest_on(id, ask, give_up);
        if (at == never) continue;
        best = {id, at};
        best_fitness = fit;
    }
    return best;
}

Promises::HostTimeline& Promises::timeline(ExecutorId id, const Host& host) {
    const auto known = timelines_.find(id);
    return known != timelines_.end() ? known->second : timelines_.emplace(id, make_timeline(id, host)).first->second;
}

// What is taken away here comes back when the run was planned to end, and goes with it then.
void Promises::stop(const Run& run) {
    const Host& host = scene_.hosts.at(run.executor);
    const auto release =
        std::find_if(host.releases.begin(), host.releases.end(), [&](const auto& r) { return r.job == run.job; });
    const Micros planned = release->at > now_ ? release->at : overdue_end(release->started, release->killed_at, now_);
    const Micros soon = now_ + second;
    if (planned <= soon) return;
    timeline(run.executor, host).promise(soon, planned, Resources{} - run.resources);
    for (const auto& [name, amount] : run.consumables) consumable(host, name).promise(soon, planned, {-amount});
}

void Promises::reserve(const Start& start, const Ask& ask) {
    const Host& host = scene_.hosts.at(start.executor);
    const Micros end = later(start.at, ask.length());
    timeline(start.executor, host).promise(start.at, end, taken_by(*ask.shape, *host.executor));
    for (const auto& [name, amount] : ask.shape->consumables) {
        consumable(host, name).promise(start.at, end, {amount});
        promised_names_.insert(name);
    }
}

} // namespace rcq::core
