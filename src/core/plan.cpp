#include "plan.hpp"
#include "ranking.hpp"
#include "standing.hpp"
#include <algorithm>
#include <queue>

namespace rcq::core {
namespace {

// Heap order of indices into a list of things that have a rank: the best is on top.
template <typename Things> auto worse_first(const Things& things) {
    return [&things](std::size_t a, std::size_t b) { return goes_before(things[b].rank, things[a].rank); };
}

class Planner {
public:
    Planner(const Cluster& cluster, PlanState& state, Micros now, const Budget& budget)
        : cluster_(cluster), settings_(cluster.settings()), state_(state), now_(now), budget_(budget),
          standing_(cluster, now), holes_(cluster.holes()) {
        if (state_.misfits_version != cluster.executors_version()) state_.misfits.clear();
        state_.misfits_version = cluster.executors_version();
        std::erase_if(state_.last_lifted, // what no longer holds anything back
                      [&](const auto& entry) { return now_ - entry.second >= settings_.guard_spacing; });
    }

    Plan run() {
        place_lifted();
        place_by_rank();
        result_.lanes = report_lanes(standing_);
        result_.ranked = rank_jobs(standing_, settings_, state_, now_, budget_.max_ranked);
        return std::move(result_);
    }

private:
    // Rule 2. Placements change no ages, so this is a walk over lanes by the age of their first jobs.
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
            if (try_place(lane, true)) {
                if (spaced) state_.last_lifted[group.group.id] = now_;
                standing_.refresh(group);
            }
            queue(index);
        }
    }

    // Rule 3: the best group's best user's best lane, again and again. Each level is a heap of indices, and only the
    // one that was taken changes, so nobody else has to be ranked again.
    void place_by_rank() {
        for (UserStanding& user : standing_.users) build(user);
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < standing_.groups.size(); ++i)
            if (build(standing_.groups[i])) order.push_back(i);
        const auto better = worse_first(standing_.groups);
        std::make_heap(order.begin(), order.end(), better);

        while (!order.empty() && !stopped()) {
            std::pop_heap(order.begin(), order.end(), better);
            if (step(standing_.groups[order.back()]))
                std::push_heap(order.begin(), order.end(), better);
            else
                order.pop_back();
        }
    }

    // Tries the group's best job. False if the group has none left to try.
    bool step(GroupStanding& group) {
        UserStanding& user = standing_.users[group.open.front()];
        const bool placed = try_place(standing_.lanes[user.open.front()], false);

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
            standing_.refresh(group);
            return build(group);
        }
        const auto user_order = worse_first(standing_.users);
        std::pop_heap(group.open.begin(), group.open.end(), user_order);
        if (set_rank(user))
            std::push_heap(group.open.begin(), group.open.end(), user_order);
        else
            group.open.pop_back();
        return set_rank(group);
    }

    void build(UserStanding& user) {
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

    // Places lane.next, or moves the lane on, or closes it. True if placed.
    bool try_place(LaneStanding& lane, bool lifted) {
        if (!standing_.check_quota(lane)) return false;
        const Shape& shape = lane.lane->id.shape;
        const Hole* hole = full_.contains(&shape) ? nullptr : holes_.best(shape);
        if (!hole) {
            full_.insert(&shape);
            standing_.close(lane, misfit(shape));
            return false;
        }
        result_.placements.push_back({lane.next->id, hole->executor->id, lifted});
        holes_.take(hole, shape);
        standing_.place(lane);
        return true;
    }

    Reason misfit(const Shape& shape) {
        constexpr std::size_t most_remembered = 100'000; // shapes come and go for months, executors may not
        if (state_.misfits.size() >= most_remembered) state_.misfits.clear();
        const auto [it, fresh] = state_.misfits.try_emplace(shape, Reason::resources);
        if (fresh) {
            if (!executors_) executors_ = cluster_.executors();
            it->second = why_not(*executors_, shape);
        }
        return it->second;
    }

    bool stopped() {
        if (!result_.complete) return true;
        const auto limit = settings_.max_concurrent_jobs;
        const auto running = cluster_.run_count() + result_.placements.size();
        if (limit > 0 && running >= static_cast<std::size_t>(limit)) {
            for (LaneStanding& lane : standing_.lanes)
                if (lane.next) standing_.close(lane, Reason::limit);
            return true;
        }
        if (result_.placements.size() < budget_.max_placements && !(budget_.out_of_time && budget_.out_of_time()))
            return false;
        result_.complete = false;
        return true;
    }

    struct ByContentHash {
        std::size_t operator()(const Shape* s) const { return PlanState::ShapeHash()(*s); }
    };
    struct ByContent {
        bool operator()(const Shape* a, const Shape* b) const { return *a == *b; }
    };

    const Cluster& cluster_;
    const Settings& settings_;
    PlanState& state_;
    Micros now_;
    const Budget& budget_;
    Standing standing_;
    Holes holes_;
    std::unordered_set<const Shape*, ByContentHash, ByContent> full_; // shapes that no hole takes any more
    std::optional<std::vector<const Executor*>> executors_;
    Plan result_;
};

} // namespace

Plan plan(const Cluster& cluster, PlanState& state, Micros now, const Budget& budget) {
    return Planner(cluster, state, now, budget).run();
}

} // namespace rcq::core
