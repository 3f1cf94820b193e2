#include "executor/process_table.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

namespace rcq::executor {
namespace {

constexpr pid_t executor = 100;

ProcessInfo process(pid_t pid, pid_t parent, pid_t session, char state = 'S') {
    return {pid, parent, session, state, static_cast<std::uint64_t>(pid) * 10, 0};
}

std::vector<pid_t> pids(const Ownership::Result& result, std::int64_t token) {
    std::vector<pid_t> list;
    if (auto members = result.members.find(token); members != result.members.end()) {
        for (const ProcessInfo* member : members->second) list.push_back(member->pid);
    }
    std::sort(list.begin(), list.end());
    return list;
}

TEST(ProcessTable, reads_a_stat_line_with_a_hostile_name) {
    auto info = parse_stat("42 (a) b) c (d) S 7 42 41 0 -1 4194304 100 0 0 0 11 22 3 4 20 0 1 0 98765 1000 200 1844\n");
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->pid, 42);
    EXPECT_EQ(info->parent, 7);
    EXPECT_EQ(info->session, 41);
    EXPECT_EQ(info->state, 'S');
    EXPECT_EQ(info->cpu_ticks, 40U);
    EXPECT_EQ(info->start_ticks, 98765U);
}

TEST(ProcessTable, refuses_what_is_no_stat_line) {
    for (const char* text : {"", "42", "42 (x", "42 (x)", "42 (x) S 1 2 3",
                             "x (y) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"}) {
        EXPECT_FALSE(parse_stat(text).has_value()) << text;
    }
}

TEST(ProcessTable, finds_this_very_process) {
    auto self = read_process(getpid());
    ASSERT_TRUE(self.has_value());
    EXPECT_EQ(self->parent, getppid());
    EXPECT_GT(private_memory_kib(getpid()), 0);
    auto all = list_processes();
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const ProcessInfo& info) { return info.pid == getpid(); }));
}

TEST(Ownership, session_and_descendants_belong_to_the_run) {
    Ownership ownership(executor);
    std::vector<ProcessInfo> list = {
        process(1, 0, 1),       process(executor, 1, 50), process(200, executor, 200), process(201, 200, 200),
        process(202, 201, 202), process(203, 202, 202),   process(300, executor, 300), process(301, 300, 300, 'Z'),
        process(400, 1, 400)};
    auto result = ownership.assign(list, {{200, "/r/a", 7}, {300, "/r/b", 8}}, [](pid_t) { return ""; });
    EXPECT_EQ(pids(result, 7), (std::vector<pid_t>{200, 201, 202, 203}));
    EXPECT_EQ(pids(result, 8), (std::vector<pid_t>{300})); // zombies are nobody's business
    EXPECT_TRUE(result.left_behind.empty());
    EXPECT_TRUE(result.unknown.empty());
}

TEST(Ownership, an_orphan_seen_before_stays_with_its_run) {
    Ownership ownership(executor);
    std::vector<Ownership::Run> runs = {{200, "/r/a", 7}};
    auto nothing = [](pid_t) { return ""; };
    std::vector<ProcessInfo> before = {process(200, executor, 200), process(202, 200, 202)};
    EXPECT_EQ(pids(ownership.assign(before, runs, nothing), 7), (std::vector<pid_t>{200, 202}));
    std::vector<ProcessInfo> after = {process(200, executor, 200), process(202, executor, 202)};
    EXPECT_EQ(pids(ownership.assign(after, runs, nothing), 7), (std::vector<pid_t>{200, 202}));
    auto ended = ownership.assign(after, {}, nothing);
    EXPECT_TRUE(std::find(ended.left_behind.begin(), ended.left_behind.end(), 202) != ended.left_behind.end());
}

TEST(Ownership, a_reused_pid_is_not_mistaken) {
    Ownership ownership(executor);
    std::vector<Ownership::Run> runs = {{200, "/r/a", 7}};
    auto nothing = [](pid_t) { return ""; };
    std::vector<ProcessInfo> before = {process(200, executor, 200), process(202, 200, 202)};
    (void)ownership.assign(before, runs, nothing);
    ProcessInfo reused = process(202, executor, 202);
    reused.start_ticks += 5;
    std::vector<ProcessInfo> after = {process(200, executor, 200), reused};
    auto result = ownership.assign(after, runs, nothing);
    EXPECT_EQ(pids(result, 7), (std::vector<pid_t>{200}));
    EXPECT_EQ(result.unknown, (std::vector<pid_t>{202}));
}

TEST(Ownership, an_unseen_orphan_is_known_by_its_environment) {
    Ownership ownership(executor);
    std::map<pid_t, std::string> dirs = {{202, "/r/a"}, {203, "/r/gone"}, {204, ""}};
    std::vector<ProcessInfo> list = {process(200, executor, 200), process(202, executor, 202),
                                     process(203, executor, 203), process(204, executor, 204), process(205, 203, 203)};
    auto result = ownership.assign(list, {{200, "/r/a", 7}}, [&dirs](pid_t pid) { return dirs[pid]; });
    EXPECT_EQ(pids(result, 7), (std::vector<pid_t>{200, 202}));
    EXPECT_EQ(result.left_behind, (std::vector<pid_t>{203}));
    EXPECT_EQ(result.unknown, (std::vector<pid_t>{204}));
}

} // namespace
} // namespace rcq::executor
