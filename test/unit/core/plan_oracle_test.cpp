// The plan against an oracle that knows no lanes, no heaps and no sums: it looks at every job again after every
// placement, by the rule in plan.hpp, from plain lists of facts.
#include "random_world.hpp"
#include <algorithm>
#include <gtest/gtest.h>
#include <set>

using namespace rcq::core;
namespace core = rcq::core;

namespace {

class Oracle {
public:
    explicit Oracle(const World& world) : w(world), free(world.executors.size()), lifted(world.lifted) {
        for (std::size_t i = 0; i < free.size(); ++i) {
            free[i] = w.executors[i].capacity;
            for (const Run& r : w.runs)
                if (r.executor == w.executors[i].id) free[i] -= r.resources;
        }
    }

    std::vector<Placement> run() {
        while (placements.size() < w.max_placements && place_one()) {
        }
        return placements;
    }

    // Jobs left, in order, each looked at as the next one to go; whether it fits is not asked.
    std::vector<JobId> ranking() const {
        std::vector<const Job*> left, lifted_jobs;
        for (const Job& j : w.jobs)
            if (is_waiting(j)) left.push_back(&j);
        for (const Job* j : left)
            if (is_lifted(*j, left)) lifted_jobs.push_back(j);
        std::sort(lifted_jobs.begin(), lifted_jobs.end(), older);
        std::erase_if(left, [&](auto* j) { return std::count(lifted_jobs.begin(), lifted_jobs.end(), j) != 0; });
        std::sort(left.begin(), left.end(), [&](auto* a, auto* b) { return higher(*a, *b); });
        std::vector<JobId> ids;
        for (const auto& list : {lifted_jobs, left})
            for (const Job* j : list) ids.push_back(j->id);
        return ids;
    }

private:
    const World& w;
    std::vector<Resources> free;
    std::vector<Placement> placements;
    std::map<JobId, bool> taken;
    std::map<GroupId, Micros> lifted;

    static bool older(const Job* a, const Job* b) {
        return std::pair(a->eligible_at, a->id) < std::pair(b->eligible_at, b->id);
    }

    Group group_of(GroupId id) const {
        for (const Group& g : w.groups)
            if (g.id == id) return g;
        return Group{};
    }

    // Thousandths of a core, and whole seconds: all sums are whole numbers, exact in any order.
    double rate(const Resources& r) const {
        return std::round(1000 * (r.cpu_cores * w.settings.bill_per_cpu_hour +
                                  static_cast<double>(r.memory_mib) / 1024 * w.settings.bill_per_gb_hour +
                                  r.gpu_milli / 1000.0 * w.settings.bill_per_gpu_hour));
    }
    double planned(std::optional<Micros> estimate, std::optional<Micros> limit, GroupId group) const {
        const Micros d = estimate ? *estimate
                         : limit  ? *limit
                                  : group_of(group).default_estimate.value_or(w.settings.default_estimate);
        return std::ceil(static_cast<double>(d) / 1e6);
    }

    double usage(GroupId group, std::optional<UserId> user) const {
        const auto mine = [&](GroupId g, UserId u) { return g == group && (!user || u == *user); };
        double sum = 0;
        for (const Charge& c : w.charges)
            if (mine(c.group, c.user)) sum += c.core_seconds * 1000;
        for (const Run& r : w.runs) {
            if (!mine(r.group, r.user)) continue;
            const double elapsed = r.claimed_at ? static_cast<double>((w.now - *r.claimed_at) / second) : 0;
            sum += rate(r.resources) * std::max(elapsed, planned(r.estimate, r.time_limit, r.group));
        }
        for (const Job& j : w.jobs)
            if (taken.count(j.id) && mine(j.group, j.user))
                sum += rate(j.shape.need) * planned(j.estimate, j.time_limit, j.group);
        return sum;
    }

    std::size_t active_users(GroupId group) const {
        std::set<UserId> users;
        for (const Run& r : w.runs)
            if (r.group == group) users.insert(r.user);
        for (const Job& j : w.jobs)
            if (j.group == group && !j.held && j.eligible_at <= w.now) users.insert(j.user);
        return users.size();
    }

