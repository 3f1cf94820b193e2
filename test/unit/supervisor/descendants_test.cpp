#include "supervisor/descendants.hpp"

#include "run.hpp"

#include <algorithm>

namespace rcq::supervisor {
namespace {

std::vector<pid_t> pids(const std::vector<rundir::ProcessStat>& processes) {
    std::vector<pid_t> list;
    for (const rundir::ProcessStat& process : processes) list.push_back(process.pid);
    std::sort(list.begin(), list.end());
    return list;
}

// Both ways to find them, as only one of them is in use on a kernel.
TEST(Descendants, are_found_in_all_generations) {
    TestRun run("sleep 97 & (setsid sh -c 'sleep 97 & echo > ready; wait' &); wait");
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/ready"); }));
    ASSERT_TRUE(wait_until([&] { return list_descendants().size() == 5; })) << list_descendants().size();
    EXPECT_EQ(pids(search_descendants()), pids(list_descendants()));
    for (const rundir::ProcessStat& process : search_descendants()) EXPECT_NE(process.pid, getpid());
    run.signal(SIGINT);
    run.wait();
    EXPECT_TRUE(search_descendants().empty());
    EXPECT_TRUE(list_descendants().empty());
}

} // namespace
} // namespace rcq::supervisor
