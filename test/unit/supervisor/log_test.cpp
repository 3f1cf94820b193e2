// The log of a run and its index.
#include "run.hpp"

#include <sys/resource.h>

namespace rcq::supervisor {
namespace {

using rundir::LogStream;

TEST(RunLog, keeps_both_streams_in_their_order) {
    // Each line waits until the one before it is in the index.
    TestRun run(
        "wait_for() { while ! [ -s ../log.index ] || [ $(wc -c < ../log.index) -lt $1 ]; do sleep 0.01; done; }\n"
        "echo one; wait_for 16; echo two >&2; wait_for 32; echo three");
    run.run();
    const auto pieces = run.pieces();
    ASSERT_EQ(pieces.size(), 3U);
    EXPECT_EQ(run.log(), "one\ntwo\nthree\n");
    EXPECT_EQ(pieces[0].entry.stream, LogStream::out);
    EXPECT_EQ(pieces[1].entry.stream, LogStream::err);
    EXPECT_EQ(pieces[2].entry.stream, LogStream::out);
    EXPECT_EQ(pieces[0].entry.lines, 1U);
    EXPECT_TRUE(pieces[0].entry.whole_lines);
}

TEST(RunLog, an_unfinished_line_appears_after_a_second) {
    TestRun run("printf 'progress 1'; while ! [ -e go ]; do sleep 0.01; done; echo ' 2'");
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.log() == "progress 1"; }));
    EXPECT_GE(rundir::boottime_ms(), run.status().started_ms + rundir::partial_line_ms);
    std::ofstream(run.at("job/go")) << "";
    run.wait();
    const auto pieces = run.pieces();
    ASSERT_EQ(pieces.size(), 2U);
    EXPECT_FALSE(pieces[0].entry.whole_lines);
    EXPECT_EQ(pieces[0].entry.lines, 1U);
    EXPECT_EQ(run.log(), "progress 1 2\n");
}

TEST(RunLog, binary_output_is_kept_byte_by_byte) {
    TestRun run("python3 -c 'import os, sys\n"
                "data = os.urandom(300000)\n"
                "open(\"data\", \"wb\").write(data)\n"
                "sys.stdout.buffer.write(data)'");
    run.run();
    EXPECT_EQ(read_file(run.at("job/data")).size(), 300'000U);
    EXPECT_EQ(run.out(), read_file(run.at("job/data")));
}

TEST(RunLog, long_lines_are_cut_into_pieces) {
    TestRun run("head -c 200000 /dev/zero | tr '\\0' x; echo; seq 1 50000");
    run.run();
    std::string expected(200'000, 'x');
    expected += '\n';
    for (int i = 1; i <= 50'000; ++i) expected += std::to_string(i) + "\n";
    EXPECT_EQ(run.out(), expected);
}

TEST(RunLog, output_of_background_processes_is_read_to_the_end) {
    TestRun run("seq 1 30000");
    run.run();
    EXPECT_TRUE(run.out().ends_with("\n29999\n30000\n"));
}

TEST(RunLog, beyond_its_limit_output_is_counted_and_the_job_goes_on) {
    TestRun run("seq 1 100000; touch done");
    run.launch.log_limit = 1000;
    const rundir::End end = run.run();
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_TRUE(run.has("job/done"));
    EXPECT_EQ(run.out().size(), 1000U - 16);
    EXPECT_EQ(run.err(), "[rcq: the log has reached its limit of 1000 bytes, the rest is dropped]\n");
    EXPECT_EQ(end.log_dropped, 588'895 - 1000 + 16);
}

TEST(RunLog, output_in_tiny_pieces_cannot_make_the_index_larger_than_the_limit) {
    // A piece each time that the stream changes.
    TestRun run("exec python3 -c 'import os\nfor i in range(2000): os.write(1 + i % 2, b\"\\n\")'");
    run.launch.log_limit = 1000;
    const rundir::End end = run.run();
    EXPECT_EQ(end.exit_code, 0);
    const std::string marker = "[rcq: the log has reached its limit of 1000 bytes, the rest is dropped]\n";
    EXPECT_LE(run.log().size() + read_file(run.at("log.index")).size(), 1000 + marker.size() + 16);
    EXPECT_EQ(static_cast<std::int64_t>(run.log().size() - marker.size()) + end.log_dropped, 2000);
}

// A limit on the size of files stands for a disk that is full.
TEST(RunLog, what_the_disk_does_not_take_is_counted_and_the_job_goes_on) {
    TestRun run("echo first; while ! [ -s ../log.index ]; do sleep 0.01; done; seq 1 100000; touch done");
    run.wrapper = {"/usr/bin/prlimit", "--fsize=40960:unlimited"};
    const rundir::End end = run.run();
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_TRUE(run.has("job/done"));
    EXPECT_GT(end.log_dropped, 588'895 - 40'960);
    EXPECT_TRUE(run.out().starts_with("first\n"));
    EXPECT_EQ(static_cast<std::int64_t>(run.out().size()) + end.log_dropped, 588'895 + 6);
}

TEST(RunLog, a_gap_is_told_of_when_the_disk_takes_output_again) {
    TestRun run("seq 1 100000; touch full; while ! [ -e go ]; do sleep 0.01; done; echo again");
    run.wrapper = {"/usr/bin/prlimit", "--fsize=40960:unlimited"};
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/full"); }));
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    ASSERT_EQ(prlimit(run.pid(), RLIMIT_FSIZE, &none, nullptr), 0);
    const std::int64_t now = rundir::boottime_ms();
    ASSERT_TRUE(wait_until([&] { return rundir::boottime_ms() > now + 1100; })); // it tries again after a second
    std::ofstream(run.at("job/go")) << "";
    const rundir::End end = run.wait();
    const std::string gap =
        "[rcq: " + std::to_string(end.log_dropped) + " bytes of output are lost: No space left on device]\n";
    EXPECT_EQ(run.err(), gap);
    EXPECT_TRUE(run.log().ends_with(gap + "again\n"));
}

TEST(RunLog, files_of_the_run_are_private) {
    TestRun run("echo");
    run.run();
    for (const char* name : {"log", "log.index", "status", "end"}) {
        struct stat status {};
        ASSERT_EQ(stat(run.at(name).c_str(), &status), 0) << name;
        EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
    }
}

TEST(RunLog, a_link_in_the_place_of_the_log_is_not_followed) {
    TestRun run("echo secret");
    std::ofstream(run.at("elsewhere")) << "";
    symlink(run.at("elsewhere").c_str(), run.at("log").c_str());
    EXPECT_EQ(run.run().log_dropped, 7);
    EXPECT_EQ(read_file(run.at("elsewhere")), "");
}

} // namespace
} // namespace rcq::supervisor
