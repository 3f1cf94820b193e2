#include "executor/slurm_commands.hpp"

#include <gmock/gmock.h>

namespace rcq::executor {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::StartsWith;

const SlurmSite site{
    .bin_dir = "/usr/bin", .partition = "main", .options = {"--account=physics"}, .supervisor = "/opt/rcq-supervisor"};
const RunPlace place{.job_id = 7, .token = 4711, .path = "/shared/runs/7-1-4711"};

TEST(SlurmRequestOf, asks_for_what_the_run_was_granted) {
    rundir::Launch launch;
    launch.cpu_cores = 3;
    launch.memory_mib = 2048;
    launch.gpus = {0, 5};
    const SlurmRequest request = slurm_request(launch);
    EXPECT_EQ(request.cpu_cores, 3);
    EXPECT_EQ(request.memory_mib, 2048);
    EXPECT_EQ(request.gpu_count, 2);
    EXPECT_EQ(request.minutes, 0) << "no time limit: the partition's";
}

TEST(SlurmRequestOf, gives_slurm_a_later_limit_than_the_supervisor_has) {
    rundir::Launch launch;
    launch.time_limit_ms = 61'000;
    launch.kill_grace_ms = 5000;
    EXPECT_EQ(slurm_request(launch).minutes, 4); // 61 s, 5 s of grace, 2 minutes
    launch.epilog = "/usr/sbin/epilog";
    launch.hook_limit_ms = 60'000;
    EXPECT_EQ(slurm_request(launch).minutes, 5);
}

TEST(SbatchCommand, hands_the_directory_to_the_script) {
    const auto command = sbatch_command(site, {.cpu_cores = 2, .memory_mib = 100, .gpu_count = 1, .minutes = 5}, place);
    EXPECT_EQ(command.front(), "/usr/bin/sbatch");
    for (const char* option : {"--parsable", "--job-name=rcq-4711", "--partition=main", "--no-requeue",
                               "--cpus-per-task=2", "--mem=100M", "--time=5", "--gres=gpu:1", "--account=physics"}) {
        EXPECT_THAT(command, Contains(option));
    }
    const std::vector<std::string> last(command.end() - 3, command.end());
    EXPECT_THAT(last, ElementsAre("/shared/runs/7-1-4711/slurm.sh", "/shared/runs/7-1-4711", "/opt/rcq-supervisor"));
}

TEST(SbatchCommand, leaves_out_what_is_not_asked_for) {
    const auto command = sbatch_command(site, {}, place);
    for (const char* option : {"--mem", "--time", "--gres"}) EXPECT_THAT(command, Not(Contains(StartsWith(option))));
}

TEST(SbatchOutput, holds_the_number_of_the_job) {
    EXPECT_EQ(parse_sbatch("17\n"), 17);
    EXPECT_EQ(parse_sbatch("18;east\n"), 18);
    EXPECT_EQ(parse_sbatch("sbatch: warning: something\n19\n"), 19);
    for (const char* text : {"", "\n", "Submitted batch job 17\n", "17x\n", "-3\n", "0\n"}) {
        EXPECT_EQ(parse_sbatch(text), std::nullopt) << text;
    }
}

ProgramEnd ended(int exit_code, const std::string& output) {
    ProgramEnd end;
    end.exit_code = exit_code;
    end.output = output;
    return end;
}

TEST(SlurmAnswered, tells_an_absent_controller_from_a_refusal) {
    for (const char* text :
         {"sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
          "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
          "slurm_load_jobs error: Zero Bytes were transmitted or received",
          "sbatch: error: Batch job submission failed: Protocol authentication error"}) {
        EXPECT_FALSE(slurm_answered(ended(1, text))) << text;
    }
    for (const char* text : {"sbatch: error: Batch job submission failed: Invalid partition name specified",
                             "sbatch: error: Memory specification can not be satisfied", ""}) {
        EXPECT_TRUE(slurm_answered(ended(1, text))) << text;
    }
    EXPECT_TRUE(slurm_answered(ended(0, "17")));
    EXPECT_FALSE(slurm_answered(ended(-1, "/usr/bin/sbatch: No such file or directory")));
    EXPECT_FALSE(slurm_answered(ended(128 + 9, "")));
}

TEST(SlurmMessage, is_the_last_line_without_its_prefix) {
    EXPECT_EQ(slurm_message("sbatch: error: invalid partition specified: nope\n"
                            "sbatch: error: Batch job submission failed: Invalid partition name specified\n"),
              "Batch job submission failed: Invalid partition name specified");
    EXPECT_EQ(slurm_message("something else"), "something else");
    EXPECT_EQ(slurm_message(""), "");
}

TEST(SqueueOutput, holds_our_jobs_and_skips_others) {
    const auto jobs = parse_squeue("12|RUNNING|None|rcq-4711\n"
                                   "13|PENDING|launch failed requeued held|rcq-9223372036854775807\n"
                                   "14|RUNNING|None|interactive|rcq-5\n"
                                   "15|RUNNING|None|rcq-\n"
                                   "16|RUNNING|None|rcq-12x\n"
                                   "x|RUNNING|None|rcq-12\n"
                                   "17|RUNNING\n"
                                   "18_3|RUNNING|None|rcq-12\n");
    ASSERT_EQ(jobs.size(), 2U);
    EXPECT_EQ(jobs[0].id, 12);
    EXPECT_EQ(jobs[0].token, 4711);
    EXPECT_EQ(jobs[0].state, "RUNNING");
    EXPECT_EQ(jobs[1].token, 9223372036854775807);
    EXPECT_EQ(jobs[1].reason, "launch failed requeued held");
    EXPECT_TRUE(parse_squeue("").empty());
}

TEST(ScancelCommand, names_the_run_so_that_a_number_issued_twice_hits_nobody_else) {
    EXPECT_THAT(scancel_command(site, 12, 4711, SlurmSignal::terminate),
                ElementsAre("/usr/bin/scancel", "--name=rcq-4711", "--batch", "--signal=TERM", "12"));
    EXPECT_THAT(scancel_command(site, 12, 4711, SlurmSignal::interrupt),
                ElementsAre("/usr/bin/scancel", "--name=rcq-4711", "--batch", "--signal=INT", "12"));
    EXPECT_THAT(scancel_command(site, 12, 4711, SlurmSignal::end),
                ElementsAre("/usr/bin/scancel", "--name=rcq-4711", "12"));
}

} // namespace
} // namespace rcq::executor
