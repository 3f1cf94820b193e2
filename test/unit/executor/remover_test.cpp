#include "executor/remover.hpp"

#include "executor/kept_sweep.hpp"
#include "no_descriptors.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {
namespace {

namespace fs = std::filesystem;

class RemoverTest : public ::testing::Test {
protected:
    RemoverTest() {
        std::string pattern = fs::temp_directory_path() / "rcq-remover-XXXXXX";
        top_ = mkdtemp(pattern.data());
        root_ = top_ / "run";
        fs::create_directories(root_);
        uv_loop_init(&loop_);
    }
    ~RemoverTest() override {
        fs::remove_all(top_);
        uv_run(&loop_, UV_RUN_DEFAULT);
        uv_loop_close(&loop_);
    }
    void remove(std::vector<std::string> keep = {}) {
        Remover remover(&loop_);
        remover.remove(root_, std::move(keep));
        remover.finish();
    }
    static void write(const fs::path& path) { std::ofstream(path) << "x"; }

    uv_loop_t loop_{};
    fs::path top_;
    fs::path root_;
};

TEST_F(RemoverTest, a_tree_is_removed_however_wide_and_deep) {
    for (int i = 0; i < 1000; ++i) write(root_ / std::to_string(i));
    fs::path deep = root_;
    for (int i = 0; i < 400; ++i) deep /= "d";
    fs::create_directories(deep);
    write(deep / "file");
    remove();
    EXPECT_FALSE(fs::exists(root_));
}

TEST_F(RemoverTest, a_tree_deeper_than_any_path_is_long_is_removed) {
    int fd = open(root_.c_str(), O_RDONLY | O_DIRECTORY);
    const std::string name(200, 'd');
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(mkdirat(fd, name.c_str(), 0700), 0);
        const int below = openat(fd, name.c_str(), O_RDONLY | O_DIRECTORY);
        close(fd);
        fd = below;
    }
    close(openat(fd, "file", O_CREAT | O_WRONLY, 0600));
    close(fd);
    remove();
    EXPECT_FALSE(fs::exists(root_));
}

TEST_F(RemoverTest, a_directory_that_becomes_a_link_while_it_is_removed_leads_nowhere) {
    for (int i = 0; i < 400; ++i) fs::create_directories(top_ / "other" / std::to_string(i));
    for (int i = 0; i < 400; ++i) fs::create_directories(root_ / "inner" / std::to_string(i) / "below");
    Remover remover(&loop_);
    remover.remove(root_);
    auto left = [this] { return std::distance(fs::directory_iterator(root_ / "inner"), fs::directory_iterator()); };
    while (left() == 400) uv_run(&loop_, UV_RUN_ONCE);
    fs::rename(root_ / "inner", top_ / "moved");
    fs::create_directory_symlink(top_ / "other", root_ / "inner");
    while (!remover.idle()) uv_run(&loop_, UV_RUN_ONCE);
    EXPECT_FALSE(fs::exists(root_));
    EXPECT_EQ(std::distance(fs::directory_iterator(top_ / "other"), fs::directory_iterator()), 400);
}

// What a process without descriptors does; a sanitizer needs some itself.
using RemoverWithoutDescriptors = RemoverTest;

TEST_F(RemoverWithoutDescriptors, without_a_descriptor_it_waits_for_one) {
    write(root_ / "file");
    Remover remover(&loop_);
    remover.remove(root_);
    {
        const NoDescriptors none;
        uv_run(&loop_, UV_RUN_NOWAIT);
        uv_run(&loop_, UV_RUN_NOWAIT);
    }
    EXPECT_FALSE(remover.idle());
    while (!remover.idle()) uv_run(&loop_, UV_RUN_ONCE);
    EXPECT_FALSE(fs::exists(root_));
}

TEST_F(RemoverTest, the_sweep_removes_what_was_not_changed_for_long) {
    for (int i = 0; i < 600; ++i) fs::create_directories(root_ / ("old" + std::to_string(i)) / "job");
    fs::create_directories(root_ / "new");
    fs::create_directory_symlink(top_ / "gone", root_ / "link");
    const timespec long_ago[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    for (const auto& entry : fs::directory_iterator(root_)) {
        if (entry.path().filename() != "new") utimensat(AT_FDCWD, entry.path().c_str(), long_ago, AT_SYMLINK_NOFOLLOW);
    }
    Remover remover(&loop_);
    KeptSweep sweep(&loop_, root_, 86400, remover);
    sweep.start();
    auto left = [this] { return std::distance(fs::directory_iterator(root_), fs::directory_iterator()); };
    Timer tick(&loop_, [] {}); // or the loop waits for the next sweep
    tick.start(1, 1);
    while (left() > 1) uv_run(&loop_, UV_RUN_ONCE);
    EXPECT_TRUE(fs::exists(root_ / "new"));
}

TEST_F(RemoverTest, what_is_kept_stays_on_the_first_level_alone) {
    write(root_ / "log");
    fs::create_directories(root_ / "job" / "log");
    remove({"log"});
    EXPECT_TRUE(fs::exists(root_ / "log"));
    EXPECT_FALSE(fs::exists(root_ / "job"));
}

TEST_F(RemoverTest, no_link_is_followed) {
    fs::create_directories(top_ / "other");
    write(top_ / "other" / "file");
    fs::create_directory_symlink(top_ / "other", root_ / "link");
    remove();
    EXPECT_FALSE(fs::exists(root_));
    fs::create_directory_symlink(top_ / "other", root_);
    remove();
    EXPECT_TRUE(fs::exists(top_ / "other" / "file")) << "not even when the directory itself is one";
}

TEST_F(RemoverTest, directories_that_nobody_may_read_or_write_are_removed) {
    fs::create_directories(root_ / "closed" / "inner");
    write(root_ / "closed" / "file");
    chmod((root_ / "closed" / "inner").c_str(), 0);
    chmod((root_ / "closed").c_str(), 0500);
    remove();
    EXPECT_FALSE(fs::exists(root_));
}

} // namespace
} // namespace rcq::executor
