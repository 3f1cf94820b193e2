// The plan by the rule in plan.hpp, looking at every job again after every placement: no lanes, no heaps, no sums, no
// timelines. What is free at a time is added up from a list of who holds what from when until when.
// Shared with the core: values, priorities, prices, and which of several executors is the fittest.
#pragma once
#include "core/fair_tree.hpp"
#include "core/multifactor.hpp"
#include "random_world.hpp"
#include <algorithm>
#include <set>

namespace rcq::core {

class PlanOracle {
public:
    // Which runs are stopped is taken from the plan: whether that is right has a test of its own.
    explicit PlanOracle(const World& world, const std::vector<Preemption>& preemptions = {})
        : w(world), stops(preemptions), lifted(world.lifted) {
        for (const Run& r : w.runs)
            held.push_back({r.executor, INT64_MIN, planned_end(r), r.resources, r.consumables, r.job});
        for (const Executor& e : w.executors) gpus.emplace(e.id, GpuRoom(free_at(e, w.now).gpu_milli));
        expected = Workload(expected_jobs());
    }

    void run() {
        for (const auto& [id, room] : w.preemptors)
            if (room.until > w.now) try_preemptor(id, room);
        while (const Job* next = next_job()) {
            if (stopped()) break;
            look_at(*next);
        }
    }

    std::vector<Placement> placements;
    std::vector<Reservation> reservations;
    std::vector<std::size_t> placed_before; // reservations: how many placements came before each
    bool complete = true;

    // Jobs left, in order, whether or not something stands against them.
    std::vector<JobId> ranking() const {
        std::vector<const Job*> left, first;
        for (const Job& j : w.jobs)
            if (is_waiting(j)) left.push_back(&j);
        for (const Job* j : left)
            if (is_lifted(*j, left)) first.push_back(j);
        std::sort(first.begin(), first.end(), older);
        std::erase_if(left, [&](auto* j) { return std::count(first.begin(), first.end(), j) != 0; });
        std::sort(left.begin(), left.end(), [&](auto* a, auto* b) { return goes_before(rank_of(*a), rank_of(*b)); });
        std::vector<JobId> ids;
        for (const auto& list : {first, left})
            for (const Job* j : list) ids.push_back(j->id);
        return ids;
    }

    // Why a job is left: what stood against it when it was looked at, and what does after all placements. resources
    // stands for resources, reserved and maintenance, which are told apart by what else was placed before.
    std::set<Reason> reasons_of(const Job& j) const {
        if (j.eligible_at > w.now) return {Reason::begin_time};
        std::set<Reason> reasons;
        if (const auto told = passed.find(j.id); told != passed.end()) reasons.insert(told->second);
        const Shape s = shape_of(j);
        if (group_of(j.group).paused) reasons.insert(Reason::paused);
        if (is_throttled(j)) reasons.insert(Reason::array_throttle);
        if (over_limits(j, s.need)) reasons.insert(Reason::limit);
        if (over_quota(j, nominal_rate(j))) reasons.insert(Reason::quota);
        const bool fits = std::any_of(w.executors.begin(), w.executors.end(), [&](auto& e) { return fits_now(e, s); });
        if (!fits && !ended) reasons.insert(outlook(s));
        if (reasons.empty() || (ended && !passed.count(j.id))) reasons.insert(Reason::priority);
        return reasons;
    }

    bool is_waiting(const Job& j) const { return !j.held && j.eligible_at <= w.now && !taken.count(j.id); }
    bool is_left(const Job& j) const { return !j.held && !taken.count(j.id); }

private:
    struct Hold {
        ExecutorId executor;
        Micros from, until;
        Resources amount;
        Consumables consumables;
        JobId run = 0; // 0: a placement or a promise
    };

    const World& w;
    std::vector<Preemption> stops;
    std::vector<Hold> held;     // by runs, placements, reservations
    std::vector<Hold> promised; // by the reservations among them
    std::map<ExecutorId, GpuRoom> gpus;
    Workload expected;
    std::set<JobId> taken;
    std::map<JobId, Reason> passed; // looked at in vain
    std::map<GroupId, Micros> lifted;
    std::set<JobId> kept; // promised the room that was kept for them
    std::map<Member, Billed> placed_usage;
    bool ended = false;

