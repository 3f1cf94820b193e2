// Whole replays through the scheduling core, against the oracle and against published figures.
#include "oracle.hpp"
#include "swf_text.hpp"

#include "sim/figures.hpp"
#include "sim/generate.hpp"
#include "sim/line_reader.hpp"
#include "sim/replay.hpp"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>

namespace rcq::sim {
namespace {

using oracle::Gaps;
using oracle::Queue;

ReplayOptions fifo(BackfillKind backfill, BackfillOrder order = BackfillOrder::submit) {
    ReplayOptions options;
    options.policy = Policy::fifo;
    options.backfill.kind = backfill;
    options.order = order;
    return options;
}

ReplayOptions multifactor(double age_weight) {
    ReplayOptions options;
    options.policy = Policy::multifactor;
    options.age_weight = age_weight;
    return options;
}

ReplayOptions quota(Guard guard, double boost_per_hour = 0.01) {
    ReplayOptions options;
    options.policy = Policy::quota;
    options.guard = guard;
    options.boost_per_hour = boost_per_hour;
    return options;
}

// --- job by job

struct Rule {
    const char* name;
    ReplayOptions options;
    Gaps gaps;
};

// For messages; without it GoogleTest prints bytes.
void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

const std::vector<Rule> rules = {
    {"fcfs", fifo(BackfillKind::none), Gaps::none},
    {"easy", fifo(BackfillKind::easy), Gaps::easy},
    {"easy_shortest_first", fifo(BackfillKind::easy, BackfillOrder::shortest), Gaps::easy_shortest},
    {"conservative", fifo(BackfillKind::conservative), Gaps::conservative},
};

class FirstComeFirstServed : public testing::TestWithParam<Rule> {};

TEST_P(FirstComeFirstServed, starts_every_job_when_the_definition_says) {
    const std::vector<WorkloadModel> models = {
        {300, 4, 5, 1, 3.0},     {300, 8, 5, 2, 1.5},     {1500, 32, 20, 3, 1.0},
        {1500, 100, 20, 4, 0.9}, {1500, 256, 40, 5, 1.2}, {3000, 128, 40, 6, 0.8},
    };
    for (const WorkloadModel& model : models) {
        const Trace trace = trace_of(generate_swf(model));
        const auto expected = oracle::simulate(trace, {Queue::fcfs, GetParam().gaps});
        const auto starts = replay(trace, GetParam().options).starts;
        for (std::size_t i = 0; i < starts.size(); ++i)
            ASSERT_EQ(starts[i], expected[i]) << "seed " << model.seed << ", job " << trace.jobs[i].number;
    }
}

// One reservation is EASY, one for every job is conservative.
TEST(Depth, of_one_is_easy_and_of_all_is_conservative) {
    const Trace trace = trace_of(generate_swf({1000, 64, 20, 9, 1.0}));
    ReplayOptions depth = fifo(BackfillKind::depth);
    depth.backfill.depth = 1;
    EXPECT_EQ(replay(trace, depth).starts, oracle::simulate(trace, {Queue::fcfs, Gaps::easy}));
    depth.backfill.depth = 1'000'000;
    EXPECT_EQ(replay(trace, depth).starts, oracle::simulate(trace, {Queue::fcfs, Gaps::conservative}));
}

INSTANTIATE_TEST_SUITE_P(Replay, FirstComeFirstServed, testing::ValuesIn(rules),
                         [](const auto& rule) { return rule.param.name; });

// --- golden figures

struct Golden {
    std::string trace;
    std::string rule;
    ReplayOptions options;
    double tolerance; // relative; what a figure is rounded to comes on top
    double bsld_mean;
    double bsld_user_mean = 0; // 0: not known
    double wait_mean_h = 0;
    double wait_max_h = 0;
};

void PrintTo(const Golden& golden, std::ostream* out) { *out << golden.trace << ' ' << golden.rule; }

void expect_figures(const Trace& trace, const Golden& golden) {
    const Figures figures = measure(trace, replay(trace, golden.options).starts);
    const auto near = [&](double figure, double expected, double rounding, const char* name) {
        if (expected == 0) return;
        EXPECT_NEAR(figure, expected, expected * golden.tolerance + rounding) << name;
    };
    near(figures.bsld_mean, golden.bsld_mean, golden.bsld_mean < 1000 ? 0.05 : 0.5, "bsld_mean");
    near(figures.bsld_user_mean, golden.bsld_user_mean, golden.bsld_user_mean < 100 ? 0.05 : 0.5, "bsld_user_mean");
    near(figures.wait_mean_h, golden.wait_mean_h, golden.wait_mean_h < 10 ? 0.005 : 0.05, "wait_mean_h");
    near(figures.wait_max_h, golden.wait_max_h, 0.5, "wait_max_h");
}

class GoldenFigures : public testing::TestWithParam<Golden> {};

std::string golden_name(const testing::TestParamInfo<Golden>& info) { return info.param.trace + "_" + info.param.rule; }

// The fair-share rules are compared within 1 % (2 % on real traces): a tie decided otherwise moves many jobs.
const std::vector<Golden> generated = {
    {"generated", "fcfs", fifo(BackfillKind::none), 0, 1294.305, 1308.64, 31.038, 89.346},
    {"generated", "easy", fifo(BackfillKind::easy), 0, 89.893, 69.486, 3.258, 64.994},
    {"generated", "easy_shortest_first", fifo(BackfillKind::easy, BackfillOrder::shortest), 0, 37.421, 25.612, 2.423,
     78.333},
    {"generated", "conservative", fifo(BackfillKind::conservative), 0, 69.124, 56.025, 4.652, 53.887},
    {"generated", "multifactor_easy", multifactor(1), 0.01, 53.055, 26.281, 2.160, 130.561},
    {"generated", "multifactor_age_weight_2_easy", multifactor(2), 0.01, 44.330, 23.800, 2.205, 111.420},
    {"generated", "quota_easy", quota(Guard::off), 0.01, 43.613, 23.653, 2.222, 447.792},
    {"generated", "quota_guard_easy", quota(Guard::job), 0.01, 46.902, 25.115, 2.134, 96.788},
};

TEST_P(GoldenFigures, of_a_generated_workload) {
    expect_figures(trace_of(generate_swf({5000, 100, 60, 2026, 0.9})), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Replay, GoldenFigures, testing::ValuesIn(generated), golden_name);

// Logs of the Parallel Workloads Archive, in the folder that RCQ_TRACES names; without it there are no such tests.
// EASY on both, and shortest first on KTH-SP2, are the published figures of Gaussier et al., SC'15.
const std::vector<Golden> archive = {
    {"KTH_SP2", "fcfs", fifo(BackfillKind::none), 0, 6815},
    {"KTH_SP2", "easy", fifo(BackfillKind::easy), 0, 92.7, 126, 1.90, 73},
    {"KTH_SP2", "easy_shortest_first", fifo(BackfillKind::easy, BackfillOrder::shortest), 0, 69.4},
    {"KTH_SP2", "conservative", fifo(BackfillKind::conservative), 0, 101.8, 0, 2.20, 69},
    {"KTH_SP2", "multifactor_easy", multifactor(1), 0.02, 43.4, 42.3, 1.47, 127},
    {"KTH_SP2", "multifactor_age_weight_2_easy", multifactor(2), 0.02, 43.0, 47.4, 1.49, 94},
    {"KTH_SP2", "quota_easy", quota(Guard::off), 0.02, 50.3, 53.7, 1.87, 394},
    {"KTH_SP2", "quota_guard_easy", quota(Guard::job), 0.02, 50.2, 67.1, 1.56, 119},
    {"KTH_SP2", "quota_boost_20_guard_easy", quota(Guard::job, 0.2), 0.02, 43.4, 56.7},
    {"SDSC_SP2", "fcfs", fifo(BackfillKind::none), 0, 13'824},
    {"SDSC_SP2", "easy", fifo(BackfillKind::easy), 0, 87.8, 182, 5.71, 128},
    {"SDSC_SP2", "easy_shortest_first", fifo(BackfillKind::easy, BackfillOrder::shortest), 0, 83.0},
    {"SDSC_SP2", "conservative", fifo(BackfillKind::conservative), 0, 102.0, 0, 6.77, 121},
    {"SDSC_SP2", "multifactor_easy", multifactor(1), 0.02, 49.7, 52.4, 5.54, 210},
    {"SDSC_SP2", "multifactor_age_weight_2_easy", multifactor(2), 0.02, 52.9, 54.3, 5.50, 143},
    {"SDSC_SP2", "quota_easy", quota(Guard::off), 0.02, 76.0, 41.9, 12.9, 1215},
    {"SDSC_SP2", "quota_guard_easy", quota(Guard::job), 0.02, 68.7, 84.8, 6.2, 149},
    {"SDSC_SP2", "quota_boost_20_guard_easy", quota(Guard::job, 0.2), 0.02, 64.7, 76.2},
};

const char* trace_folder() { return std::getenv("RCQ_TRACES"); } // NOLINT(concurrency-mt-unsafe): one thread

class ArchiveFigures : public testing::TestWithParam<Golden> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ArchiveFigures);

Trace archive_trace(const std::string& name) {
    const bool kth = name == "KTH_SP2";
    LineReader reader(std::filesystem::path(trace_folder()) / (kth ? "KTH-SP2.swf.gz" : "SDSC-SP2.swf.gz"));
    SwfParser parser;
    for (std::string_view line; reader.next(line);) parser.add_line(line);
    return make_trace(std::move(parser), kth ? 100 : 128, {}, name);
}

TEST_P(ArchiveFigures, of_a_log_are_reproduced) { expect_figures(archive_trace(GetParam().trace), GetParam()); }

INSTANTIATE_TEST_SUITE_P(Replay, ArchiveFigures,
                         testing::ValuesIn(trace_folder() != nullptr ? archive : std::vector<Golden>{}), golden_name);

// The oracle is held to the same figures, so that agreeing with it means something.
class ArchiveOracle : public testing::TestWithParam<Rule> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ArchiveOracle);

TEST_P(ArchiveOracle, reproduces_the_figures_of_both_logs) {
    for (const Golden& golden : archive) {
        if (golden.rule != GetParam().name) continue;
        const Trace trace = archive_trace(golden.trace);
        const Figures figures = measure(trace, oracle::simulate(trace, {Queue::fcfs, GetParam().gaps}));
        EXPECT_NEAR(figures.bsld_mean, golden.bsld_mean, golden.bsld_mean < 1000 ? 0.05 : 0.5) << golden.trace;
    }
}

INSTANTIATE_TEST_SUITE_P(Replay, ArchiveOracle,
                         testing::ValuesIn(trace_folder() != nullptr ? rules : std::vector<Rule>{}),
                         [](const auto& rule) { return rule.param.name; });

} // namespace
} // namespace rcq::sim
