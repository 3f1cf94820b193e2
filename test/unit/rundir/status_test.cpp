#include "rundir/status.hpp"

#include "rundir/process_stat.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::rundir {
namespace {

class StatusFile : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "rcq-status-XXXXXX").string();
        directory_ = mkdtemp(pattern.data());
        path_ = directory_ + "/record";
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }
    std::string directory_;
    std::string path_;
};

TEST_F(StatusFile, comes_back_as_it_was_written) {
    Status status;
    status.supervisor = 12;
    status.leader = 13;
    status.supervisor_start_ticks = 14;
    status.started_ms = 15;
    status.cpu_us = 16;
    status.memory_kib = 17;
    status.peak_kib = 18;
    const int fd = open(directory_.c_str(), O_RDONLY | O_DIRECTORY);
    ASSERT_TRUE(write_status(fd, "record", Status{}));
    ASSERT_TRUE(write_status(fd, "record", status)) << "over an older one";
    const auto back = read_status(fd, "record");
    close(fd);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->supervisor, 12);
    EXPECT_EQ(back->leader, 13);
    EXPECT_EQ(back->supervisor_start_ticks, 14U);
    EXPECT_EQ(back->started_ms, 15);
    EXPECT_EQ(back->cpu_us, 16);
    EXPECT_EQ(back->memory_kib, 17);
    EXPECT_EQ(back->peak_kib, 18);
    struct stat file {};
    ASSERT_EQ(stat(path_.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777U, 0600U);
}

TEST_F(StatusFile, missing_short_long_or_of_another_kind_is_none) {
    EXPECT_FALSE(read_status(AT_FDCWD, path_.c_str()));
    for (std::size_t size : {std::size_t{0}, sizeof(Status) - 1, sizeof(Status), sizeof(Status) + 1}) {
        std::ofstream(path_, std::ios::trunc) << std::string(size, 'x');
        EXPECT_FALSE(read_status(AT_FDCWD, path_.c_str())) << size;
    }
}

TEST_F(StatusFile, a_link_is_not_followed) {
    ASSERT_TRUE(write_status(AT_FDCWD, path_.c_str(), {}));
    const std::string link = directory_ + "/link";
    ASSERT_EQ(symlink(path_.c_str(), link.c_str()), 0);
    EXPECT_FALSE(read_status(AT_FDCWD, link.c_str()));
    EXPECT_FALSE(write_status(AT_FDCWD, link.c_str(), {}));
    EXPECT_EQ(errno, ELOOP);
}

TEST_F(StatusFile, contact_comes_back_as_it_was_written) {
    ASSERT_TRUE(write_contact(path_.c_str(), {5, 6}));
    const auto contact = read_contact(path_.c_str());
    ASSERT_TRUE(contact);
    EXPECT_EQ(contact->at_ms, 5);
    EXPECT_EQ(contact->lost_after_ms, 6);
    std::ofstream(path_, std::ios::trunc) << "short";
    EXPECT_FALSE(read_contact(path_.c_str()));
}

TEST(Boot, has_an_id_and_a_clock_that_goes_on) {
    EXPECT_EQ(boot_id().size(), 36U);
    EXPECT_EQ(boot_id(), boot_id());
    const std::int64_t before = boottime_ms();
    EXPECT_GT(before, 0);
    EXPECT_GE(boottime_ms(), before);
}

TEST(ProcessStat, reads_names_with_spaces_and_parentheses) {
    const auto stat = parse_process_stat("42 (a ) (b) S 7 8 9 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 5 0 777 1 2 3\n");
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->pid, 42);
    EXPECT_EQ(stat->state, 'S');
    EXPECT_EQ(stat->parent, 7);
    EXPECT_EQ(stat->group, 8);
    EXPECT_EQ(stat->session, 9);
    EXPECT_EQ(stat->cpu_ticks, 100U);
    EXPECT_EQ(stat->threads, 5);
    EXPECT_EQ(stat->start_ticks, 777U);
}

TEST(ProcessStat, what_is_cut_short_is_none) {
    EXPECT_FALSE(parse_process_stat(""));
    EXPECT_FALSE(parse_process_stat("42 (sh"));
    EXPECT_FALSE(parse_process_stat("42 (sh) S 7 8 9 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 5 0"));
    EXPECT_FALSE(parse_process_stat("42 (sh) S x 8 9 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 5 0 777\n"));
}

TEST(ProcessStat, reads_this_process) {
    const auto stat = read_process_stat(getpid());
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->pid, getpid());
    EXPECT_EQ(stat->parent, getppid());
    EXPECT_EQ(stat->group, getpgrp());
    EXPECT_EQ(stat->session, getsid(0));
    EXPECT_GT(private_memory_kib(getpid()), 0);
    EXPECT_FALSE(read_process_stat(0x7FFFFFFF));
    EXPECT_EQ(private_memory_kib(0x7FFFFFFF), 0);
}

TEST(ProcessStat, a_tick_is_ten_milliseconds) { EXPECT_EQ(ticks_to_us(3), 3 * (1'000'000 / sysconf(_SC_CLK_TCK))); }

} // namespace
} // namespace rcq::rundir
