#include "plan.hpp"
#include "preemption.hpp"
#include "promises.hpp"
#include "ranking.hpp"
#include "standing.hpp"
#include <algorithm>
#include <queue>

namespace rcq::core {
namespace {

constexpr Micros preemptor_keeps_room = 5 * minute; // longer than any run should take to stop

// Heap order of indices into a list of things that have a rank: the best is on top.
template <typename Things> auto worse_first(const Things& things) {
    return [&things](std::size_t a, std::size_t b) { return goes_before(things[b].rank, things[a].rank); };
}

class Planner {
public:
    Planner(const Cluster& cluster, PlanState& state, Micros now, const Budget& budget)
        : cluster_(cluster), settings_(cluster.settings()), state_(state), now_(now), budget_(budget),
          standing_(cluster, state.shares, now),
          promises_({cluster.hosts().all(), cluster.holdings(), cluster.windows()}, now),
          holes_(cluster.hosts().holes()), full_(cluster.lanes().shape_numbers(), false) {
        constexpr std::size_t most_remembered = 100'000; // shapes come and go for months, executors may not
        if (state_.outlooks_version != cluster.outlook_version() || state_.outlooks.size() > most_remembered)
            state_.outlooks.clear();
        state_.outlooks_version = cluster.outlook_version();
        std::erase_if(state_.last_lifted, // what no longer holds anything back
                      [&](const auto& entry) { return now_ - entry.second >= settings_.guard_spacing; });
        std::erase_if(state_.preemptors,
                      [&](const auto& entry) { return entry.second.until <= now_ || !cluster_.find_job(entry.first); });
        for (LaneStanding& lane : standing_.lanes) {
            if (lane.lane->spec.shape.min_cores == 0) continue;
            lane.shape = &outlook(lane).shape;
            lane.rate = billed_rate(lane.shape->need, lane.shape->gpu_type, settings_);
        }
    }

    Plan run() {
        place_preemptors();
        place_lifted();
        place_by_rank();
        if (settings_.backfill_order == BackfillOrder::shortest) place_shortest();
        if (budget_.report) {
            explain_lanes();
            result_.lanes = report_lanes(standing_);
            result_.ranked = rank_jobs(standing_, settings_, state_, now_, budget_.max_ranked);
        }
        return std::move(result_);
    }

private:
    // --- who goes first

    // Jobs of one lane are alike: whichever is first in it uses the room.
    void place_preemptors() {
        for (auto it = state_.preemptors.begin(); it != state_.preemptors.end();)
            it = place_preemptor(it->first, it->second) ? state_.preemptors.erase(it) : std::next(it);
    }

    bool place_preemptor(JobId id, const PlanState::KeptRoom& room) {
        const LaneSpec spec = lane_spec(*cluster_.find_job(id));
        for (LaneStanding& lane : standing_.lanes) {
            if (lane.lane->spec != spec || stopped()) continue;
            skip_blocked(lane);
            if (!lane.next || kept_.count(lane.next->id) != 0) return false;
            const Ask ask = ask_of(lane);
            const Search found = search(lane, ask, room.executor);
            if (!found.hole) {
                keep_room(lane, ask, room.executor);
                return false;
            }
            place(lane, ask, *found.hole, false);
            result_.placements.back().kept_for = id;
            result_.placements.back().kept_until = room.until;
            standing_.refresh(standing_.group_of(lane));
            return true;
        }
        return false;
    }

    // Promises what stopped runs leave, if all that have yet to go have been asked to.
    void keep_room(const LaneStanding& lane, const Ask& ask, ExecutorId where) {
        const auto host = cluster_.hosts().all().find(where);
        if (host == cluster_.hosts().all().end() || !serves(host->second, *lane.shape) || !may_promise()) return;
        const Executor& executor = *host->second.executor;
        if (is_priced_there(lane) && affordable(lane, executor).length < ask.length()) return;
        const Micros at = promises_.earliest_on(where, ask, now_ + second + 1);
        if (at == never) return;
        kept_.insert(lane.next->id);
        reserve(lane, ask, {where, at});
    }

    // What stands against its jobs closes the lane, or moves it on to one that may start.
    void skip_blocked(LaneStanding& lane) {
        while (lane.next && !standing_.may_start(lane)) {
        }
    }