    static bool older(const Job* a, const Job* b) {
        return std::pair(a->eligible_at, a->id) < std::pair(b->eligible_at, b->id);
    }
    static bool of_one_lane(const Job& a, const Job& b) {
        const auto array = [](const Job& j) { return j.array_throttle > 0 ? j.array : 0; };
        return array(a) == array(b) &&
               std::tie(a.group, a.user, a.priority, a.preemptible, a.concurrency_key, a.shape) ==
                   std::tie(b.group, b.user, b.priority, b.preemptible, b.concurrency_key, b.shape);
    }

    // --- facts

    Group group_of(GroupId id) const {
        for (const Group& g : w.groups)
            if (g.id == id) return g;
        return Group{};
    }
    std::int64_t planned_s(std::optional<Micros> estimate, std::optional<Micros> limit, GroupId group) const {
        const Micros length = estimate ? *estimate
                              : limit  ? *limit
                                       : group_of(group).default_estimate.value_or(w.settings.default_estimate);
        return (length + second - 1) / second;
    }
    std::int64_t planned_s(const Job& j) const { return planned_s(j.estimate, j.time_limit, j.group); }

    Micros planned_end(const Run& r) const {
        const Micros started = r.claimed_at.value_or(r.placed_at);
        if (r.cancelling || r.preempting) return w.now + second;
        const Micros end = started + planned_s(r.estimate, r.time_limit, r.group) * second;
        if (end > w.now) return end;
        Micros overdue = w.now + (w.now - started);
        if (r.time_limit) overdue = std::min(overdue, started + *r.time_limit);
        return std::max(overdue, w.now + second);
    }

    bool has_stock(const std::string& name) const { return w.stocks.count(name) != 0; }
    static std::int64_t own_total(const Executor& e, const std::string& name) {
        const auto it = e.consumables.find(name);
        return it == e.consumables.end() ? 0 : it->second;
    }

    // The shape asked for: a moldable job takes what the best executor of the cluster could give.
    Shape shape_of(const Job& j) const {
        Shape s = j.shape;
        if (s.min_cores == 0) return s;
        std::int32_t most = 0;
        for (const Executor& e : w.executors) {
            Shape least = s;
            least.need.cpu_cores = s.min_cores;
            if (could_ever_host(e, least)) most = std::max(most, std::min(s.need.cpu_cores, e.capacity.cpu_cores));
        }
        if (most > 0) s.need.cpu_cores = most;
        return s;
    }
    bool could_ever_host(const Executor& e, const Shape& s) const {
        for (const auto& [name, amount] : s.consumables)
            if (amount > (has_stock(name) ? w.stocks.at(name) : own_total(e, name))) return false;
        return can_host(e, s) && is_large_enough(e, s);
    }
    static bool in_service(const Executor& e) { return e.accepting && !e.draining; }
    static Resources granted(const Executor& e, const Shape& s) { return s.exclusive ? e.capacity : s.need; }

    // --- what is free when

    static Resources without(const std::vector<Hold>& holds, const Executor& e, Micros at) {
        Resources free = e.capacity;
        for (const Hold& h : holds)
            if (h.executor == e.id && h.from <= at && at < h.until) free -= h.amount;
        return free;
    }
    Resources free_at(const Executor& e, Micros at) const { return without(held, e, at); }
    // As far as runs and placements go.
    Resources free_now(const Executor& e) const {
        Resources free = free_at(e, w.now);
        for (const Hold& h : promised)
            if (h.executor == e.id && h.from <= w.now && w.now < h.until) free += h.amount;
        return free;
    }
    bool has_consumables(const Executor& e, const Shape& s, Micros at) const {
        for (const auto& [name, amount] : s.consumables) {
            std::int64_t left = has_stock(name) ? w.stocks.at(name) : own_total(e, name);
            for (const Hold& h : held)
                if (h.from <= at && at < h.until && (has_stock(name) || h.executor == e.id))
                    if (const auto it = h.consumables.find(name); it != h.consumables.end()) left -= it->second;
            if (amount > left) return false;
        }
        return true;
    }
    bool takes_at(const Executor& e, const Shape& s, Micros at) const {
        return granted(e, s).fits_in(free_at(e, at)) && has_consumables(e, s, at);
    }
    std::set<Micros> times() const {
        std::set<Micros> all{w.now};
        for (const Hold& h : held)
            for (const Micros t : {h.from, h.until})
                if (t > w.now) all.insert(t);
        for (const Window& x : w.windows)
            if (x.until > w.now) all.insert(x.until);
        return all;
    }
    bool is_open(const Executor& e, GroupId group, Micros from, Micros until) const {
        return std::none_of(w.windows.begin(), w.windows.end(), [&](const Window& x) {
            return x.from < x.until && x.from < until && from < x.until && (!x.executor || *x.executor == e.id) &&
                   (!x.group || *x.group != group);
        });
    }
    bool takes_throughout(const Executor& e, const Job& j, Micros from) const {
        const Shape s = shape_of(j);
        const Micros until = from + planned_s(j) * second;
        if (!is_open(e, j.group, from, until) || !takes_at(e, s, from)) return false;
        for (const Micros t : times())
            if (from < t && t < until && !takes_at(e, s, t)) return false;
        return true;
    }
    // But for promises, windows, money.
    bool fits_now(const Executor& e, const Shape& s) const {
        return in_service(e) && can_host(e, s) && s.need.fits_in(free_now(e)) && gpus.at(e.id).fits(s.need.gpu_milli) &&
               (!s.exclusive || free_now(e) == e.capacity) && has_consumables(e, s, w.now);
    }

