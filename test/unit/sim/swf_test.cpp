#include "swf_text.hpp"

#include "sim/generate.hpp"
#include "sim/usage_error.hpp"

#include <gmock/gmock.h>
#include <random>

namespace rcq::sim {
namespace {

using core::second;
using testing::HasSubstr;

SkipCounts only(Skip skip, std::size_t count) {
    SkipCounts counts;
    counts[skip] = count;
    return counts;
}

TEST(Swf, a_line_gives_a_job) {
    const SwfParser log = parse("7 100 5 60 4 -1 -1 8 3600 -1 1 12 1 -1 -1 -1 -1 -1\n");
    ASSERT_EQ(log.jobs.size(), 1U);
    const SwfJob& job = log.jobs[0];
    EXPECT_EQ(job.number, 7);
    EXPECT_EQ(job.submit, 100 * second);
    EXPECT_EQ(job.run, 60 * second);
    EXPECT_EQ(job.processors, 4);
    EXPECT_EQ(job.requested, 3600 * second);
    EXPECT_EQ(job.user, 12);
}

TEST(Swf, spaces_tabs_carriage_returns_and_blank_lines_are_all_the_same) {
    const SwfParser log = parse("\r\n\n  1\t0 -1  10 2 -1 -1 2 20 -1 1 3 \r\n \t \n2 5 -1 10 2");
    ASSERT_EQ(log.jobs.size(), 2U);
    EXPECT_EQ(log.jobs[0].user, 3);
    EXPECT_EQ(log.jobs[1].submit, 5 * second);
    EXPECT_EQ(log.skipped.total(), 0U);
}

TEST(Swf, missing_fields_are_unknown) {
    const SwfJob job = parse("1 0 -1 10 2").jobs.at(0);
    EXPECT_EQ(job.requested, std::nullopt);
    EXPECT_EQ(job.user, -1);
}

TEST(Swf, fractions_of_seconds_count_and_fractions_of_processors_are_whole_ones) {
    const SwfJob job = parse("1 0.25 -1 1.5 2.1 -1 -1 -1 2e1").jobs.at(0);
    EXPECT_EQ(job.submit, second / 4);
    EXPECT_EQ(job.run, second * 3 / 2);
    EXPECT_EQ(job.processors, 3);
    EXPECT_EQ(job.requested, 20 * second);
}

TEST(Swf, requested_processors_stand_in_for_unknown_used_ones) {
    EXPECT_EQ(parse("1 0 -1 10 -1 -1 -1 16").jobs.at(0).processors, 16);
    EXPECT_EQ(parse("1 0 -1 10 0 -1 -1 16").jobs.at(0).processors, 16);
    EXPECT_EQ(parse("1 0 -1 10 4 -1 -1 16").jobs.at(0).processors, 4);
}

TEST(Swf, the_header_tells_the_size_of_the_machine_and_the_start) {
    const SwfParser log =
        parse("; Version: 2.2\n;MaxProcs: 100\n; UnixStartTime:  843465600 (in 1996)\n; MaxNodes: 7\n");
    EXPECT_EQ(log.max_processors, 100);
    EXPECT_EQ(log.unix_start_time, 843465600);
}

TEST(Swf, a_header_without_sense_is_no_header) {
    for (const char* line : {"; MaxProcs: -1", "; MaxProcs:", "; MaxProcs: many", "; MaxProcs 5", "; MaxProcsX: 5",
                             "; MaxProcs: 99999999999", ";", "; Note: MaxProcs: 5"})
        EXPECT_EQ(parse(line).max_processors, std::nullopt) << line;
}

TEST(Swf, every_unusable_line_is_counted_by_its_reason) {
    EXPECT_EQ(parse("1 0 -1 10").skipped.counts, only(Skip::too_few_fields, 1).counts);
    for (const char* line : {"a b c", "1 0 -1 10 2 x", "1 0 -1 10 0x10", "1 nan -1 10 2", "1 0 -1 inf 2",
                             "1 0 -1 1-0 2", "1 0 -1 10 2 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 soon"})
        EXPECT_EQ(parse(line).skipped.counts, only(Skip::not_a_number, 1).counts) << line;
    for (const char* line : {"1 -1 -1 10 2", "1 1e11 -1 10 2", "1 0 -1 1e9 2", "1 0 -1 10 3e9", "1 0 -1 10 1e999",
                             "1e300 0 -1 10 2", "1 0 -1 10 2 -1 -1 -1 -1 -1 -1 1e300", "1 0 1e999 10 2"})
        EXPECT_EQ(parse(line).skipped.counts, only(Skip::out_of_range, 1).counts) << line;
    for (const char* line : {"1 0 -1 0 2", "1 0 -1 -1 2", "1 0 -1 -1e300 2", "1 0 -1 1e-9 2"})
        EXPECT_EQ(parse(line).skipped.counts, only(Skip::no_run_time, 1).counts) << line;
    for (const char* line : {"1 0 -1 10 0", "1 0 -1 10 -1 -1 -1 -1", "1 0 -1 10 -1e300"})
        EXPECT_EQ(parse(line).skipped.counts, only(Skip::no_processors, 1).counts) << line;
}

TEST(Swf, what_stands_behind_the_eighteenth_field_does_not_matter) {
    EXPECT_EQ(parse("1 0 -1 10 2 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 and more").jobs.size(), 1U);
}

TEST(Swf, the_first_line_of_a_number_counts) {
    const SwfParser log = parse("1 0 -1 10 2\n1 0 -1 4 2\n-1 0 -1 10 2\n-1 0 -1 10 2");
    ASSERT_EQ(log.jobs.size(), 3U) << "an unknown number repeats nothing";
    EXPECT_EQ(log.jobs[0].run, 10 * second);
    EXPECT_EQ(log.skipped.counts, only(Skip::duplicate_number, 1).counts);
}

TEST(Swf, a_request_longer_than_ten_years_counts_as_ten_years) {
    EXPECT_EQ(parse("1 0 -1 10 2 -1 -1 2 1e300").jobs.at(0).requested, 315'576'000 * second);
}

// Whatever bytes come, every line ends as a job in range or in a count.
void expect_sane(const SwfParser& log) {
    for (const SwfJob& job : log.jobs) {
        EXPECT_GE(job.submit, 0);
        EXPECT_GT(job.run, 0);
        EXPECT_LE(job.run, 3653 * core::day);
        EXPECT_GT(job.processors, 0);
        if (job.requested) {
            EXPECT_GT(*job.requested, 0);
            EXPECT_LE(*job.requested, 3653 * core::day);
        }
    }
    try {
        const Trace trace = make_trace(log, std::nullopt, {}, "fuzz");
        EXPECT_FALSE(trace.jobs.empty());
        for (std::size_t i = 0; i < trace.jobs.size(); ++i) {
            EXPECT_LE(trace.jobs[i].run, trace.jobs[i].requested);
            EXPECT_LE(trace.jobs[i].processors, trace.processors);
            EXPECT_LT(trace.jobs[i].user, trace.users);
            EXPECT_GE(trace.jobs[i].submit, i == 0 ? 0 : trace.jobs[i - 1].submit);
        }
    } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), HasSubstr("fuzz"));
    }
}

