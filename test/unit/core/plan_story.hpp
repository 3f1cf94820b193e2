// A small cluster to tell stories with. Waiting times are in hours, a job takes one core unless said otherwise.
#pragma once
#include "runs.hpp"
#include <gtest/gtest.h>

namespace rcq::core {

class PlanTest : public testing::Test {
protected:
    static constexpr Micros now = 10'000 * hour;

    PlanTest() { c.advance(now); }

    static Executor host_of(ExecutorId id, std::int32_t cores) {
        Executor e;
        e.id = id;
        e.capacity = {cores, cores * 4096LL, 0};
        return e;
    }
    void host(ExecutorId id, std::int32_t cores) { c.put_executor(host_of(id, cores)); }
    Group& group(GroupId id, std::optional<double> quota = std::nullopt) {
        Group& g = groups[id] = Group{};
        g.id = id;
        g.quota_cpu_hours = quota;
        c.put_group(g);
        return g;
    }
    Job one(JobId id, GroupId group_id, double waited_h = 0, std::int32_t cores = 1) {
        Job j;
        j.id = id;
        j.group = group_id;
        j.user = group_id * 100;
        j.shape.need = {cores, 1024, 0};
        j.eligible_at = now - static_cast<Micros>(waited_h * static_cast<double>(hour));
        return j;
    }
    void submit(JobId id, GroupId group_id, double waited_h = 0, std::int32_t cores = 1) {
        c.put_job(one(id, group_id, waited_h, cores));
    }
    std::vector<JobId> placed(const Budget& budget = {}, Micros at = now) {
        last = plan(c, state, at, budget);
        std::vector<JobId> ids;
        for (const Placement& p : last.placements) ids.push_back(p.job);
        return ids;
    }
    // The placements of the last plan come true; claimed at once if so said, else only assigned.
    void apply(std::optional<Micros> claimed_at = std::nullopt) {
        for (const Placement& p : last.placements) c.put_run(run_of(*c.find_job(p.job), p, now, claimed_at));
    }
    // The group has used so many core-hours in the hour before `until`.
    void use(GroupId group_id, double core_hours, Micros until = now) {
        c.charge({group_id, group_id * 100}, 3600 * core_hours, until - hour, until);
    }
    static Budget most(std::size_t placements) {
        Budget budget;
        budget.max_placements = placements;
        return budget;
    }
    Reason reason_of(GroupId group_id) {
        for (const LaneReport& l : last.lanes)
            if (l.group == group_id) return l.reason;
        return Reason::none;
    }
    Settings& settings() { return changed; }
    void use_settings() { c.set_settings(changed); }

    Settings changed;
    Cluster c;
    PlanState state;
    Plan last;
    std::map<GroupId, Group> groups;
};
using Ids = std::vector<JobId>;

} // namespace rcq::core