    // --- what stands against a start

    Billed usage(GroupId group, std::optional<UserId> user, bool with_planned) const {
        const auto mine = [&](GroupId g, UserId u) { return g == group && (!user || u == *user); };
        Billed sum = 0;
        for (const Charge& c : w.charges)
            if (mine(c.owner.group, c.owner.user)) sum += c.rate * c.seconds;
        for (const Run& r : w.runs) {
            if (!mine(r.group, r.user)) continue;
            const std::int64_t elapsed = r.claimed_at ? (w.now - *r.claimed_at) / second : 0;
            const std::int64_t plan = planned_s(r.estimate, r.time_limit, r.group);
            sum += rate_of(r) * (with_planned ? std::max(elapsed, plan) : elapsed);
        }
        if (with_planned)
            for (const auto& [owner, amount] : placed_usage)
                if (mine(owner.group, owner.user)) sum += amount;
        return sum;
    }
    BilledRate rate_of(const Run& r) const {
        for (const Executor& e : w.executors)
            if (e.id == r.executor) return billed_rate(r.resources, e.gpu_type, w.settings);
        return billed_rate(r.resources, "", w.settings);
    }
    BilledRate nominal_rate(const Job& j) const { return billed_rate(shape_of(j).need, j.shape.gpu_type, w.settings); }

    bool over_quota(const Job& j, BilledRate rate) const {
        const Group g = group_of(j.group);
        return g.hard_quota && g.quota_cpu_hours &&
               usage(j.group, {}, true) + rate * planned_s(j) > billed_from_hours(*g.quota_cpu_hours);
    }

    template <typename Mine> static bool exceeds(const Limits& limits, const std::vector<Mine>& mine) {
        std::int64_t cores = 0, milli = 0;
        for (const Resources& r : mine) cores += r.cpu_cores, milli += r.gpu_milli;
        return (limits.jobs && static_cast<std::int64_t>(mine.size()) > *limits.jobs) ||
               (limits.cores && cores > *limits.cores) || (limits.gpus && milli > *limits.gpus * 1000LL);
    }
    bool over_limits(const Job& j, const Resources& more) const {
        std::vector<Resources> of_group{more}, of_user{more};
        std::int32_t of_key = 1;
        const auto count = [&](GroupId group, UserId user, const std::string& key, const Resources& r) {
            if (group == j.group) of_group.push_back(r);
            if (user == j.user) of_user.push_back(r);
            if (key == j.concurrency_key) ++of_key;
        };
        for (const Run& r : w.runs) count(r.group, r.user, r.concurrency_key, r.resources);
        for (const Placement& p : placements) {
            const Job& other = w.jobs[static_cast<std::size_t>(p.job - 1)];
            count(other.group, other.user, other.concurrency_key, p.granted);
        }
        const auto key = w.key_limits.find(j.concurrency_key);
        if (key != w.key_limits.end() && of_key > key->second) return true;
        Limits group = group_of(j.group).limits, user;
        for (const User& u : w.users)
            if (u.id == j.user) user = u.limits;
        if (!group.jobs && w.settings.max_jobs_per_group > 0) group.jobs = w.settings.max_jobs_per_group;
        if (!user.jobs && w.settings.max_jobs_per_user > 0) user.jobs = w.settings.max_jobs_per_user;
        return exceeds(group, of_group) || exceeds(user, of_user);
    }
    bool is_throttled(const Job& j) const {
        if (j.array == 0 || j.array_throttle == 0) return false;
        std::int32_t tasks = 0;
        for (const Run& r : w.runs) tasks += r.array == j.array ? 1 : 0;
        for (const Placement& p : placements)
            tasks += w.jobs[static_cast<std::size_t>(p.job - 1)].array == j.array ? 1 : 0;
        return tasks >= j.array_throttle;
    }
    bool affords(const Job& j, const Executor& e) const {
        const Resources r = granted(e, shape_of(j));
        return !over_limits(j, r) && !over_quota(j, billed_rate(r, e.gpu_type, w.settings));
    }
    bool is_open_job(const Job& j) const {
        return is_waiting(j) && !group_of(j.group).paused && !is_throttled(j) && !over_limits(j, shape_of(j).need) &&
               !over_quota(j, nominal_rate(j));
    }

