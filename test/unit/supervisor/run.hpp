// A run under the real rcq-supervisor in a directory of its own.
#pragma once
#include "rundir/end.hpp"
#include "rundir/launch.hpp"
#include "rundir/log_index.hpp"
#include "rundir/paths.hpp"
#include "rundir/status.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace rcq::supervisor {

inline std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// Waits at most 20 seconds.
inline bool wait_until(const std::function<bool()>& condition) {
    for (auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
         std::chrono::steady_clock::now() < end;) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return condition();
}

class TestRun {
public:
    explicit TestRun(const std::string& script = "") {
        std::string pattern = (std::filesystem::temp_directory_path() / "rcq-supervisor-XXXXXX").string();
        path_ = mkdtemp(pattern.data());
        chmod(path_.c_str(), 0755);
        mkdir(at("job").c_str(), 0755);
        chmod(at("job").c_str(), 0777); // whatever the umask: a test may run the job as somebody else
        launch.job_id = 1;
        launch.token = 7;
        launch.arguments = {"/bin/sh", "-c", script};
        launch.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "RCQ_RUN_DIR=" + at("job")};
        launch.hook_environment = {"RCQ_RUN_DIR=" + at("job")};
        launch.workdir = at("job");
    }
    ~TestRun() {
        if (pid_ > 0) {
            kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
        }
        std::filesystem::remove_all(path_);
    }
    TestRun(const TestRun&) = delete;
    TestRun& operator=(const TestRun&) = delete;

    [[nodiscard]] std::string at(const std::string& name) const { return path_ + "/" + name; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    // What starts the supervisor: a program and arguments, to which the supervisor's path is added.
    std::vector<std::string> wrapper;
    // In the process that becomes the supervisor.
    std::function<void()> before_exec = [] {};
    rundir::Launch launch;

    void start() {
        std::ofstream(at(rundir::launch_file), std::ios::binary) << encode(launch);
        start_as_it_is();
    }

    void start_as_it_is() {
        const int fd = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ASSERT_GE(fd, 0);
        ASSERT_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
        std::vector<std::string> words = wrapper;
        words.emplace_back(RCQ_SUPERVISOR);
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        pid_ = fork();
        if (pid_ == 0) {
            if (fd == rundir::directory_fd) {
                fcntl(fd, F_SETFD, 0);
            } else {
                dup2(fd, rundir::directory_fd);
            }
            before_exec();
            execv(arguments[0], arguments.data());
            _exit(126);
        }
        close(fd);
    }

    // Waits for the supervisor; what it left as the run's end.
    rundir::End wait() {
        int status = -1;
        pid_t ended = 0;
        EXPECT_TRUE(wait_until([&] { return (ended = waitpid(pid_, &status, WNOHANG)) != 0; })) << "still running";
        if (ended == pid_) pid_ = 0;
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
        return end();
    }
    // For a wrapper that does not become the supervisor: waits for its end.
    void wait_for_starter() {
        waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
    rundir::End run() {
        start();
        return wait();
    }
    [[nodiscard]] rundir::End end() const {
        auto end = rundir::decode_end(read_file(at(rundir::end_file)));
        EXPECT_TRUE(end.has_value()) << "no end";
        return end.value_or(rundir::End{});
    }
    [[nodiscard]] bool locked() const {
        const int fd = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const bool taken = flock(fd, LOCK_EX | LOCK_NB) != 0;
        close(fd);
        return taken;
    }

    void signal(int number) const { kill(pid_, number); }
    [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(at(name)); }
    [[nodiscard]] std::string log() const { return read_file(at(rundir::log_file)); }
    [[nodiscard]] rundir::Status status() const {
        return rundir::read_status(AT_FDCWD, at(rundir::status_file).c_str()).value_or(rundir::Status{});
    }

    // The pieces of the log with what the index says of them; checks that the one covers the other.
    struct Piece {
        rundir::LogPiece entry;
        std::string text;
    };
    [[nodiscard]] std::vector<Piece> pieces() const {
        const std::string index = read_file(at(rundir::index_file));
        const std::string text = log();
        EXPECT_EQ(index.size() % sizeof(rundir::LogPiece), 0U);
        std::vector<Piece> pieces;
        std::size_t offset = 0;
        for (std::size_t i = 0; i + sizeof(rundir::LogPiece) <= index.size(); i += sizeof(rundir::LogPiece)) {
            Piece piece;
            std::memcpy(&piece.entry, index.data() + i, sizeof piece.entry);
            piece.text = text.substr(std::min(offset, text.size()), piece.entry.bytes);
            EXPECT_EQ(piece.text.size(), piece.entry.bytes);
            EXPECT_LE(piece.entry.bytes, rundir::max_piece_bytes);
            offset += piece.entry.bytes;
            pieces.push_back(std::move(piece));
        }
        EXPECT_EQ(offset, text.size());
        return pieces;
    }
    [[nodiscard]] std::string stream(rundir::LogStream wanted) const {
        std::string text;
        for (const Piece& piece : pieces()) {
            if (piece.entry.stream == wanted) text += piece.text;
        }
        return text;
    }
    [[nodiscard]] std::string out() const { return stream(rundir::LogStream::out); }
    [[nodiscard]] std::string err() const { return stream(rundir::LogStream::err); }

    // A program in the run's directory.
    std::string script(const std::string& name, const std::string& text) const {
        std::ofstream(at(name)) << "#!/bin/sh\n" << text << "\n";
        chmod(at(name).c_str(), 0755);
        return at(name);
    }

private:
    std::string path_;
    pid_t pid_ = 0;
};

// True when no process has the text in its command line or is called so.
inline bool nobody_runs(const std::string& text) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos || name == std::to_string(getpid())) continue;
        if (read_file(entry.path().string() + "/cmdline").find(text) != std::string::npos) return false;
    }
    return true;
}

// A sleep that only this test has.
inline std::string unique_sleep(int number) {
    return "sleep 9" + std::to_string(getpid()) + "." + std::to_string(number);
}

} // namespace rcq::supervisor
