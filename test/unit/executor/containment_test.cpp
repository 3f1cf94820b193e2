#include "executor/accounts.hpp"
#include "executor/cgroup_tree.hpp"
#include "executor/cpu_grants.hpp"
#include "executor/host_fault.hpp"
#include "executor/leftover_processes.hpp"
#include "no_descriptors.hpp"

#include <algorithm>
#include <climits>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <pwd.h>
#include <set>
#include <string>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace rcq::executor {
namespace {

namespace fs = std::filesystem;
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
    const CgroupTree off("off", "1");
    EXPECT_FALSE(off.usable());
    EXPECT_EQ(off.make(7, {}), "");
    EXPECT_THAT(off.describe(), HasSubstr("memory=watched"));
}

TEST(CgroupTree, a_given_path_that_is_no_cgroup_is_refused) {
    EXPECT_THROW((void)CgroupTree("/no/such/cgroup", "1"), CgroupError);
}

// A cgroup for one test, in which this process is meanwhile.
class BaseCgroup {
public:
    BaseCgroup() : own_(own_cgroup(content("/proc/self/cgroup"), content("/proc/self/mountinfo"))) {
        path_ = own_ + "/rcq-test-" + std::to_string(getpid());
        std::error_code error;
        usable_ = !own_.empty() && fs::create_directory(path_, error);
        if (usable_) std::ofstream(path_ + "/cgroup.procs") << getpid();
    }
    ~BaseCgroup() {
        if (!usable_) return;
        std::ofstream(own_ + "/cgroup.procs") << getpid();
        (void)kill_and_remove_cgroup(path_);
    }
    BaseCgroup(const BaseCgroup&) = delete;
    BaseCgroup& operator=(const BaseCgroup&) = delete;
    [[nodiscard]] bool usable() const { return usable_; }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    static std::string content(const char* path) {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::string own_;
    std::string path_;
    bool usable_ = false;
};

// A process in a cgroup.
class Guest {
public:
    explicit Guest(const std::string& cgroup) : pid_(fork()) {
        if (pid_ == 0) {
            for (;;) pause();
        }
        std::ofstream(cgroup + "/cgroup.procs") << pid_;
    }
    ~Guest() {
        kill(pid_, SIGKILL);
        if (!ended_) waitpid(pid_, nullptr, 0);
    }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;
    // Waits for it.
    bool ended() { return ended_ = waitpid(pid_, nullptr, 0) == pid_; }
    [[nodiscard]] bool lives() const { return waitpid(pid_, nullptr, WNOHANG) == 0; }

private:
    pid_t pid_;
    bool ended_ = false;
};

TEST(CgroupTree, executors_in_one_cgroup_leave_each_other_s_runs_alone) {
    const BaseCgroup base;
    if (!base.usable()) GTEST_SKIP() << "no cgroup can be made here";
    const CgroupTree first("auto", "1.2");
    const CgroupTree second("auto", "1.23");
    const std::string run = first.make(7, {});
    const Guest guest(run);
    auto nobody = [](std::int64_t) { return false; };
    EXPECT_THAT(second.others(nobody), testing::IsEmpty());
    EXPECT_THAT(first.others(nobody), testing::ElementsAre(run));
    EXPECT_THAT(first.others([](std::int64_t token) { return token == 7; }), testing::IsEmpty());
    EXPECT_NE(second.make(7, {}), run) << "the same token, of another server";
    EXPECT_TRUE(guest.lives());
}

TEST(CgroupTree, a_cgroup_is_removed_with_those_that_the_job_made_in_it) {
    const BaseCgroup base;
    if (!base.usable()) GTEST_SKIP() << "no cgroup can be made here";
    const std::string run = base.path() + "/run";
    fs::create_directories(run + "/a/b");
    fs::create_directory(run + "/c");
    Guest guest(run + "/a/b");
    (void)kill_and_remove_cgroup(run);
    EXPECT_TRUE(guest.ended());
    EXPECT_TRUE(kill_and_remove_cgroup(run));
    EXPECT_FALSE(fs::exists(run));
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

TEST(Accounts, a_fault_of_the_host_is_not_kept_as_an_answer) {
    int asked = 0;
    Accounts accounts({"alice"}, "", [&asked](const std::string& name) {
        if (++asked == 1) throw HostFault("cannot look up", false);
        Account account;
        account.name = name;
        account.uid = account.gid = 1234;
        return account;
    });
    EXPECT_THROW((void)accounts.resolve("alice"), HostFault);
    EXPECT_EQ(accounts.resolve("alice").uid, 1234U);
    EXPECT_EQ(accounts.resolve("alice").uid, 1234U);
    EXPECT_EQ(asked, 2);
}

TEST(Accounts, that_a_user_does_not_exist_is_known_for_a_while) {
    int asked = 0;
    Accounts accounts({}, "", [&asked](const std::string&) -> Account {
        ++asked;
        throw AccountError("does not exist");
    });
    EXPECT_THROW((void)accounts.resolve("alice"), AccountError);
    EXPECT_THROW((void)accounts.resolve("alice"), AccountError);
    EXPECT_EQ(asked, 1);
}

rundir::ProcessStat process(pid_t pid, pid_t parent, pid_t session, char state = 'S') {
    rundir::ProcessStat stat;
    stat.pid = pid;
    stat.parent = parent;
    stat.session = session;
    stat.state = state;
    return stat;
}

// A host as the test makes it.
class FakeHost : public ProcessSnapshot {
public:
    explicit FakeHost(std::vector<rundir::ProcessStat> processes) : ProcessSnapshot(std::move(processes)) {}

    [[nodiscard]] std::optional<uid_t> user_of(pid_t pid) const override { return value(users, pid); }
    [[nodiscard]] std::string name_of(pid_t pid) const override { return value(names, pid).value_or("sh"); }
    [[nodiscard]] std::string directory_of(pid_t pid) const override { return value(directories, pid).value_or(""); }

    std::map<pid_t, std::string> run_dirs;
    std::map<pid_t, uid_t> users;
    std::map<pid_t, std::string> names;
    std::map<pid_t, std::string> directories;
    std::set<pid_t> hidden;

protected:
    [[nodiscard]] std::optional<std::string> read_run_dir(pid_t pid) const override {
        if (hidden.contains(pid)) return std::nullopt;
        return value(run_dirs, pid).value_or("");
    }

private:
    template <class Map> static std::optional<typename Map::mapped_type> value(const Map& map, pid_t pid) {
        auto found = map.find(pid);
        return found == map.end() ? std::nullopt : std::optional(found->second);
    }
};

TEST(Leftovers, are_found_by_environment_session_and_parents) {
    FakeHost host({process(1, 0, 1),
                   process(13, 12, 12), // a child, in a session of its parent, with another environment
                   process(10, 1, 10), process(11, 1, 10), // in the session
                   process(12, 11, 12), process(20, 1, 20), process(99, 1, 99), process(14, 10, 10, 'Z')});
    host.run_dirs = {{10, "/runs/7/job"}, {20, "/runs/8/job"}, {99, "/runs/7/job2"}};
    EXPECT_THAT(leftovers_of(host, {"/runs/7/job", 5}).processes, UnorderedElementsAre(10, 11, 12, 13));
    EXPECT_THAT(leftovers_of(host, {"/runs/8/job", 5}).processes, UnorderedElementsAre(20));
    EXPECT_THAT(leftovers_of(host, {"/runs/9/job", 5}).processes, UnorderedElementsAre());
    EXPECT_THAT(leftovers_of(host, {"/runs/9/job", 5, 99}).processes, UnorderedElementsAre(99)) << "a known session";
    EXPECT_TRUE(leftovers_of(host, {"/runs/7/job", 5}).certain);
}

TEST(Leftovers, a_process_of_the_user_that_cannot_be_looked_into_leaves_it_uncertain) {
    FakeHost host({process(10, 1, 10)});
    host.hidden = {10};
    host.users = {{10, 5}};
    EXPECT_FALSE(leftovers_of(host, {"/runs/7/job", 5}).certain);
    EXPECT_TRUE(leftovers_of(host, {"/runs/7/job", 6}).certain) << "somebody else's";
    EXPECT_TRUE(leftovers_of(host, {"/runs/7/job", 5, 0, 1}).certain) << "older than the run";
    host.names = {{10, "rcq-supervisor"}};
    EXPECT_TRUE(leftovers_of(host, {"/runs/7/job", 5}).certain) << "one of ours";
    host.names.clear();
    host.users.clear();
    EXPECT_FALSE(leftovers_of(host, {"/runs/7/job", 5}).certain) << "nobody knows whose";
}

TEST(Supervisor, is_found_by_its_directory_or_its_children) {
    FakeHost host({process(30, 1, 30), process(31, 30, 31), process(32, 31, 31), process(40, 1, 40)});
    host.names = {{30, "rcq-supervisor"}, {40, "rcq-supervisor"}};
    host.run_dirs = {{32, "/runs/7/job"}};
    host.directories = {{40, "/runs/8"}};
    EXPECT_EQ(supervisor_of(host, "/runs/7"), 30);
    EXPECT_EQ(supervisor_of(host, "/runs/8"), 40);
    EXPECT_EQ(supervisor_of(host, "/runs/9"), 0);
}

TEST(Snapshot, knows_this_process) {
    ProcessSnapshot snapshot;
    const auto& all = snapshot.processes();
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const auto& one) { return one.pid == getpid(); }));
    EXPECT_EQ(snapshot.user_of(getpid()), geteuid());
    EXPECT_EQ(snapshot.name_of(getpid()), "executor_test");
    EXPECT_EQ(snapshot.directory_of(getpid()), std::filesystem::current_path());
    EXPECT_EQ(snapshot.run_dir_of(getpid()), "");
    EXPECT_EQ(snapshot.run_dir_of(INT_MAX), "") << "gone";
}

TEST(SnapshotWithoutDescriptors, a_host_that_cannot_be_looked_at_is_not_an_empty_one) {
    const NoDescriptors none;
    EXPECT_THROW(ProcessSnapshot(), std::system_error);
}

} // namespace
} // namespace rcq::executor