    // --- who goes first

    bool is_lifted(const Job& j, const std::vector<const Job*>& among) const {
        const Settings& s = w.settings;
        if (s.max_wait <= 0 || w.now - j.eligible_at <= s.max_wait) return false;
        if (s.guard_scope == GuardScope::job) return true;
        const auto last = lifted.find(j.group);
        if (last != lifted.end() && w.now - last->second < s.guard_spacing) return false;
        return std::none_of(among.begin(), among.end(), [&](auto* o) { return o->group == j.group && older(o, &j); });
    }

    std::size_t active_users(GroupId group) const {
        std::set<UserId> users;
        for (const Run& r : w.runs)
            if (r.group == group) users.insert(r.user);
        for (const Job& j : w.jobs)
            if (j.group == group && !j.held && j.eligible_at <= w.now) users.insert(j.user);
        return users.size();
    }

    double share_factor(Member member) const {
        std::vector<ShareGroup> groups;
        for (const Group& g : w.groups) groups.push_back({g.id, g.parent, g.shares});
        std::map<Member, double> shares;
        for (const Job& j : w.jobs) shares[{j.group, j.user}] = 1;
        for (const User& u : w.users) shares[{u.group, u.id}] = u.shares;
        std::vector<ShareUser> users;
        std::vector<double> used;
        std::size_t number = 0;
        for (const auto& [who, share] : shares) {
            if (who == member) number = users.size();
            users.push_back({who, share});
            used.push_back(static_cast<double>(usage(who.group, who.user, w.settings.count_planned)));
        }
        double total = 0;
        for (GroupId g = 0; g <= 5; ++g) total += static_cast<double>(usage(g, {}, w.settings.count_planned));
        ShareTree tree(groups, users);
        tree.set_usage(used);
        return (w.settings.policy == Policy::fairtree ? fair_tree_factors(tree)
                                                      : fair_share_factors(tree, total, w.settings.fairshare_damping))
            .at(number);
    }

    Rank rank_of(const Job& j) const {
        const Settings& s = w.settings;
        const Group g = group_of(j.group);
        Resources cluster;
        for (const Executor& e : w.executors) cluster += e.capacity;
        const double size = s.weight_size > 0 ? size_factor(j.shape.need, cluster) : 0;
        OwnerFactors owners;
        if (s.policy == Policy::quota) {
            const Billed all = usage(j.group, {}, s.count_planned), own = usage(j.group, j.user, s.count_planned);
            owners.group = fair_share_multiplier(g.quota_cpu_hours, billed_hours(all), s);
            owners.user = user_factor(static_cast<double>(all), active_users(j.group), static_cast<double>(own), s);
        } else if (s.policy != Policy::fifo) {
            owners.user = share_factor({j.group, j.user});
        }
        const double own = own_priority(j.priority + g.priority, size, w.now - j.eligible_at, s);
        return rank(own, owners, j.eligible_at, j.id, s);
    }

    bool stopped() {
        const auto limit = w.settings.max_concurrent_jobs;
        if (ended || (limit > 0 && w.runs.size() + placements.size() >= static_cast<std::size_t>(limit))) {
            if (!ended)
                for (const Job& j : w.jobs)
                    if (is_open_job(j)) passed.try_emplace(j.id, Reason::limit);
            return true;
        }
        complete = complete && placements.size() < w.max_placements;
        return !complete;
    }

    std::vector<const Job*> candidates() const {
        std::vector<const Job*> list;
        for (const Job& j : w.jobs)
            if (is_open_job(j) && !passed.count(j.id)) list.push_back(&j);
        return list;
    }

