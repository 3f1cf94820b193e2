// rcq-job as jobs run it.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <sys/wait.h>
#include <vector>

namespace {

struct Answer {
    int code = -1;
    std::string output; // of both streams
};

class RcqJob : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "rcq-job-XXXXXX";
        directory_ = mkdtemp(pattern.data());
        variables_ = "RCQ_PROGRESS='" + directory_ + "/progress' RCQ_RESULT='" + directory_ + "/result'";
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    // Arguments as a shell reads them.
    Answer call(const std::string& arguments) const {
        Answer answer;
        FILE* pipe = popen(("exec 2>&1; " + variables_ + " " RCQ_JOB " " + arguments).c_str(), "r");
        std::array<char, 4096> buffer;
        for (std::size_t size = 0; (size = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
            answer.output.append(buffer.data(), size);
        }
        const int status = pclose(pipe);
        answer.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return answer;
    }
    std::string file(const char* name) const {
        std::ifstream stream(directory_ + "/" + name, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    // Refused, with these words, and nothing written.
    void expect_mistake(const std::string& arguments, const std::string& words) const {
        const Answer answer = call(arguments);
        EXPECT_EQ(answer.code, 2) << arguments;
        EXPECT_TRUE(answer.output.starts_with("rcq-job: ")) << answer.output;
        EXPECT_NE(answer.output.find(words), std::string::npos) << arguments << ": " << answer.output;
        EXPECT_TRUE(std::filesystem::is_empty(directory_)) << arguments;
    }

    std::string directory_, variables_;
};

TEST_F(RcqJob, says_how_far_the_job_is) {
    EXPECT_EQ(call("progress 40").code, 0);
    EXPECT_EQ(file("progress"), "40\n");
    const Answer answer = call("progress 41 'epoch 4: für 日本'");
    EXPECT_EQ(answer.code, 0);
    EXPECT_EQ(answer.output, "");
    EXPECT_EQ(file("progress"), "41 epoch 4: für 日本\n");
    EXPECT_EQ(call("progress 42 \"$(printf 'two\\nlines')\"").code, 0);
    EXPECT_EQ(file("progress"), "42 two lines\n");
    EXPECT_EQ(call("progress 43 \"$(printf 'f\\374r')\"").code, 0) << "what is no UTF-8 is left to who reads it";
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

TEST_F(RcqJob, refuses_what_is_no_percentage) {
    for (const char* percent : {"101", "-1", "4.5", "40%", "''", "x", "99999999999", "' 4'"}) {
        expect_mistake(std::string("progress ") + percent, "from 0 to 100");
    }
    expect_mistake("progress", "wants PERCENT");
    expect_mistake("progress 40 epoch 4", "into quotes");
    expect_mistake("progress 40 \"$(printf '%01001d' 0)\"", "at most 1000");
}

TEST_F(RcqJob, leaves_a_result) {
    EXPECT_EQ(call(R"(result '{"loss": 0.1}')").code, 0);
    EXPECT_EQ(file("result"), R"({"loss": 0.1})");
    EXPECT_EQ(call("result - <<'END'\n[1, 2.50, \"ä\"]\nEND").code, 0);
    EXPECT_EQ(file("result"), "[1, 2.50, \"ä\"]\n") << "as it was written";
    EXPECT_EQ(call("result null").code, 0);
    EXPECT_EQ(file("result"), "null");
}

TEST_F(RcqJob, refuses_what_the_server_could_not_store_as_a_result) {
    expect_mistake("result '{loss: 0.1}'", "is not JSON");
    expect_mistake("result '\"\\u0000\"'", "u0000");
    expect_mistake("result 1e999", "is not JSON");
    expect_mistake("result \"$(printf '\"\\377\"')\"", "is not JSON");
    expect_mistake("result - </dev/null", "is not JSON");
    expect_mistake("result \"$(head -c 1001 /dev/zero | tr '\\0' '[')\"", "1000 levels");
    expect_mistake("result - </dev/zero", "more than 64 MiB");
    expect_mistake("result - <&-", "cannot read standard input");
    expect_mistake("result", "wants one JSON value");
    expect_mistake("result 1 2", "wants one JSON value");
}

TEST_F(RcqJob, is_of_no_use_outside_a_job) {
    variables_ = "env -u RCQ_PROGRESS RCQ_RESULT=";
    expect_mistake("progress 40", "RCQ_PROGRESS is not set");
    expect_mistake("result 1", "RCQ_RESULT is not set");
    variables_ = "RCQ_PROGRESS='" + directory_ + "/gone/progress' RCQ_RESULT='" + directory_ + "/gone/result'";
    expect_mistake("progress 40", "is the run over?");
    expect_mistake("result 1", "is the run over?");
}

TEST_F(RcqJob, says_when_the_file_cannot_be_written) {
    std::filesystem::create_directory(directory_ + "/progress");
    const Answer answer = call("progress 40");
    EXPECT_EQ(answer.code, 1);
    EXPECT_NE(answer.output.find("cannot write " + directory_ + "/progress"), std::string::npos) << answer.output;
}

TEST_F(RcqJob, says_how_it_is_used) {
    expect_mistake("", "progress or result");
    expect_mistake("progres 40", "there is no \"progres\"");
    EXPECT_NE(call("--help").output.find("rcq-job progress PERCENT [MESSAGE]"), std::string::npos);
    EXPECT_EQ(call("--help").code, 0);
    EXPECT_TRUE(call("--version").output.starts_with("rcq-job "));
    EXPECT_EQ(call("--help >/dev/full").code, 1);
}

} // namespace
