#include "executor/run_result.hpp"

#include "rundir/result.hpp"

#include "no_descriptors.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace rcq::executor {
namespace {

class RunResult : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "rcq-result-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        path_ = directory_ + "/result";
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    void write(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }
    // What is wrong with this text as a result.
    [[nodiscard]] std::string fault(const std::string& text) const {
        write(text);
        return check_result(path_, geteuid()).fault;
    }

    std::string directory_;
    std::string path_;
};

TEST_F(RunResult, no_file_is_no_result_and_no_fault) {
    ResultCheck check = check_result(path_, geteuid());
    EXPECT_EQ(check.bytes, 0);
    EXPECT_EQ(check.fault, "");
}

TEST_F(RunResult, any_json_value_is_a_result) {
    for (const char* text : {"null", "7\n", " [1, 2.5e10, -3] ", R"({"a": {"b": ["ü", "\ud83d\ude00", true]}})"}) {
        write(text);
        ResultCheck check = check_result(path_, geteuid());
        EXPECT_EQ(check.fault, "") << text;
        EXPECT_EQ(check.bytes, static_cast<std::int64_t>(std::string(text).size()));
        EXPECT_EQ(read_result(path_, geteuid()), text);
    }
}

TEST_F(RunResult, what_is_not_json_is_a_fault_that_says_where) {
    for (const char* text :
         {"", " ", "hello", "{\"a\": 1", "[1] [2]", "{'a': 1}", "[01]", "\"\xff\"", "\"\\ud800\"", "NaN"})
        EXPECT_TRUE(fault(text).starts_with("the result is not JSON: parse error at line 1, column ")) << fault(text);
    EXPECT_EQ(fault("[1e400]"), "the result is not JSON: number overflow parsing '1e400'");
    EXPECT_EQ(fault("\xef\xbb\xbf{}"), "the result begins with a byte order mark");
}

TEST_F(RunResult, what_the_server_cannot_store_is_a_fault) {
    EXPECT_EQ(fault(R"({"a": "x\u0000y"})"), "the result contains \\u0000, which cannot be stored");
    EXPECT_EQ(fault(R"({"a\u0000": 1})"), "the result contains \\u0000, which cannot be stored");
    EXPECT_EQ(fault(std::string(1000, '[') + std::string(1000, ']')), "");
    EXPECT_EQ(fault(std::string(1001, '[') + std::string(1001, ']')),
              "the result is nested more than 1000 levels deep");
}

TEST_F(RunResult, a_number_that_the_server_cannot_hold_is_a_fault) {
    for (const char* text : {"1e-16383", "0.5e-16382", "0e-16383", "1e-400", "0e1073741822", "1e+308", "-12.5E-7"})
        EXPECT_EQ(fault("[" + std::string(text) + "]"), "") << text;
    EXPECT_EQ(fault("0." + std::string(16'382, '0') + "1"), "");
    EXPECT_EQ(fault("0." + std::string(16'382, '0') + "1e300"), "");
    for (const std::string& text :
         {std::string("1e-16384"), std::string("0.5e-16383"), std::string("0e-16384"), std::string("1E-20000"),
          std::string("1e-99999999999999999999"), std::string("0e1073741823"), std::string("0e99999999999999999999"),
          "0." + std::string(16'383, '0') + "1"})
        EXPECT_EQ(fault("[" + text + "]"),
                  "the result contains the number " + text.substr(0, 60) + (text.size() > 60 ? "..." : "") +
                      ", which cannot be stored: it has more than 16383 digits behind the point, or an exponent above "
                      "1073741822");
}

TEST_F(RunResult, of_too_many_values_is_a_fault) {
    const auto list = [](int values) {
        std::string text = "[1"; // itself one of them
        for (int i = 1; i < values - 1; ++i) text += ",1";
        return text + "]";
    };
    EXPECT_EQ(fault(list(1'000'000)), "");
    EXPECT_EQ(fault(list(1'000'001)), "the result has more than 1000000 JSON values: put it into $RCQ_OUTPUT_DIR");
    std::string members = "{";
    for (int i = 0; i < 500'000; ++i) members += R"("":0,)";
    EXPECT_EQ(fault(members + R"("":0})"), "the result has more than 1000000 JSON values: put it into $RCQ_OUTPUT_DIR");
}

TEST_F(RunResult, a_file_above_64_mib_is_a_fault) {
    write("");
    std::filesystem::resize_file(path_, rundir::max_result_bytes + 1);
    EXPECT_EQ(check_result(path_, geteuid()).fault,
              "the result has 67108865 bytes, more than 64 MiB: put it into $RCQ_OUTPUT_DIR");
}

TEST_F(RunResult, links_pipes_and_directories_are_not_read) {
    std::filesystem::create_symlink("/etc/hostname", path_);
    EXPECT_TRUE(check_result(path_, geteuid()).fault.starts_with("the result cannot be read: "))
        << check_result(path_, geteuid()).fault;
    std::filesystem::remove(path_);
    ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
    EXPECT_EQ(check_result(path_, geteuid()).fault, "the result is not a regular file");
    std::filesystem::remove(path_);
    std::filesystem::create_directory(path_);
    EXPECT_EQ(check_result(path_, geteuid()).fault, "the result is not a regular file");
}

TEST_F(RunResult, what_was_changed_since_it_was_checked_is_not_read) {
    write("[1]");
    EXPECT_EQ(check_result(path_, geteuid()).bytes, 3);
    write("1}, {\"job_id\": 2");
    EXPECT_THROW((void)read_result(path_, geteuid()), std::runtime_error);
}

// What a process without descriptors does; a sanitizer needs some itself.
using RunResultWithoutDescriptors = RunResult;

TEST_F(RunResultWithoutDescriptors, want_of_descriptors_is_not_the_job_s_fault) {
    write("[1]");
    const NoDescriptors none;
    EXPECT_THROW((void)check_result(path_, geteuid()), std::system_error);
}

TEST_F(RunResult, a_result_that_has_gone_cannot_be_read) {
    EXPECT_THROW((void)read_result(path_, geteuid()), std::runtime_error);
}

} // namespace
} // namespace rcq::executor
