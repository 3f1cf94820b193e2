// Small clusters made at random: plain lists of facts, for a plan and an oracle to disagree about.
#pragma once
#include "core/plan.hpp"
#include <random>

namespace rcq::core {

struct Charge {
    GroupId group;
    UserId user;
    double core_seconds; // whole
};

struct World {
    Settings settings;
    std::vector<Group> groups;
    std::vector<Executor> executors;
    std::vector<Job> jobs;
    std::vector<Run> runs;
    std::vector<Charge> charges;
    std::map<GroupId, Micros> lifted;
    Micros now = 0;
    std::size_t max_placements = SIZE_MAX;
};

class Maker {
public:
    explicit Maker(unsigned seed) : random(seed) {}

    World world() {
        World w;
        w.now = 20'000 * day + draw(day);
        Settings& s = w.settings;
        if (chance(3)) s.guard_scope = GuardScope::job;
        if (chance(3)) s.max_wait = 0;
        if (chance(4)) s.guard_spacing = 0;
        if (chance(3)) s.user_fairness = false;
        if (chance(3)) s.fairshare_cap = 10;
        if (chance(4)) s.bill_per_gpu_hour = 10;
        if (chance(4)) s.bill_per_gb_hour = 0.25;
        if (chance(5)) s.wait_boost_per_hour = 0;
        if (chance(6)) s.max_concurrent_jobs = static_cast<std::int32_t>(1 + draw(15));
        if (chance(6)) w.max_placements = static_cast<std::size_t>(draw(6));
        const auto group_count = 1 + draw(4);
        for (GroupId g = 1; g <= group_count; ++g) {
            if (chance(8)) continue; // jobs may name groups that nobody put
            Group group{g, small(1, 10), {}, chance(3), {}};
            if (!chance(4)) group.quota_cpu_hours = static_cast<double>(draw(60));
            if (chance(4)) group.default_estimate = (1 + draw(240)) * minute;
            w.groups.push_back(group);
            if (chance(2)) w.lifted[g] = w.now - draw(20 * minute);
        }
        const auto executor_count = draw(6);
        for (ExecutorId e = 1; e <= executor_count; ++e)
            w.executors.push_back({e,
                                   {small(1, 16), 1024 * small(1, 64), chance(2) ? 0 : 1000 * small(0, 4)},
                                   features(),
                                   !chance(8),
                                   chance(8)});
        const auto job_count = draw(40);
        for (JobId id = 1; id <= job_count; ++id) w.jobs.push_back(job(id, group_count, w.now));
        const auto run_count = draw(8);
        for (JobId id = 1000; id < 1000 + run_count; ++id) {
            const Job j = job(id, group_count, w.now);
            Run r{id, small(1, 6), j.group, j.user, j.shape.need, w.now, {}, j.estimate, j.time_limit, chance(5)};
            // Whole seconds before now: how elapsed time is rounded has tests of its own.
            if (!chance(3)) r.claimed_at = w.now - draw(20'000) * second;
            w.runs.push_back(r);
        }
        const auto charge_count = draw(8);
        for (int i = 0; i < charge_count; ++i)
            w.charges.push_back({small(1, 4), small(1, 3), static_cast<double>(draw(100'000))});
        return w;
    }

private:
    std::mt19937 random;

    std::int64_t draw(std::int64_t n) { return static_cast<std::int64_t>(random()) % n; }
    std::int32_t small(std::int32_t low, std::int32_t high) {
        return low + static_cast<std::int32_t>(draw(high - low + 1));
    }
    bool chance(int one_in) { return draw(one_in) == 0; }
    Features features() {
        Features list;
        for (const char* f : {"a", "b"})
            if (chance(3)) list.emplace_back(f);
        return list;
    }
    Job job(JobId id, std::int64_t group_count, Micros now) {
        Job j;
        j.id = id;
        j.group = static_cast<GroupId>(1 + draw(group_count));
        j.user = small(1, 3);
        j.priority = chance(2) ? 5 : small(1, 10);
        j.shape.need = {small(1, chance(4) ? 20 : 3), 512 * small(1, 8), chance(3) ? 1000 * small(1, 2) : 0};
        if (chance(5)) j.shape.features = features();
        j.eligible_at = now - draw(10) * draw(16) * hour; // ties are common
        if (chance(3)) j.eligible_at -= draw(hour);
        if (chance(12)) j.eligible_at = now + 1 + draw(hour);
        if (chance(2)) j.estimate = 1 + draw(5 * hour);
        if (chance(3)) j.time_limit = 1 + draw(9 * hour);
        j.held = chance(10);
        return j;
    }
};

inline void load(Cluster& c, const World& w) {
    c.set_settings(w.settings);
    c.advance(w.now);
    for (const Job& j : w.jobs) c.put_job(j);
    for (const Group& g : w.groups) c.put_group(g);
    for (const Run& r : w.runs) c.put_run(r);
    for (const Executor& e : w.executors) c.put_executor(e);
    for (const Charge& x : w.charges) c.charge(x.group, x.user, w.now, x.core_seconds);
}

} // namespace rcq::core