    void try_preemptor(JobId id, const PlanState::KeptRoom& room) {
        if (stopped()) return;
        const auto job = std::find_if(w.jobs.begin(), w.jobs.end(), [&](const Job& j) { return j.id == id; });
        if (job == w.jobs.end()) return;
        std::vector<const Job*> alike = candidates();
        std::erase_if(alike, [&](const Job* j) { return !of_one_lane(*j, *job); });
        if (alike.empty()) return;
        const Job& j = **std::min_element(alike.begin(), alike.end(), older);
        const Shape s = shape_of(j);
        for (const Executor& e : w.executors) {
            if (e.id != room.executor || kept.count(j.id) != 0) continue;
            if (starts_on(e, j, s)) {
                place(j, s, e, false);
                placements.back().kept_for = id;
                placements.back().kept_until = room.until;
            } else if (may_promise() && in_service(e) && could_ever_host(e, s) && affords(j, e)) {
                keep_room(j, s, e);
            }
        }
    }

    void keep_room(const Job& j, const Shape& s, const Executor& e) {
        for (const Micros t : times()) {
            if (t > w.now + second) return;
            if (!takes_throughout(e, j, t)) continue;
            kept.insert(j.id);
            reserve(j, s, e, t);
            return;
        }
    }

    const Job* next_job() {
        const std::vector<const Job*> open = candidates();
        const Job* next = nullptr;
        for (const Job* j : open)
            if (is_lifted(*j, open) && (!next || older(j, next))) next = j;
        if (next || open.empty()) return next;
        const bool shortest =
            w.settings.backfill_order == BackfillOrder::shortest && promises_made() > 0 && !may_promise();
        return *std::min_element(open.begin(), open.end(), [&](const Job* a, const Job* b) {
            if (!shortest) return goes_before(rank_of(*a), rank_of(*b));
            return std::tuple(planned_s(*a), a->eligible_at, a->id) < std::tuple(planned_s(*b), b->eligible_at, b->id);
        });
    }

    // --- one job

    std::size_t promises_made() const { return promised.size(); }
    bool may_promise() const {
        switch (w.settings.backfill) {
        case Backfill::none:
            return false;
        case Backfill::easy:
            return promises_made() < 1;
        case Backfill::depth:
            return promises_made() < static_cast<std::size_t>(w.settings.backfill_depth);
        case Backfill::conservative:
            break;
        }
        return true;
    }

    bool starts_on(const Executor& e, const Job& j, const Shape& s) const {
        return fits_now(e, s) && affords(j, e) && takes_throughout(e, j, w.now);
    }

    void look_at(const Job& j) {
        const std::vector<const Job*> open = candidates();
        const bool by_guard = is_lifted(j, open);
        const Shape s = shape_of(j);
        const Executor* best = nullptr;
        std::pair<std::int64_t, Fitness> best_key;
        bool any_fits = false, any_affords = false, any_open = false;
        Reason unaffordable = Reason::limit;
        for (const Executor& e : w.executors) {
            if (!fits_now(e, s)) continue;
            any_fits = true;
            if (!over_limits(j, granted(e, s))) unaffordable = Reason::quota;
            if (!affords(j, e)) continue;
            any_affords = true;
            any_open = any_open || is_open(e, j.group, w.now, w.now + planned_s(j) * second);
            if (!takes_throughout(e, j, w.now)) continue;
            const std::pair key(gpu_loss(e, s).first + mismatch(e, s), fitness(e, free_now(e)));
            if (!best || key < best_key) best = &e, best_key = key;
        }
        if (best) {
            place(j, s, *best, by_guard);
        } else if (!any_fits && outlook(s) != Reason::resources) {
            passed[j.id] = outlook(s);
        } else if (any_fits && !any_affords) {
            passed[j.id] = unaffordable;
        } else {
            passed[j.id] = Reason::resources;
            if (w.settings.backfill == Backfill::none && (!any_fits || any_open))
                ended = true;
            else if (may_promise() && kept.count(j.id) == 0)
                promise(j, s);
        }
    }

    Reason outlook(const Shape& s) const {
        if (w.executors.empty()) {
            for (const auto& [name, amount] : s.consumables)
                if (has_stock(name) && w.stocks.at(name) < amount) return Reason::never_fits;
            return Reason::no_executor;
        }
        Reason found = Reason::never_fits;
        for (const Executor& e : w.executors) {
            if (!could_ever_host(e, s)) continue;
            if (in_service(e)) return Reason::resources;
            if (!e.draining)
                found = Reason::no_executor;
            else if (found == Reason::never_fits)
                found = Reason::drained;
        }
        return found;
    }