    bool is_waiting(const Job& j) const { return !j.held && j.eligible_at <= w.now && !taken.count(j.id); }

    bool over_quota(const Job& j) const {
        const Group g = group_of(j.group);
        if (!g.hard_quota || !g.quota_cpu_hours) return false;
        return usage(j.group, {}) + rate(j.shape.need) * planned(j.estimate, j.time_limit, j.group) >
               std::round(*g.quota_cpu_hours * 3.6e6);
    }

    std::optional<std::size_t> best_executor(const Job& j) const {
        std::optional<std::size_t> best;
        const auto key = [&](std::size_t i) {
            return std::tuple(w.executors[i].capacity.gpu_milli > 0, free[i].gpu_milli,
                              free[i].cpu_cores * 4096 + free[i].memory_mib, w.executors[i].id);
        };
        for (std::size_t i = 0; i < w.executors.size(); ++i) {
            const Executor& e = w.executors[i];
            if (!e.accepting || e.draining) continue;
            if (j.shape.need.cpu_cores > free[i].cpu_cores || j.shape.need.memory_mib > free[i].memory_mib ||
                j.shape.need.gpu_milli > free[i].gpu_milli)
                continue;
            const bool has_all = std::all_of(j.shape.features.begin(), j.shape.features.end(), [&](auto& f) {
                return std::count(e.features.begin(), e.features.end(), f) != 0;
            });
            if (has_all && (!best || key(i) < key(*best))) best = i;
        }
        return best;
    }

    bool is_lifted(const Job& j, const std::vector<const Job*>& among) const {
        const Settings& s = w.settings;
        if (s.max_wait <= 0 || w.now - j.eligible_at <= s.max_wait) return false;
        if (s.guard_scope == GuardScope::job) return true;
        const auto last = lifted.find(j.group);
        if (last != lifted.end() && w.now - last->second < s.guard_spacing) return false;
        return std::none_of(among.begin(), among.end(), [&](auto* o) { return o->group == j.group && older(o, &j); });
    }

    // Final priority, then what makes ties definite.
    std::tuple<double, double, double> priority(const Job& j) const {
        const Settings& s = w.settings;
        const Group g = group_of(j.group);
        const double group_usage = usage(j.group, {}), user_usage = usage(j.group, j.user);
        double multiplier = 1;
        if (g.quota_cpu_hours) {
            const double ratio = group_usage > 0 ? *g.quota_cpu_hours / (group_usage / 3.6e6) : s.fairshare_cap;
            multiplier = std::max(s.fairshare_floor, std::min(s.fairshare_cap, ratio));
            if (*g.quota_cpu_hours == 0) multiplier = s.fairshare_floor;
        }
        double factor = 1;
        if (s.user_fairness && active_users(j.group) > 1 && user_usage > 0)
            factor =
                std::max(0.5, std::min(1.0, group_usage / static_cast<double>(active_users(j.group)) / user_usage));
        const double boost = 1 + static_cast<double>(w.now - j.eligible_at) / 3.6e9 * s.wait_boost_per_hour;
        const double own = (j.priority + g.priority) * boost;
        return {own * factor * multiplier, own * factor, own};
    }

    bool higher(const Job& a, const Job& b) const {
        const auto pa = priority(a), pb = priority(b);
        return pa != pb ? pa > pb : older(&a, &b);
    }

