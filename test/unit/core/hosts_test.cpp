#include "core/hosts.hpp"
#include <gtest/gtest.h>

using namespace rcq::core;
namespace core = rcq::core;

namespace {

Executor executor(ExecutorId id, Resources capacity) {
    Executor e;
    e.id = id;
    e.capacity = capacity;
    return e;
}

core::Run run(JobId id, ExecutorId executor_id, Resources resources, std::int32_t gpu_slot = GpuRoom::no_slot) {
    core::Run r;
    r.job = id;
    r.executor = executor_id;
    r.resources = resources;
    r.gpu_slot = gpu_slot;
    return r;
}
HostReleases::value_type release(const core::Run& r) { return {5, r.job, r.resources, 0, {}}; }

class HostsTest : public testing::Test {
protected:
    void take(const core::Run& r) { hosts.take(r, release(r)); }
    void give_back(const core::Run& r) { hosts.give_back(r, release(r)); }
    const GpuRoom& gpus() { return hosts.find(1)->gpus; }
    Hosts hosts;
};

TEST_F(HostsTest, a_host_is_known_by_its_executor_or_by_its_runs) {
    const core::Run r = run(1, 1, {1, 1, 0});
    EXPECT_EQ(hosts.find(1), nullptr);
    take(r);
    EXPECT_FALSE(hosts.find(1)->executor);
    EXPECT_TRUE(hosts.executors().empty());
    EXPECT_TRUE(hosts.put(executor(1, {4, 4, 0})));
    EXPECT_FALSE(hosts.put(executor(1, {4, 4, 0})));
    EXPECT_EQ(hosts.find(1)->free(), (Resources{3, 3, 0}));
    ASSERT_EQ(hosts.holes().all().size(), 1U);
    EXPECT_EQ(hosts.holes().all()[0].free, (Resources{3, 3, 0}));
    EXPECT_TRUE(hosts.drop(1));
    EXPECT_FALSE(hosts.drop(1));
    EXPECT_TRUE(hosts.holes().all().empty());
    give_back(r);
    EXPECT_EQ(hosts.find(1), nullptr);
}

TEST_F(HostsTest, the_version_changes_with_executors_and_not_with_runs) {
    const auto before = hosts.version();
    hosts.put(executor(1, {4, 4, 0}));
    const auto with = hosts.version();
    EXPECT_NE(with, before);
    take(run(1, 1, {1, 1, 0}));
    hosts.put(executor(1, {4, 4, 0}));
    EXPECT_EQ(hosts.version(), with);
    Executor e = executor(1, {4, 4, 0});
    e.consumables["disk"] = 1;
    hosts.put(e);
    EXPECT_NE(hosts.version(), with);
}

TEST_F(HostsTest, consumables_left_are_those_of_the_executor_less_what_runs_hold) {
    Executor e = executor(1, {4, 4, 0});
    e.consumables["disk"] = 3;
    hosts.put(e);
    core::Run r = run(1, 1, {1, 1, 0});
    r.consumables = {{"disk", 2}, {"licence", 1}};
    take(r);
    EXPECT_EQ(hosts.find(1)->consumable_left("disk"), 1);
    EXPECT_EQ(hosts.find(1)->consumable_left("licence"), -1);
    EXPECT_EQ(hosts.find(1)->consumable_left("other"), 0);
    give_back(r);
    EXPECT_EQ(hosts.find(1)->consumable_left("disk"), 3);
    EXPECT_TRUE(hosts.find(1)->consumables_taken.empty());
    EXPECT_TRUE(hosts.find(1)->releases.empty());
}

TEST_F(HostsTest, devices_are_known_whether_runs_or_their_executor_come_first) {
    const core::Run share = run(1, 1, {1, 1, 300}, 0), whole = run(2, 1, {1, 1, 1000});
    take(share);
    take(whole);
    hosts.put(executor(1, {8, 8, 4000}));
    const GpuRoom late = gpus();
    EXPECT_EQ(late.whole_free(), 2);
    EXPECT_EQ(late.room_at(0), 700);
    give_back(share);
    give_back(whole);
    EXPECT_EQ(gpus(), GpuRoom(4000));
    take(whole);
    take(share);
    EXPECT_EQ(gpus(), late);
}

TEST_F(HostsTest, an_executor_that_comes_back_with_other_gpus_keeps_its_shared_devices) {
    const core::Run share = run(1, 1, {1, 1, 300}, 0);
    hosts.put(executor(1, {8, 8, 1000}));
    take(share);
    hosts.put(executor(1, {8, 8, 4000}));
    EXPECT_EQ(gpus().whole_free(), 3);
    EXPECT_EQ(gpus().free_milli(), 3700);
    EXPECT_TRUE(gpus().fits(3000));
    hosts.put(executor(1, {8, 8, 1000}));
    EXPECT_FALSE(gpus().fits(1000));
    EXPECT_TRUE(gpus().fits(700));
}

TEST_F(HostsTest, devices_that_runs_overbook_are_all_there_again_when_the_runs_have_gone) {
    const core::Run share = run(1, 1, {1, 1, 500}, 0), two = run(2, 1, {1, 1, 2000});
    hosts.put(executor(1, {8, 8, 2000}));
    take(share);
    take(two); // was placed when the executor had more
    EXPECT_FALSE(gpus().fits(1000));
    give_back(two);
    EXPECT_EQ(gpus().whole_free(), 1);
    EXPECT_EQ(gpus().free_milli(), 1500);
    give_back(share);
    EXPECT_EQ(gpus(), GpuRoom(2000));
}

} // namespace