TEST(Swf, random_bytes_never_crash_the_reader) {
    std::mt19937 random(1);
    for (int round = 0; round < 300; ++round) {
        std::string text(random() % 2000, ' ');
        for (char& c : text) c = static_cast<char>(random());
        expect_sane(parse(text));
    }
}

TEST(Swf, mutations_of_a_good_trace_never_crash_the_reader) {
    const std::string good = generate_swf({40, 64, 5, 3, 0.8});
    const std::string spices = "0123456789-+.eE \t\n\r;xn:MaxProcs";
    std::mt19937 random(2);
    std::size_t jobs = 0;
    for (int round = 0; round < 1000; ++round) {
        std::string text = good;
        for (auto changes = 1 + random() % 40; changes > 0; --changes) {
            const std::size_t at = random() % text.size();
            const char c = random() % 4 == 0 ? static_cast<char>(random()) : spices[random() % spices.size()];
            if (random() % 3 == 0)
                text.erase(at, 1 + random() % 3);
            else if (random() % 2 == 0)
                text.insert(at, 1 + random() % 4, c);
            else
                text[at] = c;
        }
        const SwfParser log = parse(text);
        jobs += log.jobs.size();
        expect_sane(log);
    }
    EXPECT_GT(jobs, 10'000U) << "most lines survive";
}

} // namespace
} // namespace rcq::sim
