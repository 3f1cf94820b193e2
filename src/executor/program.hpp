// A short-lived program that is run beside the loop: its output is collected, its time is limited.
#pragma once
#include "executor/loop.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace rcq::executor {

struct ProgramResult {
    std::string fault; // not empty: it could not be started, or was killed at its time limit
    int exit_code = -1;
    int signal = 0;
    std::string output;
    std::string errors;

    [[nodiscard]] bool good() const { return fault.empty() && signal == 0 && exit_code == 0; }
};

class Program {
public:
    // Starts it; `done` is called once, from the loop, and may destroy this object. `arguments[0]` is looked up in PATH
    // unless it holds a slash. What stdout or stderr carry beyond `limit_bytes` is dropped.
    Program(uv_loop_t* loop, std::vector<std::string> arguments, std::vector<std::string> environment,
            std::uint64_t limit_ms, std::function<void(const ProgramResult&)> done,
            std::size_t limit_bytes = 64U << 20);
    // Kills it when it still runs.
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

private:
    void spawn(const std::vector<std::string>& arguments, const std::vector<std::string>& environment);
    bool read(int fd, std::string& text) const; // false: nothing more comes
    void exited();
    void finish();

    uv_loop_t* loop_;
    std::function<void(const ProgramResult&)> done_;
    std::size_t limit_bytes_;
    ProgramResult result_;
    pid_t pid_ = -1;
    int pid_fd_ = -1;
    int out_ = -1;
    int err_ = -1;
    std::optional<Poll> exit_poll_;
    std::optional<Poll> out_poll_;
    std::optional<Poll> err_poll_;
    Timer timer_; // the time limit; or the next turn of the loop, when there was nothing to start
};

} // namespace rcq::executor