    // Placements change no ages, so this is a walk over lanes by the age of their first jobs.
    void place_lifted() {
        if (settings_.max_wait <= 0) return;
        const bool spaced = settings_.guard_scope == GuardScope::group;
        const auto younger = [this](std::size_t a, std::size_t b) {
            return standing_.lanes[b].next->before(*standing_.lanes[a].next);
        };
        std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(younger)> by_age(younger);
        const auto queue = [&](std::size_t lane) {
            const LaneEntry* next = standing_.lanes[lane].next;
            if (next && standing_.has_waited_too_long(*next)) by_age.push(lane);
        };
        for (std::size_t i = 0; i < standing_.lanes.size(); ++i) queue(i);
        while (!by_age.empty() && !stopped()) {
            const std::size_t index = by_age.top();
            by_age.pop();
            LaneStanding& lane = standing_.lanes[index];
            GroupStanding& group = standing_.group_of(lane);
            if (spaced && !may_lift(state_, group.group.id, settings_, now_)) continue;
            if (attempt(lane, true)) {
                if (spaced) state_.last_lifted[group.group.id] = now_;
                standing_.refresh(group);
            }
            queue(index);
        }
    }

    // The best group's best user's best lane, again and again. Each level is a heap of indices, and only the one that
    // was taken changes, so nobody else has to be ranked again, unless usage of one changes the shares of all.
    void place_by_rank() {
        if (stopped()) return;
        std::vector<std::size_t> order;
        const auto better = worse_first(standing_.groups);
        const auto build_all = [&] {
            order.clear();
            for (std::size_t i = 0; i < standing_.groups.size(); ++i)
                if (build(standing_.groups[i])) order.push_back(i);
            std::make_heap(order.begin(), order.end(), better);
        };
        for (UserStanding& user : standing_.users) build(user);
        build_all();
        bool swept = false;
        const bool shortest = settings_.backfill_order == BackfillOrder::shortest;
        while (!order.empty() && !stopped()) {
            if (shortest && all_promised()) return;
            std::pop_heap(order.begin(), order.end(), better);
            const Step taken = step(standing_.groups[order.back()]);
            if (!swept && !shortest && all_promised()) {
                swept = true;
                close_full_lanes();
                for (UserStanding& user : standing_.users) build(user);
                build_all();
            } else if (taken.all_changed) {
                build_all();
            } else if (taken.left) {
                std::push_heap(order.begin(), order.end(), better);
            } else {
                order.pop_back();
            }
        }
    }

    struct Step {
        bool left;        // the group has jobs left to try
        bool all_changed; // other groups have to be ranked again
    };

    // Tries the group's best job.
    Step step(GroupStanding& group) {
        UserStanding& user = standing_.users[group.open.front()];
        const bool placed = attempt(standing_.lanes[user.open.front()], false);

        const auto lane_order = worse_first(standing_.lanes);
        std::pop_heap(user.open.begin(), user.open.end(), lane_order);
        LaneStanding& lane = standing_.lanes[user.open.back()];
        if (lane.next) {
            lane.rank = standing_.rank_in_user(lane, *lane.next);
            std::push_heap(user.open.begin(), user.open.end(), lane_order);
        } else {
            user.open.pop_back();
        }
        if (placed) { // the group's factors have changed, and with them every user's place in it
            if (standing_.refresh(group)) return {true, true};
            return {build(group), false};
        }
        const auto user_order = worse_first(standing_.users);
        std::pop_heap(group.open.begin(), group.open.end(), user_order);
        if (set_rank(user))
            std::push_heap(group.open.begin(), group.open.end(), user_order);
        else
            group.open.pop_back();
        return {set_rank(group), false};
    }

    void build(UserStanding& user) {
        user.open.clear();
        for (std::size_t i = user.first_lane; i < user.end_lane; ++i) {
            LaneStanding& lane = standing_.lanes[i];
            if (!lane.next) continue;
            lane.rank = standing_.rank_in_user(lane, *lane.next);
            user.open.push_back(i);
        }
        std::make_heap(user.open.begin(), user.open.end(), worse_first(standing_.lanes));
    }

    bool build(GroupStanding& group) {
        group.open.clear();
        for (std::size_t i = group.first_user; i < group.end_user; ++i)
            if (set_rank(standing_.users[i])) group.open.push_back(i);
        std::make_heap(group.open.begin(), group.open.end(), worse_first(standing_.users));
        return set_rank(group);
    }

    // From the level below; false if nothing is there.
    bool set_rank(UserStanding& user) const {
        if (user.open.empty()) return false;
        const LaneStanding& lane = standing_.lanes[user.open.front()];
        user.rank = standing_.rank_of(lane, *lane.next);
        return true;
    }
    bool set_rank(GroupStanding& group) const {
        if (group.open.empty()) return false;
        group.rank = standing_.users[group.open.front()].rank;
        return true;
    }

