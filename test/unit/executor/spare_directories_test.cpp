// Directories of runs that are used again: only those that are as they were made, and only for their own user.
#include "executor/spare_directories.hpp"

#include "executor/remover.hpp"
#include "executor/run_directory.hpp"
#include "rundir/paths.hpp"
#include "rundir/status.hpp"
#include "temporary_directory.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {
namespace {

namespace fs = std::filesystem;

struct Loop {
    Loop() { uv_loop_init(&uv); }
    ~Loop() {
        uv_run(&uv, UV_RUN_DEFAULT);
        uv_loop_close(&uv);
    }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    uv_loop_t uv{};
};

class SpareDirectoriesTest : public ::testing::Test {
protected:
    SpareDirectoriesTest() {
        fs::create_directories(top_.path() + "/runs");
        fs::create_directories(spare());
    }
    [[nodiscard]] std::string spare() const { return top_.path() + "/spare"; }
    [[nodiscard]] std::string run(int token) const { return top_.path() + "/runs/1-1-" + std::to_string(token); }
    // A run that has ended.
    void make(int token, SpareDirectories& spares, const std::string& script = "true\n") {
        RunDirectory directory(top_.path() + "/runs", 1, 1, token);
        directory.create(script, std::nullopt, nullptr, spares);
        rundir::Launch launch;
        launch.token = token;
        launch.arguments = {"/bin/sh"};
        directory.write_launch(launch);
        ASSERT_TRUE(rundir::write_status(AT_FDCWD, (run(token) + "/status").c_str(), rundir::Status{}));
        std::ofstream(run(token) + "/end") << "kind=exit_code\n";
    }
    static std::string text(const std::string& path) {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    static ino_t inode(const std::string& path) {
        struct stat status {};
        return lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
    }

    Loop loop_;
    TemporaryDirectory top_;
    Remover remover_{&loop_.uv};
};

TEST_F(SpareDirectoriesTest, a_directory_is_used_again_as_if_it_were_new) {
    SpareDirectories spares(spare(), 10, remover_);
    make(1, spares, "a long script of the first run\n");
    const ino_t before = inode(run(1));
    ASSERT_TRUE(spares.put(run(1), geteuid()));
    EXPECT_FALSE(fs::exists(run(1)));
    RunDirectory again(top_.path() + "/runs", 1, 1, 2);
    { again.create("#!/bin/sh\n", std::string("{}"), nullptr, spares); }
    EXPECT_EQ(inode(run(2)), before);
    EXPECT_EQ(text(run(2) + "/job/script"), "#!/bin/sh\n");
    EXPECT_EQ(text(run(2) + "/job/payload"), "{}");
    EXPECT_EQ(fs::status(run(2) + "/job/script").permissions(), fs::perms::owner_all);
    EXPECT_FALSE(fs::exists(run(2) + "/end"));
    EXPECT_TRUE(fs::is_empty(run(2) + "/job/out"));
    EXPECT_THROW(rundir::decode_launch(text(run(2) + "/launch")), rundir::LaunchError) << "of the first run";
    rundir::Launch launch;
    launch.token = 2;
    launch.arguments = {"x"};
    again.write_launch(launch);
    EXPECT_EQ(text(run(2) + "/launch"), encode(launch));
}

TEST_F(SpareDirectoriesTest, payload_result_and_progress_go) {
    SpareDirectories spares(spare(), 10, remover_);
    make(1, spares);
    std::ofstream(run(1) + "/job/payload") << "1";
    std::ofstream(run(1) + "/job/result") << "2";
    std::ofstream(run(1) + "/job/progress") << "3";
    ASSERT_TRUE(spares.put(run(1), geteuid()));
    make(2, spares);
    EXPECT_FALSE(fs::exists(run(2) + "/job/payload"));
    EXPECT_FALSE(fs::exists(run(2) + "/job/result"));
    EXPECT_FALSE(fs::exists(run(2) + "/job/progress"));
}

TEST_F(SpareDirectoriesTest, what_a_job_has_changed_is_not_kept) {
    const std::vector<std::function<void(const std::string&)>> changes{
        [](const std::string& at) { std::ofstream(at + "/job/temporary") << ""; },
        [](const std::string& at) { std::ofstream(at + "/job/.hidden") << ""; },
        [](const std::string& at) { std::ofstream(at + "/job/out/result") << ""; },
        [](const std::string& at) { std::ofstream(at + "/log") << "line\n"; },
        [](const std::string& at) { fs::remove(at + "/job/out"); },
        [](const std::string& at) { fs::remove(at + "/job/script"); },
        [](const std::string& at) { fs::remove(at + "/end"); },
        [](const std::string& at) { fs::permissions(at + "/job", fs::perms::all); },
        [](const std::string& at) { fs::permissions(at + "/job/out", fs::perms::none); },
        [](const std::string& at) { fs::create_hard_link(at + "/job/script", at + "-elsewhere"); },
        [](const std::string& at) {
            fs::remove(at + "/job/script");
            fs::create_symlink(at + "/launch", at + "/job/script");
        },
        [](const std::string& at) {
            fs::remove(at + "/job/script");
            ASSERT_EQ(mkfifo((at + "/job/script").c_str(), 0600), 0);
        },
        [](const std::string& at) { fs::resize_file(at + "/job/script", 1 << 20); },
    };
    SpareDirectories spares(spare(), 100, remover_);
    for (std::size_t i = 0; i < changes.size(); ++i) {
        const int token = static_cast<int>(i) + 1;
        make(token, spares);
        changes[i](run(token));
        EXPECT_FALSE(spares.put(run(token), geteuid())) << i;
        EXPECT_TRUE(fs::exists(run(token))) << i;
    }
    EXPECT_TRUE(fs::is_empty(spare()));
}

TEST_F(SpareDirectoriesTest, what_belongs_to_one_user_is_not_given_to_another) {
    SpareDirectories spares(spare(), 10, remover_);
    make(1, spares);
    EXPECT_FALSE(spares.put(run(1), geteuid() + 1)) << "it is not of that user";
    ASSERT_TRUE(spares.put(run(1), geteuid()));
    Account other;
    other.uid = geteuid() + 1;
    EXPECT_FALSE(spares.take(run(2), "x", 0600, std::nullopt, &other));
    EXPECT_TRUE(spares.take(run(2), "x", 0600, std::nullopt, nullptr));
}

TEST_F(SpareDirectoriesTest, a_link_in_place_of_the_script_leads_nowhere) {
    SpareDirectories spares(spare(), 10, remover_);
    const std::string precious = top_.file("precious", "untouched");
    for (bool hard : {false, true}) {
        make(1, spares);
        ASSERT_TRUE(spares.put(run(1), geteuid()));
        const std::string script = fs::directory_iterator(spare())->path() / "job/script";
        fs::remove(script); // by somebody who has the directory open
        if (hard) fs::create_hard_link(precious, script);
        if (!hard) fs::create_symlink(precious, script);
        EXPECT_FALSE(spares.take(run(2), "x", 0600, std::nullopt, nullptr));
        EXPECT_EQ(text(precious), "untouched");
        remover_.finish();
        EXPECT_TRUE(fs::is_empty(spare()));
    }
}

TEST_F(SpareDirectoriesTest, no_more_are_kept_than_allowed_and_none_of_an_earlier_process) {
    fs::create_directories(spare() + "/old-1/job/out");
    SpareDirectories spares(spare(), 1, remover_);
    remover_.finish();
    EXPECT_TRUE(fs::is_empty(spare()));
    make(1, spares);
    make(2, spares);
    EXPECT_TRUE(spares.put(run(1), geteuid()));
    EXPECT_FALSE(spares.put(run(2), geteuid()));
    spares.clear();
    remover_.finish();
    EXPECT_TRUE(fs::is_empty(spare()));
    EXPECT_TRUE(spares.put(run(2), geteuid()));
}

} // namespace
} // namespace rcq::executor
