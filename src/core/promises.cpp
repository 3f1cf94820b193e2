#include "promises.hpp"

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

std::int64_t Promises::left_on(const Host& host, const std::string& name) const {
    const auto taken = consumables_.find({host.executor->id, name});
    return host.consumable_left(name) - (taken == consumables_.end() ? 0 : taken->second);
}

Micros Promises::lasts(const Hole& hole, const Ask& ask) const {
    const ExecutorId id = hole.executor->id;
    Micros length = never;
    if (const Window* window = conflict(id, ask.group, now_, never)) length = std::max<Micros>(window->from - now_, 0);
    for (const auto& [name, amount] : ask.shape->consumables) {
        if (const auto stock = stocks_.find(name); stock != stocks_.end())
            length = std::min(length, stock->second.lasts({amount}));
        else if (const Stock* untouched = scene_.holdings.find_stock(name))
            length = untouched->taken + amount > *untouched->total ? 0 : length;
        else if (amount > left_on(scene_.hosts.at(id), name))
            return 0;
    }
    const auto timeline = timelines_.find(id);
    if (timeline == timelines_.end()) return length;
    return std::min(length, timeline->second.lasts(taken_by(*ask.shape, *hole.executor)));
}

void Promises::place(ExecutorId executor, const Ask& ask, const Resources& granted) {
    const Micros end = later(now_, ask.length());
    if (const auto timeline = timelines_.find(executor); timeline != timelines_.end())
        timeline->second.promise(now_, end, granted);
    else
        placed_[executor].push_back({granted, ask.length()});
    for (const auto& [name, amount] : ask.shape->consumables) {
        if (const Stock* stock = scene_.holdings.find_stock(name))
            stock_timeline(name, *stock).promise(now_, end, {amount});
        else
            consumables_[{executor, name}] += amount;
    }
}

// --- later

Promises::HostTimeline Promises::make_timeline(ExecutorId id, const Host& host) const {
    HostTimeline timeline(host.free(), host.releases, now_);
    if (const auto placed = placed_.find(id); placed != placed_.end())
        for (const Placed& p : placed->second) timeline.promise(now_, later(now_, p.length), p.granted);
    return timeline;
}

Timeline<Count>& Promises::stock_timeline(const std::string& name, const Stock& stock) {
    const Count free{*stock.total - stock.taken};
    return stocks_.try_emplace(name, free, stock.releases, now_).first->second;
}

// The first time at which executor, consumables of the cluster and windows all agree; never, if not before `give_up`.
Micros Promises::agree(const Host& host, HostTimeline& timeline, const Ask& ask, Micros give_up) {
    const Resources& need = taken_by(*ask.shape, *host.executor);
    Micros at = now_;
    for (;;) {
        const Micros before = at;
        at = timeline.earliest(need, ask.length(), at);
        for (const auto& [name, amount] : ask.shape->consumables) {
            if (at >= give_up) return never;
            if (const Stock* stock = scene_.holdings.find_stock(name))
                at = stock_timeline(name, *stock).earliest({amount}, ask.length(), at);
        }
        if (at >= give_up) return never;
        if (const Window* window = conflict(host.executor->id, ask.group, at, ask.length())) at = window->until;
        if (at == before) return at;
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

void Promises::reserve(const Start& start, const Ask& ask) {
    const Host& host = scene_.hosts.at(start.executor);
    const auto known = timelines_.find(start.executor);
    HostTimeline& timeline =
        known != timelines_.end()
            ? known->second
            : timelines_.emplace(start.executor, make_timeline(start.executor, host)).first->second;
    const Micros end = later(start.at, ask.length());
    timeline.promise(start.at, end, taken_by(*ask.shape, *host.executor));
    for (const auto& [name, amount] : ask.shape->consumables)
        if (const Stock* stock = scene_.holdings.find_stock(name))
            stock_timeline(name, *stock).promise(start.at, end, {amount});
}

} // namespace rcq::core
