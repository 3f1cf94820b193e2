#include "swf_text.hpp"

#include "sim/progress.hpp"
#include "sim/replay.hpp"
#include "sim/report.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace rcq::sim {
namespace {

using core::hour;
using core::Micros;
using core::second;
using testing::HasSubstr;

ReplayOptions greedy() {
    ReplayOptions options;
    options.policy = Policy::quota;
    options.backfill.kind = BackfillKind::none;
    return options;
}

TEST(Replay, jobs_end_before_others_start_at_the_same_time) {
    const Trace trace = trace_of("1 0 -1 10 4\n2 0 -1 10 4\n3 20 -1 10 4\n", 4);
    EXPECT_EQ(replay(trace, greedy()).starts, (std::vector<Micros>{0, 10 * second, 20 * second}));
}

TEST(Replay, ties_go_to_the_lower_number) {
    const Trace trace = trace_of("8 0 -1 10 4\n2 0 -1 10 4\n5 0 -1 10 4\n", 4);
    EXPECT_EQ(replay(trace, greedy()).starts, (std::vector<Micros>{0, 10 * second, 20 * second}));
    EXPECT_EQ(trace.jobs[0].number, 2);
}

TEST(Replay, fair_share_lets_the_user_go_first_who_used_less) {
    // User 1 fills the machine for 300 hours; then both have a job waiting, user 1's the older.
    const Trace trace = trace_of("1 0 -1 1080000 4 -1 -1 4 -1 -1 1 1\n2 1 -1 3600 4 -1 -1 4 -1 -1 1 1\n"
                                 "3 2 -1 3600 4 -1 -1 4 -1 -1 1 2\n",
                                 4);
    ReplayOptions options = greedy();
    options.guard = Guard::off;
    EXPECT_EQ(replay(trace, options).starts, (std::vector<Micros>{0, 301 * hour, 300 * hour}));
    options.guard = Guard::job;
    EXPECT_EQ(replay(trace, options).starts, (std::vector<Micros>{0, 300 * hour, 301 * hour}))
        << "both have waited longer than 72 h: oldest first";
}

TEST(Replay, reports_its_progress_and_its_cycles) {
    std::string text;
    for (int i = 0; i < 2000; ++i) text += std::to_string(i) + " " + std::to_string(i) + " -1 1 1\n";
    std::size_t last = 0;
    const Replay result = replay(trace_of(text, 4), greedy(), [&](std::size_t done, std::size_t all) {
        EXPECT_GT(done, last);
        EXPECT_EQ(all, 2000U);
        last = done;
    });
    EXPECT_GT(last, 1000U);
    EXPECT_EQ(result.cycles.count, 2000U);
    EXPECT_GT(result.cycles.mean_us, 0);
    EXPECT_LE(result.cycles.p99_us, result.cycles.max_us);
    EXPECT_GT(result.seconds, 0);
}

TEST(Report, json_has_every_figure_under_its_name) {
    const Trace trace = trace_of("1 0 -1 3600 4 -1 -1 4 -1 -1 1 1\n2 0 -1 3600 4 -1 -1 4 -1 -1 1 2\nx\n", 4);
    const ReplayOptions options = greedy();
    const Replay result = replay(trace, options);
    const auto json =
        nlohmann::json::parse(as_json({"a\xff.swf", trace, options, result, measure(trace, result.starts)}));
    EXPECT_EQ(json.at("jobs"), 2);
    EXPECT_EQ(json.at("users"), 2);
    EXPECT_DOUBLE_EQ(json.at("bsld_mean"), 1.5);
    EXPECT_DOUBLE_EQ(json.at("bsld_user_mean"), 1.5);
    EXPECT_DOUBLE_EQ(json.at("wait_mean_h"), 0.5);
    EXPECT_DOUBLE_EQ(json.at("wait_p95_h"), 1);
    EXPECT_DOUBLE_EQ(json.at("wait_max_h"), 1);
    EXPECT_DOUBLE_EQ(json.at("utilisation"), 1);
    EXPECT_DOUBLE_EQ(json.at("jain"), 0.9);
    EXPECT_DOUBLE_EQ(json.at("makespan_h"), 2);
    EXPECT_EQ(json.at("policy"), "quota");
    EXPECT_EQ(json.at("backfill"), "none");
    EXPECT_EQ(json.at("skipped").at("not_a_number"), 1);
    EXPECT_EQ(json.at("skipped_total"), 1);
    for (const char* key : {"seconds", "cycles", "cycle_mean_us", "cycle_p99_us", "cycle_max_us"})
        EXPECT_TRUE(json.at(key).is_number()) << key;
}

TEST(Report, the_table_is_aligned) {
    const Trace trace = trace_of("1 0 -1 3600 4\n", 4);
    const ReplayOptions options = greedy();
    const Replay result = replay(trace, options);
    const std::string table = as_table({"small.swf", trace, options, result, measure(trace, result.starts)});
    EXPECT_THAT(table, HasSubstr("\nbounded slowdown, jobs               1.0 mean over jobs\n"));
    EXPECT_THAT(table, HasSubstr("\nwait, mean                          0.00 h\n"));
}

TEST(Report, left_out_lines_are_one_line_and_none_is_nothing) {
    EXPECT_EQ(describe_skipped(trace_of("1 0 -1 1 1\n", 4)), "");
    EXPECT_EQ(describe_skipped(trace_of("1 5 -1 1 1\n2 0 -1 1 1\nx\n3 0 -1 0 1\n4 0 -1 0 1\n", 4)),
              "3 lines left out (not_a_number 1, no_run_time 2); 1 lines out of order, sorted");
}

TEST(Progress, the_line_tells_the_share_and_what_is_left) {
    EXPECT_EQ(progress_line("replaying", 0, 10, 0), "replaying [..............................] 0 %");
    EXPECT_EQ(progress_line("replaying", 5, 10, 7), "replaying [###############...............] 50 %, 7 s left");
    EXPECT_EQ(progress_line("replaying", 10, 10, 7), "replaying [##############################] 100 %, 0 s left");
}

} // namespace
} // namespace rcq::sim
