#include "executor/program.hpp"

#include "executor/own_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <spawn.h>
#include <string_view>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr std::size_t line_limit = 200;

[[noreturn]] void fail(int error, const std::string& what) {
    throw std::system_error(error, std::generic_category(), what);
}

// Where passwords stand. Hooks are told nothing about the database.
bool is_secret(std::string_view entry) { return entry.starts_with("PG") || entry.starts_with("RCQ_EXECUTOR_"); }

std::vector<char*> environment_list(const std::vector<std::string>& given) {
    std::vector<char*> list;
    if (!given.empty()) {
        for (const std::string& entry : given) list.push_back(const_cast<char*>(entry.c_str()));
        list.push_back(nullptr);
        return list;
    }
    for (char** entry = environ; *entry != nullptr; ++entry) {
        if (!is_secret(*entry)) list.push_back(*entry);
    }
    list.push_back(nullptr);
    return list;
}

} // namespace

std::string ProgramEnd::first_line() const {
    std::string_view rest = output;
    while (!rest.empty()) {
        std::size_t length = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, length);
        std::size_t from = line.find_first_not_of(" \t\r");
        if (from != std::string_view::npos) {
            line.remove_prefix(from);
            line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
            if (line.size() > line_limit) {
                std::size_t cut = line_limit; // not inside a character of several bytes
                while (cut > 0 && (static_cast<unsigned char>(line[cut]) & 0xC0U) == 0x80U) --cut;
                line = line.substr(0, cut);
            }
            return std::string(line);
        }
        rest.remove_prefix(std::min(length + 1, rest.size()));
    }
    return {};
}

std::string ProgramEnd::describe() const {
    std::string text = timed_out         ? "no end within its time limit"
                       : exit_code > 128 ? "ended by signal " + std::to_string(exit_code - 128)
                                         : "exit code " + std::to_string(exit_code);
    std::string line = first_line();
    return line.empty() ? text : text + ": " + line;
}

Program::Program(uv_loop_t* loop, const std::vector<std::string>& arguments, std::uint64_t limit_ms,
                 std::function<void(ProgramEnd)> ended, const ProgramSetup& setup)
    : ended_(std::move(ended)), output_limit_(setup.output_limit), limit_timer_(loop, [this] {
          end_.timed_out = true;
          kill_group();
      }) {
    spawn(arguments, setup.environment);
    exit_poll_ = std::make_unique<Poll>(loop, pidfd_, [this](int, int) { reap(); });
    output_poll_ = std::make_unique<Poll>(loop, output_fd_, [this](int, int) { read_output(); });
    exit_poll_->start(UV_READABLE);
    output_poll_->start(UV_READABLE);
    limit_timer_.start(limit_ms);
}

Program::~Program() {
    exit_poll_.reset(); // before their descriptors are closed
    output_poll_.reset();
    if (pid_ > 0) {
        kill_group();
        (void)waitpid(pid_, nullptr, 0);
    }
    if (pidfd_ >= 0) close(pidfd_);
    if (output_fd_ >= 0) close(output_fd_);
}

void Program::spawn(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
    std::array<int, 2> pipe_fds{-1, -1};
    if (pipe2(pipe_fds.data(), O_CLOEXEC) != 0) fail(errno, "pipe2");
    (void)fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, pipe_fds[1], 1);
    posix_spawn_file_actions_adddup2(&files, pipe_fds[1], 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t set;
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes, &set);
    sigfillset(&set);
    posix_spawnattr_setsigdefault(&attributes, &set);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    std::vector<char*> list;
    list.reserve(arguments.size() + 1);
    for (const std::string& argument : arguments) list.push_back(const_cast<char*>(argument.c_str()));
    list.push_back(nullptr);
    std::vector<char*> variables = environment_list(environment);
    int error = 0;
    {
        const InheritedFileLimit as_inherited;
        error = posix_spawn(&pid_, list[0], &files, &attributes, list.data(), variables.data());
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    close(pipe_fds[1]);
    if (error == 0) {
        pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
        if (pidfd_ >= 0) {
            output_fd_ = pipe_fds[0];
            return;
        }
        error = errno;
        kill_group();
        (void)waitpid(pid_, nullptr, 0);
    }
    close(pipe_fds[0]);
    fail(error, arguments.front());
}

// The pid is not waited for yet, so the number is nobody else's.
void Program::kill_group() const {
    if (kill(-pid_, SIGKILL) != 0) (void)kill(pid_, SIGKILL);
}

void Program::read_output() {
    std::array<char, 8192> buffer;
    for (int turn = 0; turn < 16; ++turn) { // one that writes without end must not hold the loop
        ssize_t got = read(output_fd_, buffer.data(), buffer.size());
        if (got > 0) {
            std::size_t room = output_limit_ - end_.output.size();
            end_.output.append(buffer.data(), std::min(static_cast<std::size_t>(got), room));
            continue;
        }
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) output_poll_->stop(); // it closed its output, which is not its end
        return;
    }
}

void Program::reap() {
    kill_group(); // whatever it left behind
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == 0) return;
    pid_ = 0;
    exit_poll_.reset();
    limit_timer_.stop();
    read_output();
    output_poll_.reset();
    end_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    auto ended = std::move(ended_);
    ended(std::move(end_));
}

ProgramEnd run_program(const std::vector<std::string>& arguments, std::uint64_t limit_ms, const ProgramSetup& setup) {
    uv_loop_t loop;
    uv_loop_init(&loop);
    ProgramEnd result;
    try {
        Program program(
            &loop, arguments, limit_ms,
            [&](ProgramEnd end) {
                result = std::move(end);
                uv_stop(&loop);
            },
            setup);
        uv_run(&loop, UV_RUN_DEFAULT);
    } catch (const std::system_error& error) {
        result.exit_code = 127;
        result.output = error.what();
    }
    uv_run(&loop, UV_RUN_DEFAULT); // lets the handles be closed
    uv_loop_close(&loop);
    return result;
}

} // namespace rcq::executor
