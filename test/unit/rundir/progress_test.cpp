#include "rundir/progress.hpp"

#include "rundir/replace_file.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace rcq::rundir {
namespace {

std::string message_of(std::string_view text) {
    const auto progress = decode_progress(text);
    return progress ? std::to_string(progress->percent) + "|" + progress->message : "none";
}

TEST(Progress, is_a_number_and_a_line_of_text) {
    EXPECT_EQ(message_of("40"), "40|");
    EXPECT_EQ(message_of("40\n"), "40|");
    EXPECT_EQ(message_of("0 begun\n"), "0|begun");
    EXPECT_EQ(message_of("100 epoch 4, loss 0.25\r\nmore\n"), "100|epoch 4, loss 0.25");
    EXPECT_EQ(message_of("7   spaces  \n"), "7|spaces");
    EXPECT_EQ(message_of("007"), "7|");
    for (const Progress& progress : {Progress{0, ""}, Progress{100, "für 日本"}}) {
        EXPECT_EQ(decode_progress(encode(progress)), progress);
    }
}

TEST(Progress, nothing_else_is_taken_for_one) {
    for (const char* text : {"", "\n", " 40", "101", "-1", "-0", "+4", "4x", "40%", "4.5", "1e1", "0x10", "forty",
                             "99999999999999999999", "\xff", "\n40"}) {
        EXPECT_EQ(message_of(text), "none") << text;
    }
    EXPECT_EQ(message_of(std::string_view("4\0", 2)), "none");
    EXPECT_EQ(message_of(std::string_view("\0", 1)), "none");
}

TEST(Progress, whatever_the_message_is_it_becomes_plain_text) {
    EXPECT_EQ(message_of("1 a\x1b[31mb\tc\x7f"), "1|a [31mb c");
    EXPECT_EQ(message_of("1 csi \xc2\x9b end"), "1|csi   end");
    EXPECT_EQ(message_of(std::string_view("1 nul\0nul", 9)), "1|nul nul");
    EXPECT_EQ(message_of("1 f\xfcr"), "1|f\xef\xbf\xbdr");
    // cut, overlong, a surrogate, beyond the last one
    EXPECT_EQ(message_of("1 \xe2\x82"), "1|\xef\xbf\xbd\xef\xbf\xbd");
    EXPECT_EQ(message_of("1 \xc0\x80."), "1|\xef\xbf\xbd\xef\xbf\xbd.");
    EXPECT_EQ(message_of("1 \xed\xa0\x80."), "1|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.");
    EXPECT_EQ(message_of("1 \xf4\x90\x80\x80."), "1|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.");
    EXPECT_EQ(message_of("1 \xf0\x9f\x98\x80"), "1|\xf0\x9f\x98\x80");
}

TEST(Progress, a_long_message_is_cut_between_characters) {
    const auto cut = decode_progress("1 " + std::string(longest_progress_message - 1, 'a') + "\xc3\xa4 and more");
    ASSERT_TRUE(cut);
    EXPECT_EQ(cut->message, std::string(longest_progress_message - 1, 'a'));
    // each of these bytes becomes three
    const auto replaced = decode_progress("1 " + std::string(2000, '\xff'));
    ASSERT_TRUE(replaced);
    EXPECT_LE(replaced->message.size(), longest_progress_message);
    EXPECT_EQ(replaced->message.size() % 3, 0U);
}

class ProgressFile : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "progress-XXXXXX";
        directory_ = mkdtemp(pattern.data());
        path_ = directory_ + "/progress";
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    // As a job that writes it without care.
    void write(std::string_view text) const { std::ofstream(path_, std::ios::binary) << text; }
    // As a file that has been left alone for long.
    void make_old() const {
        timespec times[2] = {{1000, 0}, {1000, 0}};
        utimensat(AT_FDCWD, path_.c_str(), times, 0);
    }
    std::string look(const FileStamp& known = {}) const {
        const auto seen = look_at_progress(path_, geteuid(), known);
        if (!seen) return "nothing new";
        return seen->progress ? std::to_string(seen->progress->percent) + "|" + seen->progress->message : "none";
    }