    // Least planned duration first, over all lanes. A lane whose shortest job does not start has none that does.
    void place_shortest() {
        struct Candidate {
            std::int64_t plan_s;
            const LaneEntry* entry;
            std::size_t lane;
        };
        const auto longer = [](const Candidate& a, const Candidate& b) {
            return a.plan_s != b.plan_s ? a.plan_s > b.plan_s : b.entry->before(*a.entry);
        };
        std::priority_queue<Candidate, std::vector<Candidate>, decltype(longer)> shortest(longer);
        const auto queue = [&](std::size_t index, const LaneEntry* last) {
            const LaneStanding& lane = standing_.lanes[index];
            if (!lane.next && !last) return;
            PlanBound bound;
            bound.default_s = standing_.default_plan_s(lane);
            do last = lane.lane->waiting.shortest_within(last, bound);
            while (last && standing_.placed.count(last->id) != 0);
            if (last) shortest.push({standing_.plan_s(lane, *last), last, index});
        };
        for (std::size_t i = 0; i < standing_.lanes.size(); ++i) queue(i, nullptr);
        while (!shortest.empty() && !stopped()) {
            const Candidate best = shortest.top();
            shortest.pop();
            LaneStanding& lane = standing_.lanes[best.lane];
            lane.next = best.entry;
            if (attempt(lane, false)) {
                standing_.refresh(standing_.group_of(lane));
                queue(best.lane, best.entry);
            } else {
                standing_.close(lane, lane.reason);
            }
        }
    }

    // --- whether a job starts

    // What the search for a hole found when it found none.
    struct Search {
        const Hole* hole = nullptr;
        bool fits = false;                  // but for promises, windows, limits, a quota
        Reason unaffordable = Reason::none; // what stands against it in all holes that it fits
        Micros longest = 0;                 // that any hole lasts and is paid for
    };

    // Places lane.next; or promises it a start, passes over it, or closes the lane. True if placed.
    bool attempt(LaneStanding& lane, bool lifted) {
        if (!standing_.may_start(lane)) return false;
        const Ask ask = ask_of(lane);
        const Search found = search(lane, ask);
        if (!found.hole) {
            wait(lane, ask, found);
            return false;
        }
        place(lane, ask, *found.hole, lifted);
        return true;
    }

    Ask ask_of(const LaneStanding& lane) const {
        return {lane.shape, standing_.group_of(lane).group.id, standing_.plan_s(lane, *lane.next)};
    }

    void place(LaneStanding& lane, const Ask& ask, const Hole& hole, bool lifted) {
        const LaneEntry& entry = *lane.next;
        const Executor& executor = *hole.executor;
        const Resources granted = taken_by(*lane.shape, executor);
        const std::int32_t slot = holes_.take(&hole, *lane.shape);
        result_.placements.push_back({entry.id, executor.id, granted, slot, lifted, 0, 0});
        promises_.place(executor.id, ask, granted);
        standing_.place(lane, entry, granted, executor.gpu_type);
    }

    // What a job is granted, or what that costs, depends on the executor.
    bool is_priced_there(const LaneStanding& lane) const {
        return lane.shape->exclusive || (lane.shape->need.gpu_milli > 0 && !settings_.bill_per_gpu_type.empty());
    }
    Affordable affordable(const LaneStanding& lane, const Executor& executor) const {
        return standing_.affordable(lane, taken_by(*lane.shape, executor), executor.gpu_type);
    }

    // Of all holes, or only that of one executor.
    Search search(const LaneStanding& lane, const Ask& ask, std::optional<ExecutorId> where = std::nullopt) {
        Search found;
        if (is_full(lane)) return found;
        bool affords = false;
        found.hole = holes_.best(*lane.shape, [&](const Hole& hole) {
            if (where && hole.executor->id != *where) return false;
            if (!promises_.has_consumables(hole, *lane.shape)) return false;
            found.fits = true;
            Micros lasts = promises_.lasts(hole, ask);
            if (is_priced_there(lane)) {
                const Affordable a = affordable(lane, *hole.executor);
                if (a.length >= ask.length())
                    affords = true;
                else if (found.unaffordable == Reason::none || a.reason == Reason::quota)
                    found.unaffordable = a.reason;
                lasts = std::min(lasts, a.length);
            }
            found.longest = std::max(found.longest, lasts);
            return lasts >= ask.length() && lasts > 0;
        });
        if (affords) found.unaffordable = Reason::none;
        if (!found.fits && !where) set_full(lane);
        return found;
    }

