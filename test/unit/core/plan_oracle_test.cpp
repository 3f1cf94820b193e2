#include "plan_oracle.hpp"
#include "runs.hpp"
#include <gtest/gtest.h>

using namespace rcq::core;
namespace core = rcq::core;

namespace {

struct Planned {
    Cluster cluster;
    PlanState state;
    Plan plan;

    explicit Planned(const World& w) {
        load(cluster, w);
        for (const auto& [group, at] : w.lifted) state.last_lifted[group] = at;
        state.preemptors = w.preemptors;
        Budget budget;
        budget.max_placements = w.max_placements;
        plan = core::plan(cluster, state, w.now, budget);
    }
};

std::string text(const std::vector<Placement>& list) {
    std::string s;
    for (const Placement& p : list)
        s += std::to_string(p.job) + "@" + std::to_string(p.executor) + "x" + std::to_string(p.granted.cpu_cores) +
             (p.lifted ? "! " : " ");
    return s;
}
std::string text(const std::vector<Reservation>& list) {
    std::string s;
    for (const Reservation& r : list)
        s += std::to_string(r.job) + "@" + std::to_string(r.executor) + "t" + std::to_string(r.start) + " ";
    return s;
}

// What is told apart by the moment at which a job was looked at.
Reason coarse(Reason r) { return r == Reason::reserved || r == Reason::maintenance ? Reason::resources : r; }

// Promises that nothing starts after hold back nobody: the plan may leave them out, and no others.
void expect_promises(const Plan& plan, const PlanOracle& oracle) {
    ASSERT_LE(plan.reservations.size(), oracle.reservations.size());
    for (std::size_t i = 0; i < oracle.reservations.size(); ++i) {
        if (i < plan.reservations.size())
            ASSERT_EQ(plan.reservations[i], oracle.reservations[i]);
        else
            ASSERT_EQ(oracle.placed_before[i], oracle.placements.size());
    }
}

void expect_lanes(const World& w, const Plan& plan, const PlanOracle& oracle) {
    std::map<std::uint64_t, std::vector<const Job*>> left;
    for (const Job& j : w.jobs)
        if (oracle.is_left(j)) left[lane_key(lane_spec(j))].push_back(&j);
    ASSERT_EQ(plan.lanes.size(), left.size());
    for (const LaneReport& lane : plan.lanes) {
        const auto& jobs = left.at(lane.lane_key);
        ASSERT_EQ(lane.count, jobs.size());
        std::set<Reason> reasons;
        Micros oldest = INT64_MAX;
        bool any_eligible = false;
        for (const Job* j : jobs) {
            oldest = std::min(oldest, j->eligible_at);
            any_eligible = any_eligible || j->eligible_at <= w.now;
        }
        for (const Job* j : jobs)
            if (!any_eligible || j->eligible_at <= w.now) reasons.merge(oracle.reasons_of(*j));
        ASSERT_EQ(lane.oldest_eligible_at, oldest);
        if (plan.complete) {
            ASSERT_TRUE(reasons.count(coarse(lane.reason)))
                << "job " << jobs[0]->id << ": " << name(lane.reason) << ", not " << name(*reasons.begin());
        }
    }
}

std::optional<Micros> next_due(const World& w) {
    std::optional<Micros> next;
    for (const Job& j : w.jobs)
        if (!j.held && j.eligible_at > w.now && j.eligible_at < next.value_or(INT64_MAX)) next = j.eligible_at;
    return next;
}

TEST(PlanOracle, a_plan_equals_looking_at_every_job_again_after_every_placement) {
    std::size_t placed = 0, lifted = 0, ranked = 0, promised = 0, preempting = 0;
    std::map<Reason, std::size_t> reasons;
    for (unsigned seed = 0; seed < 6000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const World w = Maker(seed).world();
        const Plan p = Planned(w).plan;
        PlanOracle oracle(w, p.preemptions);
        oracle.run();
        ASSERT_TRUE(p.placements == oracle.placements) << text(p.placements) << "\n"
                                                       << text(oracle.placements) << "\n"
                                                       << text(p.reservations) << "\n"
                                                       << text(oracle.reservations);
        if (!p.complete) {
            ASSERT_EQ(p.placements.size(), w.max_placements);
        } else if (!oracle.complete) { // the plan saw that nothing more would start, the oracle was not allowed to look
            World unlimited = w;
            unlimited.max_placements = SIZE_MAX;
            PlanOracle further(unlimited, p.preemptions);
            further.run();
            ASSERT_TRUE(p.placements == further.placements);
        }
        ASSERT_NO_FATAL_FAILURE(expect_promises(p, oracle)) << text(p.reservations) << "\n"
                                                            << text(oracle.reservations);
        ASSERT_NO_FATAL_FAILURE(expect_lanes(w, p, oracle));
        ASSERT_EQ(p.next_due, next_due(w));
        std::vector<JobId> ranking;
        for (const RankedJob& r : p.ranked) ranking.push_back(r.job);
        ASSERT_EQ(ranking, oracle.ranking());
        placed += p.placements.size();
        promised += p.reservations.size();
        ranked += ranking.size();
        preempting += p.preemptions.empty() ? 0U : 1U;
        for (const Placement& x : p.placements) lifted += x.lifted ? 1U : 0U;
        for (const LaneReport& lane : p.lanes) ++reasons[lane.reason];
    }
    // The instances must be worth something.
    EXPECT_GT(placed, 10'000U);
    EXPECT_GT(lifted, 1'000U);
    EXPECT_GT(ranked, 10'000U);
    EXPECT_GT(promised, 2'000U);
    EXPECT_GT(preempting, 20U);
    for (const Reason r : {Reason::priority, Reason::resources, Reason::reserved, Reason::begin_time, Reason::quota,
                           Reason::limit, Reason::array_throttle, Reason::maintenance, Reason::drained, Reason::paused,
                           Reason::no_executor, Reason::never_fits})
        EXPECT_GT(reasons[r], 50U) << name(r);
}

} // namespace
