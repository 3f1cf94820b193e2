// A small cluster to tell stories with. Waiting times are in hours, a job takes one core unless said otherwise.
#pragma once
#include "core/plan.hpp"
#include <gtest/gtest.h>

namespace rcq::core {

class PlanTest : public testing::Test {
protected:
    static constexpr Micros now = 10'000 * hour;

    PlanTest() { c.advance(now); }

    void host(ExecutorId id, std::int32_t cores, Features features = {}) {
        c.put_executor({id, {cores, cores * 4096LL, 0}, std::move(features), true, false});
    }
    Group& group(GroupId id, std::optional<double> quota = std::nullopt) {
        groups[id] = Group{id, 5, quota, false, std::nullopt};
        c.put_group(groups[id]);
        return groups[id];
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
    // The placements of the last plan come true.
    void apply() {
        for (const Placement& p : last.placements) {
            const Job j = *c.find_job(p.job);
            c.put_run({j.id, p.executor, j.group, j.user, j.shape.need, now, {}, j.estimate, j.time_limit, false});
        }
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
