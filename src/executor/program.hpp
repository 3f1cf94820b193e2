// A short program of the administrator's (a health check, nvidia-smi), run beside the loop and never waited for: in a
// session of its own, killed with its whole process group at its time limit. Nobody else may wait for its pid.
#pragma once
#include "executor/loop.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace rcq::executor {

struct ProgramEnd {
    int exit_code = -1; // 128 + number when it was ended by a signal
    bool timed_out = false;
    std::string output; // of both streams, no more than its start

    [[nodiscard]] bool ok() const { return exit_code == 0 && !timed_out; }
    // The first line of the output that holds something, at most 200 bytes; empty when there is none.
    [[nodiscard]] std::string first_line() const;
    // What happened, in words: "exit code 3: disk sda is failing".
    [[nodiscard]] std::string describe() const;
};

struct ProgramSetup {
    // NAME=VALUE; empty: this process' own environment without the variables that libpq reads and without our own.
    std::vector<std::string> environment;
    std::size_t output_limit = 64U << 10;
};

class Program {
public:
    // Starts it; `ended` is called once, later, from the loop, and may destroy this object. Destroying it before that
    // kills the program without a call. Throws std::system_error when it cannot be started. The first argument is the
    // path.
    Program(uv_loop_t* loop, const std::vector<std::string>& arguments, std::uint64_t limit_ms,
            std::function<void(ProgramEnd)> ended, const ProgramSetup& setup = {});
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

private:
    void spawn(const std::vector<std::string>& arguments, const std::vector<std::string>& environment);
    void read_output();
    void reap();
    void kill_group() const;

    std::function<void(ProgramEnd)> ended_;
    std::size_t output_limit_;
    ProgramEnd end_;
    pid_t pid_ = 0; // 0: waited for
    int pidfd_ = -1;
    int output_fd_ = -1;
    std::unique_ptr<Poll> exit_poll_;
    std::unique_ptr<Poll> output_poll_;
    Timer limit_timer_;
};

// The same, waited for: before the loop runs, and for --check. A program that cannot be started ends with 127.
ProgramEnd run_program(const std::vector<std::string>& arguments, std::uint64_t limit_ms,
                       const ProgramSetup& setup = {});

} // namespace rcq::executor
