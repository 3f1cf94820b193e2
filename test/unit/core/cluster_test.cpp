#include "core/cluster.hpp"
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;
namespace core = rcq::core;

namespace {

Executor executor(ExecutorId id, Resources capacity) {
    Executor e;
    e.id = id;
    e.capacity = capacity;
    return e;
}

Job job(JobId id, GroupId group = 1, UserId user = 1) {
    Job j;
    j.id = id;
    j.group = group;
    j.user = user;
    j.shape.need = {1, 1024, 0};
    return j;
}

Run run(JobId id, ExecutorId executor_id, Resources resources = {1, 1024, 0}) {
    Run r;
    r.job = id;
    r.executor = executor_id;
    r.group = 1;
    r.user = 1;
    r.resources = resources;
    return r;
}

std::size_t waiting(const Cluster& c) {
    std::size_t n = 0;
    for (const auto& [id, lane] : c.lanes().all()) n += lane.waiting.size();
    return n;
}

TEST(Cluster, a_job_whose_time_has_come_may_go_also_after_an_earlier_time_was_told) {
    Cluster c;
    c.put_executor(executor(1, {4, 4096, 0}));
    c.advance(20);
    Job j = job(7);
    j.eligible_at = 15;
    c.put_job(j);
    c.advance(10);
    c.drop(7);
    EXPECT_EQ(waiting(c), 0U);
    ASSERT_TRUE(c.find_executor(1)) << "what lies behind the lanes is whole";
    c.put_run(run(8, 1));
    EXPECT_EQ(c.runs_of(1), std::vector<JobId>{8});
}

TEST(Cluster, a_job_is_found_as_it_was_put) {
    Cluster c;
    Job j = job(7, 3, 4);
    j.shape.constraint = Constraint::all_of({"b", "a", "b"});
    j.shape.min_cores = 1;
    j.shape.gpu_type = "a100|h100";
    j.shape.consumables = {{"licence", 2}};
    j.shape.exclusive = true;
    j.preemptible = true;
    j.concurrency_key = "key";
    j.array = 3;
    j.array_throttle = 2;
    j.eligible_at = 99;
    j.estimate = minute;
    j.time_limit = hour;
    c.put_job(j);
    EXPECT_EQ(c.find_job(7), j);
    j.shape.constraint = Constraint::all_of({"a", "b"});
    EXPECT_EQ(c.find_job(7), j);
    EXPECT_FALSE(c.find_job(8));
}

TEST(Cluster, putting_a_job_again_replaces_it) {
    Cluster c;
    c.put_job(job(1));
    Job j = job(1);
    j.priority = 9;
    c.put_job(j);
    EXPECT_EQ(c.pending_count(), 1U);
    EXPECT_EQ(c.lanes().all().size(), 1U);
    EXPECT_EQ(c.find_job(1)->priority, 9);
}

TEST(Cluster, a_held_job_is_parked_outside_the_lanes_until_it_is_released) {
    Cluster c;
    Job j = job(1);
    j.held = true;
    c.put_job(j);
    EXPECT_EQ(waiting(c), 0U);
    EXPECT_EQ(c.counts(1), (Counts{1, 1, 0, 0, 0}));
    j.held = false;
    c.put_job(j);
    EXPECT_EQ(waiting(c), 1U);
    EXPECT_EQ(c.counts(1), (Counts{1, 0, 0, 0, 0}));
    c.drop_job(1);
    EXPECT_TRUE(c.lanes().all().empty());
    EXPECT_EQ(c.counts(1), Counts{});
}

TEST(Cluster, a_run_takes_its_job_out_of_the_queue_and_its_resources_from_the_executor) {
    Cluster c;
    c.put_executor(executor(5, {8, 8192, 1000}));
    c.put_job(job(1));
    c.put_run(run(1, 5, {2, 2048, 1000}));
    EXPECT_FALSE(c.find_job(1));
    ASSERT_TRUE(c.find_run(1));
    EXPECT_EQ(c.free_of(5), (Resources{6, 6144, 0}));
    EXPECT_EQ(c.runs_of(5), std::vector<JobId>{1});
    c.drop_run(1);
    EXPECT_EQ(c.free_of(5), (Resources{8, 8192, 1000}));
    EXPECT_FALSE(c.find_run(1));
}

TEST(Cluster, putting_a_run_again_takes_its_resources_once) {
    Cluster c;
    c.put_executor(executor(5, {8, 8192, 0}));
    c.put_run(run(1, 5));
    core::Run claimed = run(1, 5);
    claimed.claimed_at = 10;
    c.put_run(claimed);
    EXPECT_EQ(c.free_of(5), (Resources{7, 7168, 0}));
    EXPECT_EQ(c.counts(1), (Counts{0, 0, 0, 1, 0}));
    c.put_run(run(1, 6)); // moved to another one
    EXPECT_EQ(c.free_of(5), (Resources{8, 8192, 0}));
}

TEST(Cluster, a_run_put_back_as_a_job_frees_its_resources) {
    Cluster c;
    c.put_executor(executor(5, {8, 8192, 0}));
    c.put_run(run(1, 5));
    c.put_job(job(1));
    EXPECT_EQ(c.free_of(5), (Resources{8, 8192, 0}));
    EXPECT_EQ(c.run_count(), 0U);
    EXPECT_EQ(c.pending_count(), 1U);
    EXPECT_EQ(c.commitments().group(1), 0);
}

TEST(Cluster, dropping_a_job_leaves_a_run_alone_and_the_other_way_round) {
    Cluster c;
    c.put_executor(executor(5, {8, 8192, 0}));
    c.put_run(run(1, 5));
    c.put_job(job(2));
    c.drop_job(1);
    c.drop_run(2);
    EXPECT_TRUE(c.find_run(1));
    EXPECT_TRUE(c.find_job(2));
    c.drop(1);
    c.drop(2);
    c.drop(3);
    EXPECT_TRUE(c.ids_in(0, 10).empty());
}

TEST(Cluster, an_executor_that_comes_back_smaller_is_overbooked_and_offers_nothing) {
    Cluster c;
    c.put_executor(executor(5, {8, 8192, 0}));
    c.put_run(run(1, 5, {6, 1024, 0}));
    EXPECT_EQ(c.hosts().holes().all().size(), 1U);
    c.put_executor(executor(5, {4, 8192, 0}));
    EXPECT_EQ(c.free_of(5), (Resources{-2, 7168, 0}));
    EXPECT_TRUE(c.hosts().holes().all().empty());
    c.drop_run(1);
    EXPECT_EQ(c.free_of(5), (Resources{4, 8192, 0}));
    EXPECT_EQ(c.hosts().holes().all().size(), 1U);
}

TEST(Cluster, runs_may_be_known_before_their_executor_and_after_it) {
    Cluster c;
    c.put_run(run(1, 5));
    EXPECT_FALSE(c.free_of(5));
    c.put_executor(executor(5, {8, 8192, 0}));
    EXPECT_EQ(c.free_of(5), (Resources{7, 7168, 0}));
    c.drop_executor(5);
    EXPECT_TRUE(c.hosts().holes().all().empty());
    EXPECT_EQ(c.runs_of(5), std::vector<JobId>{1});
    c.put_executor(executor(5, {8, 8192, 0}));
    EXPECT_EQ(c.free_of(5), (Resources{7, 7168, 0}));
}

TEST(Cluster, ids_in_a_range_are_pending_jobs_and_runs_in_order) {
    Cluster c;
    for (JobId id : {1, 4, 6, 9}) c.put_job(job(id));
    for (JobId id : {2, 5, 8}) c.put_run(run(id, 5));
    EXPECT_EQ(c.ids_in(2, 8), (std::vector<JobId>{2, 4, 5, 6, 8}));
    EXPECT_EQ(c.ids_in(10, 20), std::vector<JobId>{});
    EXPECT_EQ(c.ids_in(8, 2), std::vector<JobId>{});
}

TEST(Cluster, counts_follow_jobs_and_runs_of_each_group) {
    Cluster c;
    c.put_job(job(1));
    c.put_job(job(2, 2));
    c.put_run(run(3, 5));
    core::Run r = run(4, 5);
    r.claimed_at = 1;
    r.cancelling = true;
    c.put_run(r);
    EXPECT_EQ(c.counts(1), (Counts{1, 0, 1, 1, 1}));
    EXPECT_EQ(c.counts(2), (Counts{1, 0, 0, 0, 0}));
    c.drop_run(4);
    EXPECT_EQ(c.counts(1), (Counts{1, 0, 1, 0, 0}));
}

TEST(Cluster, a_run_is_planned_by_estimate_limit_group_and_settings_in_this_order) {
    Cluster c;
    c.advance(0);
    const auto hours = [&] { return billed_hours(c.commitments().group(1)); };
    c.put_run(run(1, 5));
    EXPECT_DOUBLE_EQ(hours(), 1);
    Settings s;
    s.default_estimate = 2 * hour;
    c.set_settings(s);
    EXPECT_DOUBLE_EQ(hours(), 2);
    Group g;
    g.id = 1;
    g.default_estimate = 3 * hour;
    c.put_group(g);
    EXPECT_DOUBLE_EQ(hours(), 3);
    c.drop_group(1);
    EXPECT_DOUBLE_EQ(hours(), 2);
    core::Run r = run(1, 5);
    r.time_limit = 4 * hour;
    c.put_run(r);
    EXPECT_DOUBLE_EQ(hours(), 4);
    r.estimate = 30 * minute;
    c.put_run(r);
    EXPECT_DOUBLE_EQ(hours(), 0.5);
    r.claimed_at = 0;
    c.put_run(r);
    c.advance(2 * hour);
    EXPECT_DOUBLE_EQ(hours(), 0); // past its plan
    EXPECT_DOUBLE_EQ(billed_hours(c.usage().group(1)), 2);
    c.drop_run(r.job);
    EXPECT_EQ(c.usage().group(1), 0);
}

TEST(Cluster, estimates_of_who_underestimates_are_stretched_up_to_the_limit_unless_that_is_off) {
    Cluster cluster;
    for (int i = 0; i < 5; ++i) cluster.record_duration(1, hour, 3 * hour);
    EXPECT_EQ(cluster.plan_seconds(1, hour, std::nullopt), 3 * 3600);
    EXPECT_EQ(cluster.plan_seconds(1, hour, 2 * hour), 2 * 3600) << "no longer than it may run";
    EXPECT_EQ(cluster.plan_seconds(1, std::nullopt, 2 * hour), 2 * 3600) << "a limit is no estimate";
    EXPECT_EQ(cluster.plan_seconds(2, hour, std::nullopt), 3600) << "somebody else";

    Job job;
    job.id = 1;
    job.group = job.user = 1;
    job.shape.need = {1, 1, 0};
    job.estimate = hour;
    cluster.put_job(job);
    const auto planned = [&] { return *cluster.lanes().all().begin()->second.waiting.first()->own_plan_s; };
    EXPECT_EQ(planned(), 3 * 3600);
    Settings settings;
    settings.correct_estimates = false;
    cluster.set_settings(settings);
    EXPECT_EQ(planned(), 3600) << "jobs that wait are planned again";
    cluster.drop_job(1);
    EXPECT_TRUE(cluster.lanes().all().empty());
}

TEST(Cluster, the_version_of_the_executors_changes_only_when_they_do) {
    Cluster c;
    c.put_executor(executor(5, {8, 8192, 0}));
    const auto version = c.outlook_version();
    c.put_executor(executor(5, {8, 8192, 0}));
    c.put_run(run(1, 5));
    c.drop_executor(6);
    EXPECT_EQ(c.outlook_version(), version);
    c.drop_executor(5);
    EXPECT_NE(c.outlook_version(), version);
}

TEST(Cluster, any_history_ends_in_the_state_of_the_facts_that_are_left) {
    std::mt19937 random(17);
    const auto draw = [&](int n) { return static_cast<std::int32_t>(random() % static_cast<unsigned>(n)); };
    Cluster c;
    std::map<JobId, Job> jobs;
    std::map<JobId, core::Run> runs;
    std::map<ExecutorId, Executor> executors;
    for (int step = 0; step < 5000; ++step) {
        const JobId id = draw(40);
        const ExecutorId e = draw(4);
        switch (draw(6)) {
        case 0: {
            Job j = job(id, draw(3), draw(2));
            j.held = draw(3) == 0;
            j.eligible_at = draw(5);
            c.put_job(j);
            jobs[id] = j;
            runs.erase(id);
            break;
        }
        case 1: {
            core::Run r = run(id, e, {draw(4), draw(4), draw(4)});
            r.group = draw(3);
            if (draw(2) == 0) r.claimed_at = 1;
            c.put_run(r);
            runs[id] = r;
            jobs.erase(id);
            break;
        }
        case 2:
            c.drop_job(id), jobs.erase(id);
            break;
        case 3:
            c.drop_run(id), runs.erase(id);
            break;
        case 4: {
            executors[e] = executor(e, {draw(20), draw(20), draw(20)});
            executors[e].draining = draw(4) == 0;
            c.put_executor(executors[e]);
            break;
        }
        default:
            c.drop_executor(e), executors.erase(e);
        }
        ASSERT_EQ(c.pending_count(), jobs.size());
        ASSERT_EQ(c.run_count(), runs.size());
        std::size_t free_jobs = 0;
        for (const auto& [key, j] : jobs) {
            ASSERT_EQ(c.find_job(key), j);
            free_jobs += j.held ? 0U : 1U;
        }
        ASSERT_EQ(waiting(c), free_jobs);
        for (const auto& [key, x] : executors) {
            Resources free = x.capacity;
            for (const auto& [run_id, r] : runs)
                if (r.executor == key) free -= r.resources;
            ASSERT_EQ(c.free_of(key), free);
        }
        for (const Hole& h : c.hosts().holes().all()) ASSERT_EQ(h.free, c.free_of(h.executor->id));
        for (GroupId g = 0; g < 3; ++g) {
            Counts n;
            for (const auto& [key, j] : jobs)
                if (j.group == g) ++n.pending, n.held += j.held ? 1U : 0U;
            for (const auto& [key, r] : runs)
                if (r.group == g) ++(r.claimed_at ? n.running : n.assigned);
            ASSERT_EQ(c.counts(g), n);
        }
    }
}

} // namespace
