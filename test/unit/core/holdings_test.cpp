#include "core/holdings.hpp"
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;
namespace core = rcq::core;

namespace {

core::Run run(JobId id, Resources resources, Consumables consumables = {}) {
    core::Run r;
    r.job = id;
    r.group = 1;
    r.user = 1;
    r.resources = resources;
    r.consumables = std::move(consumables);
    return r;
}
Release<Resources> release(const core::Run& r, Micros at = 5) { return {at, r.job, r.resources, 0, {}}; }

TEST(Limits, what_is_held_and_one_more_job_stay_within_each_of_them) {
    const Held held{2, 6, 1500};
    const Resources more{2, 0, 500};
    EXPECT_TRUE(within({}, held, more));
    EXPECT_TRUE(within({3, 8, 2}, held, more));
    EXPECT_FALSE(within({2, {}, {}}, held, more));
    EXPECT_FALSE(within({{}, 7, {}}, held, more));
    EXPECT_FALSE(within({{}, {}, 1}, held, more));
    EXPECT_FALSE(within({0, {}, {}}, {}, {}));
    EXPECT_TRUE(within({{}, 0, 0}, {}, {}));
    EXPECT_TRUE(within({INT32_MAX, INT32_MAX, INT32_MAX}, {}, {INT32_MAX, INT64_MAX, INT32_MAX}));
    EXPECT_FALSE(within({{}, INT32_MAX, {}}, {1, 1, 0}, {INT32_MAX, 0, 0}));
}

TEST(Holdings, counts_tasks_of_arrays_with_a_throttle) {
    Holdings h;
    core::Run task = run(1, {1, 1, 0}), free_task = run(2, {1, 1, 0}), none = run(3, {1, 1, 0});
    task.array = free_task.array = 7;
    task.array_throttle = none.array_throttle = 2;
    for (const core::Run& r : {task, free_task, none}) h.take(r, release(r));
    EXPECT_EQ(h.tasks_of_array(7), 1);
    EXPECT_EQ(h.tasks_of_array(0), 0);
    h.give_back(task, release(task));
    EXPECT_EQ(h.tasks_of_array(7), 0);
}

TEST(Limits, general_ones_complete_those_of_groups_and_users) {
    Settings s;
    Group g;
    User u;
    EXPECT_EQ(limits_of_group(g, s), Limits{});
    s.max_jobs_per_group = 4;
    s.max_jobs_per_user = 3;
    EXPECT_EQ(limits_of_group(g, s).jobs, 4);
    EXPECT_EQ(limits_of_user(u, s).jobs, 3);
    g.limits = {9, 8, 7};
    u.limits = {0, {}, {}};
    EXPECT_EQ(limits_of_group(g, s), (Limits{9, 8, 7}));
    EXPECT_EQ(limits_of_user(u, s).jobs, 0);
}

TEST(Holdings, counts_follow_runs_and_come_back_to_nothing) {
    std::mt19937 random(3);
    const auto draw = [&](int n) { return static_cast<std::int32_t>(random() % static_cast<unsigned>(n)); };
    Holdings h;
    h.set_stocks({{"licence", 4}});
    std::map<JobId, core::Run> runs;
    for (int step = 0; step < 3000; ++step) {
        const JobId id = draw(20);
        if (const auto it = runs.find(id); it != runs.end() || step > 2900) {
            if (it == runs.end()) continue;
            h.give_back(it->second, release(it->second));
            runs.erase(it);
        } else {
            core::Run r = run(id, {draw(4), draw(4), draw(4)});
            r.group = draw(3);
            r.user = draw(3);
            if (draw(2) == 0) r.concurrency_key = "key";
            if (draw(2) == 0) r.consumables["licence"] = 1 + draw(3);
            if (draw(2) == 0) r.consumables["disk"] = 1;
            h.take(r, release(r));
            runs[id] = r;
        }
        if (step == 1500) h.set_stocks({{"disk", 7}});
        if (step == 2000) h.set_stocks({{"licence", 4}});
        Held all, group, user;
        std::int64_t key = 0, licences = 0;
        for (const auto& [job, r] : runs) {
            const auto add = [&](Held& to) {
                ++to.jobs, to.cores += r.resources.cpu_cores, to.gpu_milli += r.resources.gpu_milli;
            };
            add(all);
            if (r.group == 1) add(group);
            if (r.user == 2) add(user);
            if (!r.concurrency_key.empty()) ++key;
            if (const auto it = r.consumables.find("licence"); it != r.consumables.end()) licences += it->second;
        }
        ASSERT_EQ(h.of_cluster(), all);
        ASSERT_EQ(h.of_group(1), group);
        ASSERT_EQ(h.of_user(2), user);
        ASSERT_EQ(h.jobs_of_key("key"), key);
        const bool counted = step < 1500 || step >= 2000;
        ASSERT_EQ(h.find_stock("licence") != nullptr, counted);
        if (counted) {
            ASSERT_EQ(h.find_stock("licence")->taken, licences);
        }
    }
    for (const auto& [id, r] : runs) h.give_back(r, release(r));
    EXPECT_EQ(h.of_cluster(), Held{});
    EXPECT_EQ(h.find_stock("licence")->taken, 0);
    EXPECT_TRUE(h.find_stock("licence")->releases.empty());
}

TEST(Holdings, keys_without_a_limit_have_none_and_what_is_not_set_again_is_gone) {
    Holdings h;
    h.set_key_limits({{"a", 0}, {"b", 2}});
    EXPECT_EQ(h.key_limit("a"), 0);
    EXPECT_EQ(h.key_limit("c"), std::nullopt);
    h.set_key_limits({{"c", 1}});
    EXPECT_EQ(h.key_limit("a"), std::nullopt);
    EXPECT_EQ(h.key_limit("c"), 1);
}

} // namespace
