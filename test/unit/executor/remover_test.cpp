#include "executor/remover.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>

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