    // How much less of the executor's GPUs the jobs to be expected can use afterwards, and the device then shared.
    std::pair<std::int64_t, int> gpu_loss(const Executor& e, const Shape& s) const {
        const Resources free = free_now(e), after = free - granted(e, s);
        const GpuRoom& room = gpus.at(e.id);
        const auto hosted = expected.hosted_by(e);
        const bool counts = !expected.empty() && e.capacity.gpu_milli > 0;
        const auto usable = [&](const GpuRoom& r, const Resources& f) {
            return counts ? expected.usable(hosted, f, r) : 0;
        };
        const std::int64_t before = usable(room, free);
        if (s.exclusive) return {before - usable(GpuRoom(), after), GpuRoom::no_slot};
        GpuRoom left = room;
        if (s.need.gpu_milli % GpuRoom::device == 0) {
            left.take(s.need.gpu_milli);
            return {before - usable(left, after), GpuRoom::no_slot};
        }
        std::optional<std::tuple<std::int64_t, std::int32_t, int>> best; // loss, room of the device, slot
        for (int slot = 0; slot < GpuRoom::max_shared; ++slot) {
            const bool unused = slot == room.unused_slot();
            const std::int32_t device = unused ? GpuRoom::device : room.room_at(slot);
            if (device < s.need.gpu_milli) continue;
            left = room;
            left.take_at(s.need.gpu_milli, slot);
            const std::tuple choice(before - usable(left, after), device, slot);
            if (!best || choice < *best) best = choice;
        }
        return {std::get<0>(*best), std::get<2>(*best)};
    }

    std::int64_t mismatch(const Executor& e, const Shape& s) const {
        return expected.empty() || s.exclusive || e.capacity.gpu_milli == 0 ? 0
                                                                            : expected.mismatch(s.need, free_now(e));
    }

    void place(const Job& j, const Shape& s, const Executor& e, bool by_guard) {
        const int slot = gpu_loss(e, s).second;
        const Resources all = granted(e, s);
        if (s.exclusive)
            gpus[e.id] = GpuRoom();
        else if (slot != GpuRoom::no_slot)
            gpus[e.id].take_at(all.gpu_milli, slot);
        else
            gpus[e.id].take(all.gpu_milli);
        placements.push_back({j.id, e.id, all, slot, by_guard, 0, 0});
        held.push_back({e.id, w.now, w.now + planned_s(j) * second, all, s.consumables, 0});
        placed_usage[{j.group, j.user}] += billed_rate(all, e.gpu_type, w.settings) * planned_s(j);
        taken.insert(j.id);
        if (by_guard && w.settings.guard_scope == GuardScope::group) lifted[j.group] = w.now;
    }

    void promise(const Job& j, const Shape& s) {
        std::optional<std::pair<Micros, Fitness>> best;
        const Executor* where = nullptr;
        for (const Executor& e : w.executors) {
            if (!in_service(e) || !could_ever_host(e, s)) continue;
            for (const Micros t : times()) {
                if (!takes_throughout(e, j, t)) continue;
                const std::pair key(t, fitness(e, e.capacity));
                if (!best || key < *best) best = key, where = &e;
                break;
            }
        }
        for (const Preemption& stop : stops) {
            if (stop.for_job != j.id) continue;
            const auto run = std::find_if(held.begin(), held.end(), [&](const Hold& h) { return h.run == stop.run; });
            run->until = w.now + second;
            best->first = w.now + second;
            where = &*std::find_if(w.executors.begin(), w.executors.end(),
                                   [&](const Executor& e) { return e.id == run->executor; });
        }
        if (!where) throw std::logic_error("a job that some executor could host starts never");
        reserve(j, s, *where, best->first);
    }

    void reserve(const Job& j, const Shape& s, const Executor& where, Micros at) {
        reservations.push_back({j.id, where.id, at});
        placed_before.push_back(placements.size());
        held.push_back({where.id, at, at + planned_s(j) * second, granted(where, s), s.consumables, 0});
        promised.push_back(held.back());
    }

    std::vector<Workload::Counted> expected_jobs() const {
        std::vector<Workload::Counted> jobs;
        for (const Job& j : w.jobs)
            if (!j.held) jobs.push_back({j.shape, 1});
        for (const Run& r : w.runs) {
            Shape s;
            s.need = r.resources;
            jobs.push_back({s, 1});
        }
        return jobs;
    }
};

} // namespace rcq::core