    bool place_one() {
        const auto limit = w.settings.max_concurrent_jobs;
        if (limit > 0 && w.runs.size() + placements.size() >= static_cast<std::size_t>(limit)) return false;
        std::vector<const Job*> open;
        for (const Job& j : w.jobs)
            if (is_waiting(j) && !over_quota(j) && best_executor(j)) open.push_back(&j);
        const Job* next = nullptr;
        bool by_guard = false;
        for (const Job* j : open) {
            const bool lift = is_lifted(*j, open);
            if (!next || (lift && !by_guard) || (lift == by_guard && (lift ? older(j, next) : higher(*j, *next)))) {
                next = j;
                by_guard = lift;
            }
        }
        if (!next) return false;
        const std::size_t e = *best_executor(*next);
        placements.push_back({next->id, w.executors[e].id, by_guard});
        free[e] -= next->shape.need;
        taken[next->id] = true;
        if (by_guard && w.settings.guard_scope == GuardScope::group) lifted[next->group] = w.now;
        return true;
    }
};

TEST(PlanOracle, placements_and_ranking_equal_looking_at_every_job_again_after_every_placement) {
    std::size_t placed = 0, lifted = 0, ranked = 0;
    for (unsigned seed = 0; seed < 6000; ++seed) {
        const World w = Maker(seed).world();
        Cluster c;
        load(c, w);
        PlanState state;
        for (const auto& [group, at] : w.lifted) state.last_lifted[group] = at;
        Budget budget;
        budget.max_placements = w.max_placements;
        const Plan p = plan(c, state, w.now, budget);
        Oracle oracle(w);
        ASSERT_EQ(p.placements, oracle.run()) << "seed " << seed;
        std::vector<JobId> ranking;
        for (const RankedJob& r : p.ranked) ranking.push_back(r.job);
        ASSERT_EQ(ranking, oracle.ranking()) << "seed " << seed;
        placed += p.placements.size();
        ranked += ranking.size();
        for (const Placement& x : p.placements) lifted += x.lifted ? 1U : 0U;
    }
    // The instances must be worth something.
    EXPECT_GT(placed, 10'000U);
    EXPECT_GT(lifted, 1'000U);
    EXPECT_GT(ranked, 10'000U);
}

TEST(PlanOracle, no_executor_is_ever_overbooked_and_all_capacity_comes_back) {
    for (unsigned seed = 0; seed < 1000; ++seed) {
        const World w = Maker(seed).world();
        Cluster c;
        load(c, w);
        for (const core::Run& r : w.runs) c.drop_run(r.job); // those may overbook, they are made at random
        PlanState state;
        for (int cycle = 0; cycle < 3; ++cycle) {
            for (const Placement& p : plan(c, state, w.now).placements) {
                const Job j = *c.find_job(p.job);
                c.put_run({j.id, p.executor, j.group, j.user, j.shape.need, w.now, {}, {}, {}, false});
            }
            for (const Executor& e : w.executors)
                ASSERT_TRUE(Resources{}.fits_in(*c.free_of(e.id))) << "seed " << seed << " executor " << e.id;
        }
        for (const JobId id : c.ids_in(0, 100)) c.drop_run(id);
        for (const Executor& e : w.executors) ASSERT_EQ(c.free_of(e.id), e.capacity) << "seed " << seed;
        ASSERT_EQ(c.run_count(), 0U);
    }
}

TEST(PlanOracle, jobs_of_one_lane_start_in_the_order_they_became_eligible) {
    for (unsigned seed = 0; seed < 1000; ++seed) {
        World w = Maker(seed).world();
        for (Group& g : w.groups) g.hard_quota = false; // a hard quota lets a shorter job pass
        Cluster c;
        load(c, w);
        PlanState state;
        std::map<std::uint64_t, std::pair<Micros, JobId>> latest;
        std::map<std::uint64_t, std::size_t> started;
        for (const Placement& p : plan(c, state, w.now).placements) {
            const Job j = *c.find_job(p.job);
            const auto key = lane_key(j.group, j.user, j.priority, j.shape);
            const std::pair age{j.eligible_at, j.id};
            if (latest.count(key)) {
                ASSERT_LT(latest[key], age) << "seed " << seed;
            }
            latest[key] = age;
            ++started[key];
        }
        for (const auto& [key, age] : latest)
            for (const Job& j : w.jobs)
                if (!j.held && lane_key(j.group, j.user, j.priority, j.shape) == key &&
                    std::pair(j.eligible_at, j.id) <= age)
                    --started[key];
        for (const auto& [key, missing] : started) ASSERT_EQ(missing, 0U) << "seed " << seed; // nobody passed over
    }
}

} // namespace