    std::string directory_, path_;
};

TEST_F(ProgressFile, is_read_when_it_is_there) {
    EXPECT_EQ(look(), "nothing new");
    write("40 epoch 4\n");
    EXPECT_EQ(look(), "40|epoch 4");
}

TEST_F(ProgressFile, is_not_read_again_until_it_changes) {
    write("40");
    make_old();
    const FileStamp known = look_at_progress(path_, geteuid(), {})->stamp;
    EXPECT_FALSE(known.fresh);
    EXPECT_EQ(look(known), "nothing new");
    replace_file(path_, "41");
    EXPECT_EQ(look(known), "41|");
}

TEST_F(ProgressFile, one_that_was_written_twice_in_one_tick_of_the_clock_is_read_twice) {
    write("40");
    const FileStamp known = look_at_progress(path_, geteuid(), {})->stamp;
    EXPECT_TRUE(known.fresh);
    struct stat before {};
    stat(path_.c_str(), &before);
    write("41");
    timespec times[2] = {before.st_atim, before.st_mtim};
    utimensat(AT_FDCWD, path_.c_str(), times, 0);
    EXPECT_EQ(look(known), "41|");
}

TEST_F(ProgressFile, a_link_is_not_followed) {
    const std::string secret = directory_ + "/secret";
    std::ofstream(secret) << "50 secret";
    std::filesystem::create_symlink(secret, path_);
    EXPECT_EQ(look(), "nothing new");
}

TEST_F(ProgressFile, a_pipe_a_directory_and_a_device_say_nothing_and_keep_nobody_waiting) {
    ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
    EXPECT_EQ(look(), "none");
    std::filesystem::remove(path_);
    std::filesystem::create_directory(path_);
    EXPECT_EQ(look(), "none");
}

TEST_F(ProgressFile, a_file_of_somebody_else_is_not_read) {
    write("50");
    EXPECT_FALSE(look_at_progress(path_, geteuid() + 1, {})->progress);
}

TEST_F(ProgressFile, a_large_file_is_not_read) {
    write("50 " + std::string(largest_progress - 3, 'a'));
    EXPECT_TRUE(look_at_progress(path_, geteuid(), {})->progress);
    write("50 " + std::string(largest_progress - 2, 'a'));
    EXPECT_EQ(look(), "none");
    std::filesystem::resize_file(path_, std::uintmax_t{1} << 40);
    EXPECT_EQ(look(), "none");
}

TEST_F(ProgressFile, one_that_may_not_be_read_says_nothing) {
    write("50");
    chmod(path_.c_str(), 0);
    constexpr uid_t nobody = 65534; // root reads everything
    const uid_t self = geteuid();
    if (self == 0) {
        ASSERT_EQ(seteuid(nobody), 0);
    }
    const auto seen = look();
    if (self == 0) {
        ASSERT_EQ(seteuid(self), 0);
    }
    EXPECT_EQ(seen, "nothing new");
}

TEST_F(ProgressFile, is_replaced_whole_or_not_at_all) {
    replace_file(path_, "1");
    replace_file(path_, "2");
    EXPECT_EQ(look(), "2|");
    struct stat status {};
    stat(path_.c_str(), &status);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
    const auto files = std::distance(std::filesystem::directory_iterator(directory_), {});
    EXPECT_EQ(files, 1);
    EXPECT_THROW(replace_file(directory_ + "/missing/progress", "1"), std::system_error);
    std::filesystem::remove(path_);
    std::filesystem::create_directory(path_);
    EXPECT_THROW(replace_file(path_, "1"), std::system_error);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1) << "no draft is left";
}

} // namespace
} // namespace rcq::rundir