    // lane.next does not start now.
    void wait(LaneStanding& lane, const Ask& ask, const Search& found) {
        if (!found.fits && all_promised()) {
            close_unexplained(lane);
            return;
        }
        const Reason reason = why_waiting(lane, ask, found);
        if (reason == Reason::limit || reason == Reason::quota) { // less would be affordable
            pass_over_longer(lane, found, reason);
            return;
        }
        if (reason != Reason::resources && reason != Reason::reserved && reason != Reason::maintenance) {
            standing_.close(lane, reason);
            return;
        }
        if (settings_.backfill == Backfill::none && reason != Reason::maintenance) {
            standing_.close(lane, reason);
            nobody_passes_ = true;
            return;
        }
        const bool may_preempt = settings_.preemption && !has_promised_ && cluster_.preemptible_runs() > 0;
        if (!may_preempt && !something_fits()) {
            standing_.close(lane, reason);
            return; // promises would hold back nobody
        }
        if (const bool kept = kept_.count(lane.next->id) != 0; kept || may_promise()) {
            if (!kept) promise(lane, ask);
            standing_.pass_over(lane, lane.lane->waiting.after(*lane.next), reason);
        } else {
            pass_over_longer(lane, found, reason);
        }
    }

    // Jobs of the lane that are not short enough for any hole are not looked at.
    void pass_over_longer(LaneStanding& lane, const Search& found, Reason reason) {
        if (found.longest == 0) {
            standing_.close(lane, reason);
            return;
        }
        PlanBound bound;
        bound.default_s = standing_.default_plan_s(lane);
        bound.limit_s = found.longest / second;
        standing_.pass_over(lane, lane.lane->waiting.next_within(*lane.next, bound), reason);
    }

    Reason why_waiting(const LaneStanding& lane, const Ask& ask, const Search& found) {
        if (!found.fits) return outlook(lane).reason;
        if (found.unaffordable != Reason::none) return found.unaffordable;
        if (cluster_.windows().empty()) return Reason::reserved;
        for (const Hole& hole : holes_.all())
            if (can_take(hole, *lane.shape) && promises_.has_consumables(hole, *lane.shape) &&
                (!is_priced_there(lane) || affordable(lane, *hole.executor).length >= ask.length()) &&
                promises_.is_open(hole.executor->id, ask.group, now_, ask.length()))
                return Reason::reserved;
        return Reason::maintenance;
    }

    bool may_promise() {
        std::size_t most = 0;
        switch (settings_.backfill) {
        case Backfill::none:
            break;
        case Backfill::easy:
            most = 1;
            break;
        case Backfill::depth:
            most = static_cast<std::size_t>(settings_.backfill_depth);
            break;
        case Backfill::conservative:
            most = SIZE_MAX;
            break;
        }
        if (promised_ >= most) return false;
        if (budget_.no_promises && budget_.no_promises()) promised_ = SIZE_MAX;
        return promised_ < most;
    }

    bool all_promised() { return has_promised_ && !may_promise(); }

    void promise(const LaneStanding& lane, const Ask& ask) {
        Start start = promises_.earliest(ask);
        if (start.at == never) { // everything that could hold it is promised for ever
            ++promised_;
            has_promised_ = true;
            return;
        }
        if (const auto executor = preempt(lane, ask)) start = {*executor, now_ + second};
        reserve(lane, ask, start);
    }

    void reserve(const LaneStanding& lane, const Ask& ask, const Start& start) {
        ++promised_;
        has_promised_ = true;
        promises_.reserve(start, ask);
        result_.reservations.push_back({lane.next->id, start.executor, start.at});
    }

    // The executor on which runs are to stop; none: nobody is stopped.
    std::optional<ExecutorId> preempt(const LaneStanding& lane, const Ask& ask) {
        if (!settings_.preemption || lane.lane->spec.preemptible || !result_.preemptions.empty()) return std::nullopt;
        const auto may_use = [&](const Executor& executor) {
            return promises_.is_open(executor.id, ask.group, now_, ask.length()) &&
                   promises_.delays_nothing(executor.id, ask) &&
                   (!is_priced_there(lane) || affordable(lane, executor).length >= ask.length());
        };
        std::optional<ExecutorId> where;
        for (const JobId id : choose_victims(cluster_, *lane.shape, now_, placed_runs(), may_use)) {
            const Run& run = *cluster_.find_run(id);
            result_.preemptions.push_back({id, lane.next->id});
            state_.preemptors[lane.next->id] = {run.executor, now_ + preemptor_keeps_room};
            promises_.stop(run);
            where = run.executor;
        }
        return where;
    }

