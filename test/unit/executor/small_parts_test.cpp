// Backoff, GPU grants, token memory, capacity, job environment, paths.
#include "executor/backoff.hpp"
#include "executor/capacity.hpp"
#include "executor/gpu_grants.hpp"
#include "executor/job_environment.hpp"
#include "executor/logging.hpp"
#include "executor/random.hpp"
#include "executor/token_memory.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

namespace rcq::executor {
namespace {

TEST(Backoff, doubles_up_to_its_limit_and_starts_again_after_a_reset) {
    Backoff backoff(100, 5000);
    for (std::uint64_t expected : {100, 200, 400, 800, 1600, 3200, 5000, 5000})
        EXPECT_NEAR(backoff.next(0.999999), expected, 1);
    backoff.reset();
    EXPECT_EQ(backoff.next(0), 50U);
    EXPECT_EQ(backoff.next(0.5), 150U);
}

TEST(Backoff, never_waits_longer_than_a_limit_that_is_set_later) {
    Backoff backoff(100, 5000);
    for (int i = 0; i < 5; i++) (void)backoff.next(0);
    backoff.set_limit(750);
    EXPECT_NEAR(backoff.next(0.999999), 750, 1);
    backoff.set_limit(10); // below the first wait: that is kept
    EXPECT_NEAR(backoff.next(0.999999), 100, 1);
}

TEST(GpuGrants, never_grants_an_index_twice) {
    GpuGrants gpus(4);
    auto first = gpus.take(2);
    auto second = gpus.take(1);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(gpu_list(*first), "0,1");
    EXPECT_EQ(gpu_list(*second), "2");
    EXPECT_FALSE(gpus.take(2).has_value());
    gpus.give_back(*first);
    auto third = gpus.take(3);
    ASSERT_TRUE(third.has_value());
    EXPECT_EQ(gpu_list(*third), "0,1,3");
    EXPECT_EQ(gpus.free_count(), 0);
}

TEST(GpuGrants, none_wanted_is_always_granted) {
    GpuGrants gpus(0);
    auto none = gpus.take(0);
    ASSERT_TRUE(none.has_value());
    EXPECT_EQ(gpu_list(*none), "");
    EXPECT_FALSE(gpus.take(1).has_value());
}

TEST(TokenMemory, forgets_the_oldest_first) {
    TokenMemory memory(3);
    for (std::int64_t token : {1, 2, 3, 2, 2}) memory.remember(token);
    EXPECT_EQ(memory.size(), 3U);
    memory.remember(4);
    EXPECT_FALSE(memory.knows(1));
    EXPECT_TRUE(memory.knows(2));
    EXPECT_TRUE(memory.knows(4));
    EXPECT_EQ(memory.size(), 3U);
}

TEST(Random, an_incarnation_is_positive_and_new_each_time) {
    std::set<std::int64_t> seen;
    for (int i = 0; i < 1000; ++i) {
        std::int64_t number = random_positive();
        EXPECT_GT(number, 0);
        seen.insert(number);
        double unit = random_unit();
        EXPECT_TRUE(unit >= 0 && unit < 1);
    }
    EXPECT_EQ(seen.size(), 1000U);
}

TEST(Capacity, reads_meminfo_and_keeps_a_reserve) {
    EXPECT_EQ(parse_meminfo_total_mib("MemTotal:       16384000 kB\nMemFree: 1 kB\n"), 16000);
    EXPECT_EQ(parse_meminfo_total_mib("nothing here"), 0);
    EXPECT_EQ(parse_meminfo_total_mib("MemTotal:\nMemFree: 5 kB\n"), 0);
    EXPECT_EQ(memory_after_reserve(4096), 3584);
    EXPECT_EQ(memory_after_reserve(20480), 19456);
    EXPECT_EQ(memory_after_reserve(1 << 20), (1 << 20) - 4096);
    EXPECT_EQ(memory_after_reserve(100), 64);
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

TEST(JobEnvironment, no_credentials_and_nothing_unknown_reaches_a_job) {
    const char* own[] = {"PGPASSWORD=secret",  "PGHOST=db",        "HOME=/home/x",
                         "LC_ALL=C",           "LANG=de_DE.UTF-8", "RCQ_EXECUTOR_DSN=password=x",
                         "LD_PRELOAD=evil.so", "PATH=/odd",        nullptr};
    EXPECT_EQ(inherited_environment(own), (std::vector<std::string>{"HOME=/home/x", "LC_ALL=C", "LANG=de_DE.UTF-8"}));
}

TEST(JobEnvironment, home_and_language_are_always_there) {
    const char* own[] = {nullptr};
    auto kept = inherited_environment(own);
    EXPECT_TRUE(contains(kept, "LANG=C.UTF-8"));
    EXPECT_TRUE(std::any_of(kept.begin(), kept.end(), [](const std::string& v) { return v.starts_with("HOME=/"); }));
}

TEST(JobEnvironment, the_job_has_the_last_word) {
    JobSpec spec;
    spec.cpu_cores = 4;
    spec.memory_mib = 2048;
    spec.env = {{"OMP_NUM_THREADS", "1"}, {"MINE", "a=b"}, {"HOME", "/elsewhere"}};
    auto list = job_environment({41, &spec, nullptr, "/runs/1", "/runs/1/out", {1, 3}, {}, "", "", ""},
                                {"HOME=/home/x", "LANG=C"});
    EXPECT_TRUE(contains(list, "RCQ_JOB_ID=41"));
    EXPECT_TRUE(contains(list, "RCQ_MEMORY_MIB=2048"));
    EXPECT_TRUE(contains(list, "CUDA_VISIBLE_DEVICES=1,3"));
    EXPECT_TRUE(contains(list, "ROCR_VISIBLE_DEVICES=1,3"));
    EXPECT_TRUE(contains(list, "TMPDIR=/runs/1"));
    EXPECT_TRUE(contains(list, "OMP_NUM_THREADS=1"));
    EXPECT_FALSE(contains(list, "OMP_NUM_THREADS=4"));
    EXPECT_TRUE(contains(list, "MINE=a=b"));
    EXPECT_TRUE(contains(list, "HOME=/elsewhere"));
    EXPECT_FALSE(contains(list, "HOME=/home/x"));
}

TEST(JobEnvironment, a_typed_task_learns_its_type_its_payload_and_its_place) {
    JobSpec spec;
    JobEnvironmentInput input{41,        &spec, nullptr,           "/runs/1",        "/runs/1/out",
                              {},        {},    "/runs/1/payload", "/runs/1/result", "/runs/1/progress",
                              "/opt/rcq"};
    auto plain = job_environment(input, {});
    EXPECT_TRUE(contains(plain, "RCQ_RESULT=/runs/1/result"));
    EXPECT_TRUE(contains(plain, "RCQ_PROGRESS=/runs/1/progress"));
    EXPECT_TRUE(contains(plain, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/opt/rcq"));
    EXPECT_FALSE(std::any_of(plain.begin(), plain.end(), [](const std::string& v) {
        return v.starts_with("RCQ_PAYLOAD") || v.starts_with("RCQ_JOB_TYPE") || v.starts_with("RCQ_ARRAY");
    }));
    spec.type = "add_numbers";
    spec.payload = "{}";
    spec.array_id = 40;
    spec.array_index = 7;
    spec.array_size = 100;
    auto typed = job_environment(input, {});
    EXPECT_TRUE(contains(typed, "RCQ_JOB_TYPE=add_numbers"));
    EXPECT_TRUE(contains(typed, "RCQ_PAYLOAD=/runs/1/payload"));
    EXPECT_TRUE(contains(typed, "RCQ_ARRAY_ID=40"));
    EXPECT_TRUE(contains(typed, "RCQ_ARRAY_INDEX=7"));
    EXPECT_TRUE(contains(typed, "RCQ_ARRAY_SIZE=100"));
}

TEST(Logging, values_stay_on_one_line) {
    EXPECT_EQ(quoted("plain-word:1"), "plain-word:1");
    EXPECT_EQ(quoted(""), "\"\"");
    EXPECT_EQ(quoted("two words"), "\"two words\"");
    EXPECT_EQ(quoted("a\nb\"c\\"), "\"a\\nb\\\"c\\\\\"");
}

} // namespace
} // namespace rcq::executor
