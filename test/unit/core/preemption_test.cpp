#include "plan_story.hpp"
#include "random_world.hpp"

using namespace rcq::core;
namespace core = rcq::core;

namespace {

class PreemptionTest : public PlanTest {
protected:
    // Has run for an hour.
    core::Run running(JobId id, ExecutorId executor, std::int32_t cores, bool preemptible = true) {
        core::Run r;
        r.job = id;
        r.executor = executor;
        r.group = 9;
        r.user = 900;
        r.resources = {cores, 1024, 0};
        r.preemptible = preemptible;
        r.placed_at = now - hour;
        r.claimed_at = now - hour;
        r.estimate = 10 * hour;
        c.put_run(r);
        return r;
    }
    Ids victims() {
        placed();
        Ids ids;
        for (const Preemption& p : last.preemptions) ids.push_back(p.run);
        std::sort(ids.begin(), ids.end());
        return ids;
    }
    void stop(const Ids& ids) {
        for (const JobId id : ids) {
            core::Run r = *c.find_run(id);
            r.preempting = true;
            c.put_run(r);
        }
    }
};

TEST_F(PreemptionTest, a_job_that_waits_stops_a_preemptible_run_and_gets_its_room_before_all_others) {
    host(1, 4);
    running(100, 1, 4);
    submit(1, 1, 5, 4);
    EXPECT_EQ(victims(), Ids{100});
    EXPECT_EQ(last.preemptions[0].for_job, 1);
    stop({100});
    EXPECT_EQ(victims(), Ids{}); // it is a matter of moments
    Job urgent = one(2, 2, 50);
    urgent.priority = 10;
    c.put_job(urgent);
    c.drop_run(100);
    EXPECT_EQ(placed(), Ids{1});
    EXPECT_TRUE(state.preemptors.empty());
}

TEST_F(PreemptionTest, no_more_runs_are_stopped_than_needed_and_those_that_lose_little) {
    host(1, 8);
    running(100, 1, 4); // has done four core-hours
    running(101, 1, 2);
    running(102, 1, 2);
    submit(1, 1, 0, 3);
    EXPECT_EQ(victims(), (Ids{101, 102}));
    c.drop_run(101);
    EXPECT_EQ(victims(), Ids{102}); // two cores are free
    c.drop_run(102);
    EXPECT_EQ(victims(), Ids{});
    EXPECT_EQ(placed(), Ids{1});
}

TEST_F(PreemptionTest, of_two_executors_the_one_where_less_is_lost) {
    host(1, 4);
    host(2, 4);
    running(100, 1, 4);
    core::Run r = running(101, 2, 4);
    r.claimed_at = now - minute;
    c.put_run(r);
    submit(1, 1, 0, 2);
    EXPECT_EQ(victims(), Ids{101});
}

TEST_F(PreemptionTest, a_run_is_spared_that_is_not_preemptible_new_not_claimed_or_was_preempted_too_often) {
    host(1, 4);
    submit(1, 1, 0, 4);
    core::Run r = running(100, 1, 4, false);
    EXPECT_EQ(victims(), Ids{});
    r.preemptible = true;
    r.preempted = 3;
    c.put_run(r);
    EXPECT_EQ(victims(), Ids{});
    r.preempted = 2;
    r.claimed_at.reset();
    c.put_run(r);
    EXPECT_EQ(victims(), Ids{});
    settings().preempt_after = hour;
    use_settings();
    r.claimed_at = now - hour + 1;
    c.put_run(r);
    EXPECT_EQ(victims(), Ids{});
    r.claimed_at = now - hour;
    c.put_run(r);
    EXPECT_EQ(victims(), Ids{100});
    settings().preemption = false;
    use_settings();
    EXPECT_EQ(victims(), Ids{});
}

TEST_F(PreemptionTest, a_preemptible_job_preempts_nobody) {
    host(1, 4);
    running(100, 1, 4);
    Job j = one(1, 1, 0, 4);
    j.preemptible = true;
    c.put_job(j);
    EXPECT_EQ(victims(), Ids{});
    EXPECT_EQ(last.reservations.size(), 1U);
}

TEST_F(PreemptionTest, nobody_is_stopped_where_it_would_not_help) {
    host(1, 8);
    running(100, 1, 4);
    running(101, 1, 4, false);
    submit(1, 1, 0, 5);
    EXPECT_EQ(victims(), Ids{});
}

TEST_F(PreemptionTest, room_that_was_given_away_in_the_same_plan_counts_as_taken) {
    host(1, 4);
    running(100, 1, 2);
    submit(1, 1, 50, 2);
    submit(2, 2, 0, 4);
    EXPECT_EQ(victims(), Ids{}); // two free cores go to job 1, so stopping the run would not do
    EXPECT_EQ(last.placements.size(), 1U);
}

TEST_F(PreemptionTest, sharers_are_stopped_only_where_that_frees_a_whole_device) {
    Executor e = host_of(1, 8);
    e.capacity.gpu_milli = 2000;
    c.put_executor(e);
    const auto share = [&](JobId id, int slot, bool preemptible) {
        core::Run r = running(id, 1, 1, preemptible);
        r.resources.gpu_milli = 500;
        r.gpu_slot = slot;
        c.put_run(r);
    };
    share(100, 0, false);
    share(101, 1, false);
    share(102, 1, true);
    Job j = one(1, 1);
    j.shape.need.gpu_milli = 1000;
    c.put_job(j);
    EXPECT_EQ(victims(), Ids{});
    share(101, 1, true);
    EXPECT_EQ(victims(), (Ids{101, 102}));
}

TEST_F(PreemptionTest, consumables_count_those_of_executors_and_those_of_the_cluster) {
    Executor e = host_of(1, 8);
    e.consumables["disk"] = 2;
    c.put_executor(e);
    c.set_consumables({{"licence", 1}});
    core::Run r = running(100, 1, 1);
    r.consumables = {{"disk", 2}};
    c.put_run(r);
    Job j = one(1, 1);
    j.shape.consumables = {{"disk", 1}};
    c.put_job(j);
    EXPECT_EQ(victims(), Ids{100});
    r.consumables = {{"licence", 1}};
    c.put_run(r);
    c.drop_job(1);
    j.shape.consumables = {{"licence", 1}};
    c.put_job(j);
    EXPECT_EQ(victims(), Ids{100});
}

TEST_F(PreemptionTest, what_some_of_the_stopped_runs_leave_is_kept_until_the_others_have_gone) {
    host(1, 4);
    running(100, 1, 2);
    running(101, 1, 2);
    submit(1, 1, 5, 4);
    EXPECT_EQ(victims(), (Ids{100, 101}));
    stop({100, 101});
    c.drop_run(100);
    submit(2, 2, 0, 2); // would like the first half
    EXPECT_EQ(placed(), Ids{});
    c.drop_run(101);
    EXPECT_EQ(placed(), Ids{1});
}

TEST_F(PreemptionTest, a_stopped_run_that_waits_again_does_not_take_back_what_it_left_while_the_others_have_yet_to_go) {
    host(1, 4);
    running(100, 1, 2);
    running(101, 1, 2);
    submit(1, 1, 5, 4);
    EXPECT_EQ(victims(), (Ids{100, 101}));
    stop({100, 101});
    c.drop_run(100);
    Job again = one(100, 1, 500, 2); // older than the job that it made way for, and before it in order
    again.priority = 10;
    again.preemptible = true;
    c.put_job(again);
    EXPECT_EQ(victims(), Ids{});
    EXPECT_EQ(placed(), Ids{});
    ASSERT_EQ(last.reservations.size(), 1U) << "promised once";
    EXPECT_EQ(last.reservations[0].job, 1);
    EXPECT_EQ(last.reservations[0].start, now + core::second);
    c.drop_run(101);
    EXPECT_EQ(placed(), Ids{1});
    EXPECT_EQ(last.placements[0].kept_for, 1);
}

TEST_F(PreemptionTest, room_is_kept_again_when_the_job_that_it_was_for_could_not_be_placed) {
    host(1, 4);
    running(100, 1, 4);
    submit(1, 1, 5, 4);
    EXPECT_EQ(victims(), Ids{100});
    const Micros until = state.preemptors.at(1).until;
    c.drop_run(100);
    EXPECT_EQ(placed(), Ids{1});
    EXPECT_TRUE(state.preemptors.empty());
    take_back(state, last.placements[0], 1);
    EXPECT_EQ(state.preemptors.at(1).executor, 1);
    EXPECT_EQ(state.preemptors.at(1).until, until);
    Job urgent = one(2, 2, 50);
    urgent.priority = 10;
    c.put_job(urgent);
    EXPECT_EQ(placed(), Ids{1});
}

TEST_F(PreemptionTest, room_is_not_kept_while_runs_that_were_not_asked_to_go_are_in_it) {
    host(1, 4);
    running(100, 1, 2);
    running(101, 1, 2);
    submit(1, 1, 5, 4);
    EXPECT_EQ(victims(), (Ids{100, 101}));
    stop({100}); // of the other somebody held the row
    EXPECT_EQ(victims(), Ids{101});
}

TEST_F(PreemptionTest, an_earlier_promise_is_not_delayed_by_a_job_that_preempts) {
    settings().backfill = Backfill::conservative;
    use_settings();
    host(1, 4);
    core::Run other = running(99, 1, 2, false);
    other.estimate = 2 * hour; // one more
    c.put_run(other);
    running(100, 1, 2);
    Job first = one(1, 1, 50, 4); // can preempt nobody that would help
    c.put_job(first);
    Job second = one(2, 2, 0, 2);
    second.estimate = 20 * hour;
    c.put_job(second);
    EXPECT_EQ(victims(), Ids{});
    EXPECT_EQ(last.reservations.at(0).job, 1);
}

TEST_F(PreemptionTest, a_window_keeps_an_executor_from_being_cleared) {
    host(1, 4);
    running(100, 1, 4);
    submit(1, 1, 0, 4);
    Window w;
    w.from = now + minute;
    w.until = now + 2 * hour;
    c.set_windows({w});
    EXPECT_EQ(victims(), Ids{});
    w.group = 1;
    c.set_windows({w});
    EXPECT_EQ(victims(), Ids{100});
}

TEST_F(PreemptionTest, an_exclusive_job_whose_grant_exceeds_a_limit_stops_nobody) {
    host(1, 8);
    running(100, 1, 1);
    Group& g = group(1);
    g.limits.cores = 4;
    c.put_group(g);
    Job j = one(1, 1);
    j.shape.exclusive = true;
    c.put_job(j);
    EXPECT_EQ(victims(), Ids{});
    g.limits.cores = 8;
    c.put_group(g);
    EXPECT_EQ(victims(), Ids{100});
}

// What a plan stops can be stopped, is enough, and none of it could be spared.
TEST(Preemption, in_random_worlds_it_helps_and_no_run_is_stopped_in_vain) {
    std::size_t choices = 0, several = 0;
    for (unsigned seed = 0; seed < 18'000; ++seed) {
        World w = Maker(seed).world();
        w.settings.preemption = true;
        w.settings.preempt_after = 0;
        w.settings.max_concurrent_jobs = w.settings.max_jobs_per_group = w.settings.max_jobs_per_user = 0;
        w.key_limits.clear(); // whoever starts after the promise may use up a limit, a throttle, or the quota
        for (User& u : w.users) u.limits = {};
        for (Group& g : w.groups) {
            g.limits = {};
            g.hard_quota = false;
        }
        for (core::Run& r : w.runs) {
            r.preemptible = r.job % 3 != 0;
            r.array_throttle = 0;
            r.time_limit.reset(); // one past its limit is planned to be gone in a second, as those stopped are
        }
        for (Job& j : w.jobs) {
            j.preemptible = j.id % 4 == 0;
            j.array_throttle = 0;
        }
        Cluster c;
        load(c, w);
        PlanState state;
        const Plan p = plan(c, state, w.now);
        if (p.preemptions.empty()) continue;
        SCOPED_TRACE("seed " + std::to_string(seed));
        ++choices;
        several += p.preemptions.size() > 1 ? 1U : 0U;
        const JobId for_job = p.preemptions[0].for_job;
        const Job j = *c.find_job(for_job);
        ASSERT_FALSE(j.preemptible);
        ASSERT_TRUE(std::any_of(p.reservations.begin(), p.reservations.end(),
                                [&](const Reservation& r) { return r.job == for_job; }));
        // carried out: placements run, what was being stopped has gone, the victims but one have, then all
        for (const Placement& x : p.placements) c.put_run(run_of(*c.find_job(x.job), x, w.now));
        for (const core::Run& r : w.runs)
            if (r.cancelling || r.preempting) c.drop_run(r.job);
        const ExecutorId where = c.find_run(p.preemptions[0].run)->executor;
        const auto starts = [&] {
            Cluster& cluster = c;
            PlanState s;
            s.preemptors[for_job] = {where, w.now + minute};
            const Plan then = plan(cluster, s, w.now);
            return !then.placements.empty() && then.placements[0].executor == where &&
                   lane_spec(*c.find_job(then.placements[0].job)) == lane_spec(j);
        };
        // one of them left: the executor does not do
        for (const Preemption& spared : p.preemptions) {
            std::vector<core::Run> gone;
            for (const Preemption& x : p.preemptions) {
                const core::Run r = *c.find_run(x.run);
                ASSERT_EQ(x.for_job, for_job);
                ASSERT_EQ(r.executor, where);
                ASSERT_TRUE(r.preemptible && r.claimed_at && !r.preempting && !r.cancelling && r.preempted < 3);
                if (x.run == spared.run) continue;
                gone.push_back(r);
                c.drop_run(x.run);
            }
            ASSERT_FALSE(starts()) << "run " << spared.run << " need not be stopped";
            for (const core::Run& r : gone) c.put_run(r);
        }
        for (const Preemption& x : p.preemptions) c.drop_run(x.run);
        ASSERT_TRUE(starts()) << "it does not help";
    }
    EXPECT_GT(choices, 150U);
    EXPECT_GT(several, 20U);
}

// Preempted jobs wait again from when they first did, and the machine is always full: nobody goes round in circles.
TEST(Preemption, ends_when_jobs_have_been_preempted_often_enough) {
    Settings s;
    s.max_wait = 0;
    s.preempt_after = 5 * minute;
    Cluster c(s);
    PlanState state;
    for (ExecutorId id = 1; id <= 2; ++id) {
        Executor e;
        e.id = id;
        e.capacity = {8, 64 * 1024, 0};
        c.put_executor(e);
    }
    std::mt19937 random(1);
    const auto draw = [&](int n) { return static_cast<std::int32_t>(random() % static_cast<unsigned>(n)); };
    std::map<JobId, Job> all;
    std::map<JobId, std::int32_t> preempted;
    std::map<JobId, Micros> ends, promised_to;
    JobId next_id = 1;
    Micros now = 0;
    std::size_t stopped = 0, late = 0;
    for (; now < 10 * day && (now < 2 * day || c.pending_count() + c.run_count() > 0); now += minute) {
        std::vector<JobId> over;
        for (const auto& [id, at] : ends)
            if (at <= now) over.push_back(id);
        for (const JobId id : over) {
            const core::Run r = *c.find_run(id);
            ends.erase(id);
            c.drop_run(id);
            if (!r.preempting) continue;
            ++preempted[id];
            ASSERT_LE(preempted[id], s.max_preemptions);
            c.put_job(all[id]); // its old place in the queue
        }
        if (now < 2 * day && draw(6) == 0) {
            Job j;
            j.id = next_id++;
            j.group = 1 + draw(2);
            j.user = j.group;
            j.preemptible = draw(2) == 0;
            j.shape.need = {1 + draw(8), 1024, 0};
            j.eligible_at = now;
            j.estimate = (1 + draw(8)) * 15 * minute;
            all[j.id] = j;
            c.put_job(j);
        }
        c.advance(now);
        const Plan p = plan(c, state, now);
        for (const Placement& x : p.placements) {
            core::Run r = run_of(all[x.job], x, now, now);
            r.preempted = preempted[x.job];
            c.put_run(r);
            ends[x.job] = now + *all[x.job].estimate;
            promised_to.erase(x.job);
        }
        for (const Preemption& x : p.preemptions) {
            core::Run r = *c.find_run(x.run);
            ASSERT_GE(now - *r.claimed_at, s.preempt_after);
            r.preempting = true;
            c.put_run(r);
            ends[x.run] = now + minute;
            promised_to.try_emplace(x.for_job, now);
            ++stopped;
        }
        for (const auto& [id, since] : promised_to) late += now - since > 2 * minute ? 1U : 0U;
    }
    EXPECT_EQ(c.pending_count() + c.run_count(), 0U); // all have run
    EXPECT_GT(stopped, 20U);
    EXPECT_EQ(late, 0U); // whom runs were stopped for got the room when they had gone
}

} // namespace