    // As far as they hold something.
    std::vector<Run> placed_runs() const {
        std::vector<Run> runs;
        for (const Placement& p : result_.placements) {
            Run& run = runs.emplace_back();
            run.executor = p.executor;
            run.resources = p.granted;
            run.gpu_slot = p.gpu_slot;
            run.consumables = cluster_.find_job(p.job)->shape.consumables;
        }
        return runs;
    }

    // --- what fits nowhere any more

    bool is_full(const LaneStanding& lane) const { return full_[lane.lane->shape->second.number]; }
    void set_full(const LaneStanding& lane) { full_[lane.lane->shape->second.number] = true; }

    bool takes_one(const LaneStanding& lane) {
        if (!is_full(lane) && !holes_.best(*lane.shape)) set_full(lane);
        return !is_full(lane);
    }

    // Once nothing is promised any more, a shape that fits nowhere needs no look at its jobs.
    void close_full_lanes() {
        for (LaneStanding& lane : standing_.lanes)
            if (lane.next && !takes_one(lane)) close_unexplained(lane);
    }

    // The reason takes time to find, and is found if somebody wants to know.
    void close_unexplained(LaneStanding& lane) {
        standing_.close(lane, Reason::resources);
        lane.unexplained = true;
    }

    void explain_lanes() {
        for (LaneStanding& lane : standing_.lanes) {
            if (lane.next && result_.complete && !nobody_passes_) close_unexplained(lane);
            if (lane.unexplained) lane.reason = outlook(lane).reason;
        }
    }

    // Some lane that is still open has a shape that some hole takes. Once it is not so, it stays so.
    bool something_fits() {
        for (; fitting_ < standing_.lanes.size(); ++fitting_) {
            const LaneStanding& lane = standing_.lanes[fitting_];
            if (lane.next && takes_one(lane)) return true;
        }
        return false;
    }

    const Outlook& outlook(const LaneStanding& lane) {
        const Shape& wanted = lane.lane->spec.shape;
        const auto [it, fresh] = state_.outlooks.try_emplace(wanted);
        if (fresh) it->second = look_out(cluster_, wanted);
        return it->second;
    }

    bool stopped() {
        if (!result_.complete || nobody_passes_) return true;
        const auto limit = settings_.max_concurrent_jobs;
        const auto running = cluster_.run_count() + result_.placements.size();
        if (limit > 0 && running >= static_cast<std::size_t>(limit)) {
            for (LaneStanding& lane : standing_.lanes) {
                skip_blocked(lane);
                if (lane.next) standing_.close(lane, Reason::limit);
            }
            return true;
        }
        if (result_.placements.size() < budget_.max_placements && !(budget_.out_of_time && budget_.out_of_time()))
            return false;
        result_.complete = false;
        return true;
    }

    const Cluster& cluster_;
    const Settings& settings_;
    PlanState& state_;
    Micros now_;
    const Budget& budget_;
    Standing standing_;
    Promises promises_;
    Holes holes_;
    std::vector<bool> full_;   // by shape number: no hole takes it any more
    std::size_t fitting_ = 0;  // no lane before this one is open and fits
    std::size_t promised_ = 0; // promises made, those that could not be kept included
    bool has_promised_ = false;
    bool nobody_passes_ = false; // the next job in order has to wait, and no other may go before it
    std::set<JobId> kept_;       // who has been promised the room that was kept for them
    Plan result_;
};

} // namespace

Plan plan(const Cluster& cluster, PlanState& state, Micros now, const Budget& budget) {
    // Without any room there is nothing to decide, but for whom runs could be stopped.
    const bool idle = !budget.report && cluster.hosts().holes().all().empty() && cluster.preemptible_runs() == 0;
    Plan result = idle ? Plan{} : Planner(cluster, state, now, budget).run();
    result.next_due = cluster.lanes().next_due(now);
    return result;
}

void take_back(PlanState& state, const Placement& placement, GroupId group) {
    if (placement.lifted) state.last_lifted.erase(group);
    if (placement.kept_for != 0) state.preemptors[placement.kept_for] = {placement.executor, placement.kept_until};
}

} // namespace rcq::core
