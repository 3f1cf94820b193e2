#include "executor/accounts.hpp"
#include "executor/cgroup_tree.hpp"
#include "executor/cpu_grants.hpp"
#include "executor/leftover_processes.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <pwd.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace rcq::executor {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

TEST(CpuGrants, cores_side_by_side_are_granted_before_scattered_ones) {
    CpuGrants cpus({0, 1, 2, 3, 8, 9}, 6);
    const auto first = cpus.take(1);
    EXPECT_EQ(first, (std::vector<int>{0}));
    EXPECT_EQ(cpus.take(3), (std::vector<int>{1, 2, 3}));
    cpus.give_back(first);
    EXPECT_EQ(cpus.take(2), (std::vector<int>{8, 9}));
    EXPECT_TRUE(cpus.take(2).empty()) << "one is free";
    EXPECT_EQ(cpus.take(1), (std::vector<int>{0}));
}

TEST(CpuGrants, scattered_cores_are_better_than_none) {
    CpuGrants cpus({0, 2, 4}, 3);
    EXPECT_EQ(cpus.take(2), (std::vector<int>{0, 2}));
}

TEST(CpuGrants, nobody_is_bound_when_more_is_declared_than_there_is) {
    CpuGrants cpus({0, 1}, 64);
    EXPECT_TRUE(cpus.take(1).empty());
    EXPECT_TRUE(cpus.hold({0}).empty());
    EXPECT_EQ(cpus.free_count(), 0U);
}

TEST(CpuGrants, what_was_granted_before_is_held_and_given_back) {
    CpuGrants cpus({0, 1}, 2);
    const auto held = cpus.hold({1, 7});
    EXPECT_EQ(held, (std::vector<int>{1}));
    EXPECT_EQ(cpus.take(1), (std::vector<int>{0}));
    EXPECT_TRUE(cpus.take(1).empty());
    cpus.give_back(held);
    EXPECT_EQ(cpus.take(1), (std::vector<int>{1}));
}

TEST(CpuGrants, own_cores_are_those_of_this_process) { EXPECT_FALSE(own_cores().empty()); }

TEST(CgroupTree, finds_its_own_cgroup_wherever_version_2_is_mounted) {
    const char* hybrid = "25 24 0:21 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"
                         "26 25 0:22 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n";
    EXPECT_EQ(own_cgroup("5:memory:/x\n0::/system.slice/rcq.service\n", hybrid),
              "/sys/fs/cgroup/unified/system.slice/rcq.service");
    EXPECT_EQ(own_cgroup("0::/\n", hybrid), "/sys/fs/cgroup/unified");
    const char* part = "30 20 0:22 /docker/abc /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n";
    EXPECT_EQ(own_cgroup("0::/docker/abc/rcq\n", part), "/sys/fs/cgroup/rcq");
    EXPECT_EQ(own_cgroup("0::/docker/abc\n", part), "/sys/fs/cgroup");
    EXPECT_EQ(own_cgroup("0::/docker/abcd\n", part), "");
    EXPECT_EQ(own_cgroup("0::/a b\n", "30 20 0:22 / /my\\040mount rw - cgroup2 cgroup rw\n"), "/my mount/a b");
    EXPECT_EQ(own_cgroup("5:memory:/x\n", hybrid), "");
    EXPECT_EQ(own_cgroup("0::/x\n", "25 24 0:21 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"), "");
}

TEST(CgroupTree, without_cgroups_runs_get_none) {
    const CgroupTree off("off");
    EXPECT_FALSE(off.usable());
    EXPECT_EQ(off.make(7, {}), "");
    EXPECT_THAT(off.describe(), HasSubstr("memory=watched"));
}

TEST(CgroupTree, a_given_path_that_is_no_cgroup_is_refused) {
    EXPECT_THROW((void)CgroupTree("/no/such/cgroup"), CgroupError);
}

std::string fault_of(Accounts& accounts, const std::string& user) {
    try {
        (void)accounts.resolve(user);
    } catch (const AccountError& error) {
        return error.what();
    }
    return {};
}

TEST(Accounts, only_allowed_users_and_never_the_superuser) {
    Accounts accounts({"nobody", "root", "@daemon"}, "");
    EXPECT_EQ(accounts.resolve("nobody").uid, getpwnam("nobody")->pw_uid);
    EXPECT_EQ(accounts.resolve("daemon").name, "daemon") << "a member of an allowed group";
    EXPECT_THAT(fault_of(accounts, "root"), HasSubstr("superuser"));
    EXPECT_THAT(fault_of(accounts, "bin"), HasSubstr("not allowed"));
    EXPECT_THAT(fault_of(accounts, "no-such-user"), HasSubstr("does not exist"));
    EXPECT_THAT(fault_of(accounts, ""), HasSubstr("unix_user"));
}

TEST(Accounts, people_without_a_user_run_as_the_fallback) {
    Accounts accounts({"nobody"}, "nobody");
    EXPECT_EQ(accounts.resolve("").name, "nobody");
    Accounts not_allowed({"daemon"}, "nobody");
    EXPECT_THAT(fault_of(not_allowed, ""), HasSubstr("not allowed"));
}

rundir::ProcessStat process(pid_t pid, pid_t parent, pid_t session, char state = 'S') {
    rundir::ProcessStat stat;
    stat.pid = pid;
    stat.parent = parent;
    stat.session = session;
    stat.state = state;
    return stat;
}

TEST(Leftovers, are_found_by_environment_session_and_parents) {
    const std::map<pid_t, std::string> named{{10, "/runs/7/job"}, {20, "/runs/8/job"}, {99, "/runs/7/job2"}};
    auto run_dir = [&named](pid_t pid) {
        auto found = named.find(pid);
        return found == named.end() ? std::string() : found->second;
    };
    const std::vector<rundir::ProcessStat> all{
        process(1, 0, 1),    process(13, 12, 12), // a child, in a session of its parent, with another environment
        process(10, 1, 10),  process(11, 1, 10),  // in the session
        process(12, 11, 12), process(20, 1, 20),  process(99, 1, 99), process(14, 10, 10, 'Z')};
    EXPECT_THAT(processes_of_run(all, "/runs/7/job", 0, run_dir), UnorderedElementsAre(10, 11, 12, 13));
    EXPECT_THAT(processes_of_run(all, "/runs/8/job", 0, run_dir), UnorderedElementsAre(20));
    EXPECT_THAT(processes_of_run(all, "/runs/9/job", 0, run_dir), UnorderedElementsAre());
    EXPECT_THAT(processes_of_run(all, "/runs/9/job", 99, run_dir), UnorderedElementsAre(99)) << "a known session";
}

TEST(Leftovers, the_environment_of_a_process_is_read) {
    const auto all = list_processes();
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const auto& one) { return one.pid == getpid(); }));
    EXPECT_EQ(run_dir_of_process(-1), "");
}

} // namespace
} // namespace rcq::executor
