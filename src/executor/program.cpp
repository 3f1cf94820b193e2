#include "executor/program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace rcq::executor {

namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

struct Pipe {
    std::array<int, 2> ends{-1, -1};

    Pipe() {
        if (pipe2(ends.data(), O_CLOEXEC) != 0) {
            throw std::runtime_error(std::string("cannot make a pipe: ") + std::strerror(errno));
        }
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        for (int end : ends) {
            if (end >= 0) close(end);
        }
    }
    int take_reader() { return std::exchange(ends[0], -1); }
};

// What a child of this process is to begin with: default signals, a group of its own, and no descriptors but three.
struct SpawnSettings {
    posix_spawn_file_actions_t files{};
    posix_spawnattr_t attributes{};

    SpawnSettings(int out, int err) {
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&files, out, 1);
        posix_spawn_file_actions_adddup2(&files, err, 2);
        posix_spawnattr_init(&attributes);
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
    ~SpawnSettings() {
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
    }
};

} // namespace

Program::Program(uv_loop_t* loop, std::vector<std::string> arguments, std::vector<std::string> environment,
                 std::uint64_t limit_ms, std::function<void(const ProgramResult&)> done, std::size_t limit_bytes)
    : loop_(loop), done_(std::move(done)), limit_bytes_(limit_bytes), timer_(loop, [this] {
          if (pid_ > 0) {
              result_.fault = "did not end in time";
              kill(-pid_, SIGKILL);
          } else {
              finish();
          }
      }) {
    try {
        spawn(arguments, environment);
        timer_.start(limit_ms);
    } catch (const std::exception& error) {
        result_.fault = error.what();
        timer_.start(0);
    }
}

Program::~Program() {
    exit_poll_.reset();
    out_poll_.reset();
    err_poll_.reset();
    if (pid_ > 0) {
        kill(-pid_, SIGKILL);
        while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    for (int fd : {pid_fd_, out_, err_}) {
        if (fd >= 0) close(fd);
    }
}

void Program::spawn(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
    Pipe out;
    Pipe err;
    const SpawnSettings settings(out.ends[1], err.ends[1]);
    const std::string& file = arguments.front();
    const int error = posix_spawnp(&pid_, file.c_str(), &settings.files, &settings.attributes,
                                   pointers(arguments).data(), pointers(environment).data());
    if (error != 0) {
        pid_ = -1;
        throw std::runtime_error("cannot run \"" + file + "\": " + std::strerror(error));
    }
    pid_fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    if (pid_fd_ < 0) throw std::runtime_error(std::string("cannot watch a process: ") + std::strerror(errno));
    out_ = out.take_reader();
    err_ = err.take_reader();
    exit_poll_.emplace(loop_, pid_fd_, [this](int, int) { exited(); });
    exit_poll_->start(UV_READABLE);
    out_poll_.emplace(loop_, out_, [this](int, int) {
        if (!read(out_, result_.output)) out_poll_->stop();
    });
    out_poll_->start(UV_READABLE);
    err_poll_.emplace(loop_, err_, [this](int, int) {
        if (!read(err_, result_.errors)) err_poll_->stop();
    });
    err_poll_->start(UV_READABLE);
}

bool Program::read(int fd, std::string& text) const {
    std::array<char, 64UL << 10> buffer;
    while (true) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno == EAGAIN;
        if (got == 0) return false;
        text.append(buffer.data(), std::min(static_cast<std::size_t>(got), limit_bytes_ - text.size()));
    }
}

// What it has written by now is all that counts: a process that it left behind may hold the pipes open for ever.
void Program::exited() {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return;
    pid_ = -1;
    if (WIFEXITED(status)) result_.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
    read(out_, result_.output);
    read(err_, result_.errors);
    finish();
}

void Program::finish() {
    exit_poll_.reset();
    out_poll_.reset();
    err_poll_.reset();
    timer_.stop();
    const auto done = std::move(done_);
    const ProgramResult result = std::move(result_);
    done(result); // may destroy this object
}

} // namespace rcq::executor
