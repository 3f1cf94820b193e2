#include "swf_text.hpp"

#include "sim/plot.hpp"

#include <gmock/gmock.h>
#include <regex>

namespace rcq::sim {
namespace {

using core::hour;
using testing::HasSubstr;

// One processor of two for three hours and a half, from the first hour on; the second job waits an hour and runs one.
Trace two_jobs() { return trace_of("1 0 -1 12600 1 -1 -1 1 -1 -1 1 1\n2 7200 -1 3600 2 -1 -1 2 -1 -1 1 1\n", 2); }

TEST(Plot, series_are_cut_into_equal_parts_from_the_first_submit_to_the_last_end) {
    const Series series = make_series(two_jobs(), {0, hour * 7 / 2});
    EXPECT_EQ(series.step, hour);
    ASSERT_EQ(series.utilisation.size(), 5U);
    EXPECT_DOUBLE_EQ(series.utilisation[0], 0.5);
    EXPECT_DOUBLE_EQ(series.utilisation[3], 0.75);
    EXPECT_DOUBLE_EQ(series.utilisation[4], 1) << "the last part ends with the last job";
    EXPECT_EQ(series.wait[0], 0);
    EXPECT_EQ(series.wait[1], std::nullopt);
    EXPECT_EQ(series.wait[2], 1.5);
}

TEST(Plot, long_traces_have_longer_parts) {
    const Trace trace = trace_of("1 0 -1 10 1\n2 100000000 -1 10 1\n3 5000000000 -1 10 1", 1);
    const Series series = make_series(trace, {trace.jobs[0].submit, trace.jobs[1].submit, trace.jobs[2].submit});
    EXPECT_LE(series.utilisation.size(), 400U);
    EXPECT_EQ(series.utilisation.size(), series.wait.size());
}

TEST(Plot, the_picture_has_both_series_axes_with_units_and_its_title) {
    const std::string svg = draw_svg(make_series(two_jobs(), {0, hour * 7 / 2}), "a < b & c");
    EXPECT_THAT(svg, HasSubstr("a &lt; b &amp; c"));
    EXPECT_THAT(svg, HasSubstr("Utilisation, % of the processors"));
    EXPECT_THAT(svg, HasSubstr("Mean wait in hours"));
    EXPECT_THAT(svg, HasSubstr("Hours since the first job was submitted"));
    EXPECT_EQ(svg.rfind("<svg ", 0), 0U);
    EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
    const std::regex areas("<path d=\"M[^\"]+Z\"");
    EXPECT_EQ(std::distance(std::sregex_iterator(svg.begin(), svg.end(), areas), {}), 2);
    EXPECT_THAT(svg, testing::Not(HasSubstr("nan")));
    EXPECT_THAT(svg, testing::Not(HasSubstr("inf")));
}

TEST(Plot, a_trace_without_any_wait_has_a_picture) {
    const Trace trace = trace_of("1 0 -1 0.001 1", 1);
    const std::string svg = draw_svg(make_series(trace, {0}), "");
    EXPECT_THAT(svg, testing::Not(HasSubstr("nan")));
    EXPECT_THAT(svg, testing::Not(HasSubstr("inf")));
}

} // namespace
} // namespace rcq::sim
