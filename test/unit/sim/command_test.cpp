// The program from outside: arguments, exit codes, what goes to which stream.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct Outcome {
    int exit_code;
    std::string out;
    std::string error;
};

class Command : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directories(folder);
        write("small.swf", "; MaxProcs: 4\n1 0 -1 3600 4 -1 -1 4 7200 -1 1 1\n2 0 -1 3600 4 -1 -1 4 7200 -1 1 2\n");
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    void write(const std::string& name, const std::string& text) const { std::ofstream(folder / name) << text; }
    std::string slurp(const std::string& name) const {
        std::ifstream file(folder / name);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    // In the test's folder, by a shell.
    Outcome run(const std::string& arguments) const {
        const std::string command = "cd '" + folder.string() + "' && { " + RCQ_SIM " " + arguments + "; } >out 2>error";
        const int status =
            std::system(command.c_str()); // NOLINT(cert-env33-c, concurrency-mt-unsafe): a shell is wanted
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp("out"), slurp("error")};
    }

    std::filesystem::path folder = std::filesystem::temp_directory_path() / ("rcq_sim." + std::to_string(getpid()));
};

constexpr const char* greedy = " --policy quota --backfill none ";

TEST_F(Command, replays_a_trace_and_prints_a_table_or_json) {
    const Outcome table = run(std::string("swf small.swf") + greedy);
    EXPECT_EQ(table.exit_code, 0);
    EXPECT_THAT(table.out, HasSubstr("small.swf"));
    EXPECT_THAT(table.error, IsEmpty()) << "no progress where stderr is no terminal";

    const Outcome json = run(std::string("swf small.swf --json --processors 8") + greedy);
    EXPECT_EQ(json.exit_code, 0);
    const auto figures = nlohmann::json::parse(json.out);
    EXPECT_EQ(figures.at("jobs"), 2);
    EXPECT_EQ(figures.at("processors"), 8);
    EXPECT_EQ(figures.at("wait_max_h"), 0);
}

TEST_F(Command, reads_what_it_has_generated_from_a_pipe) {
    const Outcome outcome =
        run(std::string("generate --jobs 300 --processors 32 | ") + RCQ_SIM " swf - --json" + greedy);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
    EXPECT_EQ(nlohmann::json::parse(outcome.out).at("jobs"), 300);
}

TEST_F(Command, says_on_one_line_of_stderr_what_was_left_out) {
    write("odd.swf", "; MaxProcs: 4\n1 0 -1 10 1\nnonsense\n2 0 -1 10 5\n");
    const Outcome outcome = run(std::string("swf odd.swf --json") + greedy);
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.error, "rcq-sim: odd.swf: 2 lines left out (not_a_number 1, too_large 1)\n");
}

TEST_F(Command, draws_a_picture) {
    EXPECT_EQ(run(std::string("swf small.swf --plot small.svg") + greedy).exit_code, 0);
    EXPECT_THAT(slurp("small.svg"), StartsWith("<svg "));
}

TEST_F(Command, tells_its_options) {
    EXPECT_THAT(run("--help").out, HasSubstr("swf"));
    const Outcome help = run("swf --help");
    EXPECT_EQ(help.exit_code, 0);
    for (const char* option : {"--processors", "--policy", "--backfill", "--order", "--half-life", "--guard", "--json",
                               "--plot", "--predict", "--limit-jobs", "jain", "Exit codes"})
        EXPECT_THAT(help.out, HasSubstr(option));
}

TEST_F(Command, refuses_with_one_line_and_exit_code_2_what_it_cannot_use) {
    write("empty.swf", "");
    write("large.swf", "1 0 -1 10 5\n");
    const std::array wrong = {"",
                              "swf",
                              "nothing",
                              "swf missing.swf",
                              "swf .",
                              "swf empty.swf",
                              "swf large.swf",
                              "swf large.swf --processors 4",
                              "swf small.swf --processors 0",
                              "swf small.swf --processors x",
                              "swf small.swf --policy best",
                              "swf small.swf --backfill depth:0",
                              "swf small.swf --order longest",
                              "swf small.swf --half-life 0",
                              "swf small.swf --half-life 1w",
                              "swf small.swf --cap nan",
                              "swf small.swf --floor 3 --cap 2",
                              "swf small.swf --limit-jobs 0",
                              "swf small.swf --no-such-option",
                              "swf small.swf --plot no/such/folder/x.svg",
                              "swf small.swf more.swf",
                              "generate --jobs 0",
                              "generate --load nan",
                              "generate --jobs 5000000 --processors 1 --load 0.01"};
    for (const std::string arguments : wrong) {
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.exit_code, 2) << arguments;
        EXPECT_THAT(outcome.error, StartsWith("rcq-sim: ")) << arguments;
        EXPECT_EQ(std::count(outcome.error.begin(), outcome.error.end(), '\n'), 1)
            << arguments << ": " << outcome.error;
        EXPECT_THAT(outcome.out, IsEmpty()) << arguments;
    }
}

TEST_F(Command, fails_when_its_result_cannot_be_written) {
    const Outcome outcome = run(std::string("swf small.swf") + greedy + ">/dev/full");
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.error, HasSubstr("cannot write the result"));
}

} // namespace
