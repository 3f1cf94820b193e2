#include "executor/nursery.hpp"

#include "executor/host_fault.hpp"
#include "executor/logging.hpp"
#include "executor/own_process.hpp"
#include "rundir/nursery.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace rcq::executor {

namespace {

// A nursery that is stopped, or hangs, is replaced.
constexpr std::uint64_t answer_limit_ms = 10'000;
constexpr std::uint64_t look_every_ms = 1000;
constexpr int send_limit_s = 2; // while so many requests wait that no more fit into the socket

class SpawnSettings {
public:
    explicit SpawnSettings(int socket) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions_, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_adddup2(&actions_, socket, rundir::nursery_fd);
        posix_spawnattr_init(&attributes_);
        // Whatever is sent to a supervisor before it listens waits for it.
        sigset_t blocked;
        sigemptyset(&blocked);
        for (int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&blocked, number);
        posix_spawnattr_setsigmask(&attributes_, &blocked);
        sigset_t standard;
        sigfillset(&standard);
        posix_spawnattr_setsigdefault(&attributes_, &standard);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    ~SpawnSettings() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

} // namespace

Nursery::Nursery(uv_loop_t* loop, std::string program, Events events)
    : loop_(loop), program_(std::move(program)), events_(std::move(events)),
      late_timer_(loop, [this] { look_at_late_ones(); }) {}

// It still does what it was asked for: the runs are left to another process.
Nursery::~Nursery() {
    if (socket_ >= 0) close(socket_);
}

void Nursery::start() {
    auto fail = [this](int error) {
        throw HostFault("cannot start the supervisor " + program_ + ": " + std::strerror(error), !is_passing(error));
    };
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) fail(errno);
    const timeval limit{send_limit_s, 0};
    (void)setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int error = 0;
    {
        const SpawnSettings settings(ends[1]);
        std::string argument = rundir::nursery_argument;
        std::array<char*, 3> arguments{program_.data(), argument.data(), nullptr};
        std::array<char*, 1> environment{nullptr};
        const InheritedFileLimit as_inherited;
        error = posix_spawn(&pid_, program_.c_str(), settings.actions(), settings.attributes(), arguments.data(),
                            environment.data());
    }
    close(ends[1]);
    socket_ = ends[0];
    if (error == 0) {
        poll_ = std::make_unique<Poll>(loop_, socket_, [this](int, int) { take_answers(); });
        poll_->start(UV_READABLE);
        return;
    }
    close(std::exchange(socket_, -1));
    pid_ = 0;
    fail(error);
}

bool Nursery::send(std::int64_t token, int lock_fd) const {
    rundir::NurseryRequest request{token};
    iovec content{&request, sizeof request};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof lock_fd)> control{};
    msghdr message{};
    message.msg_iov = &content;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof lock_fd);
    std::memcpy(CMSG_DATA(header), &lock_fd, sizeof lock_fd);
    return sendmsg(socket_, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof request);
}

void Nursery::request(std::int64_t token, int lock_fd) {
    if (socket_ < 0) start();
    if (!send(token, lock_fd)) {
        const int error = errno;
        close_down(); // it has ended, or is stopped; in both cases the next one may do better
        if (error != EPIPE && error != ECONNRESET) {
            throw HostFault(std::string("cannot ask for a supervisor: ") + std::strerror(error), false);
        }
        start();
        if (!send(token, lock_fd)) {
            throw HostFault("cannot start the supervisor " + program_ + ": it ends at once", true);
        }
    }
    awaited_.push_back({token, uv_now(loop_)});
    if (!late_timer_.active()) late_timer_.start(look_every_ms, look_every_ms);
}

void Nursery::take_answers() {
    while (socket_ >= 0) {
        rundir::NurseryAnswer answer;
        const ssize_t size = recv(socket_, &answer, sizeof answer, MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size != static_cast<ssize_t>(sizeof answer)) return close_down();
        if (!awaited_.empty() && awaited_.front().token == answer.token) awaited_.pop_front();
        if (answer.pid > 0) {
            events_.born(answer.token, answer.pid);
        } else {
            events_.failed(answer.token, answer.error);
        }
    }
}

void Nursery::close_down() {
    if (socket_ < 0) return;
    poll_.reset();
    close(std::exchange(socket_, -1));
    late_timer_.stop();
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        (void)waitpid(std::exchange(pid_, 0), nullptr, 0);
    }
    for (const Awaited& one : std::exchange(awaited_, {})) events_.unknown(one.token);
}

bool Nursery::reaped(pid_t pid) {
    if (pid != pid_) return false;
    (void)waitpid(std::exchange(pid_, 0), nullptr, 0);
    spdlog::warn("event=nursery_gone pid={}", pid);
    take_answers(); // those that it gave, and then the end of the socket
    return true;
}

void Nursery::look_at_late_ones() {
    take_answers();
    if (awaited_.empty()) return late_timer_.stop();
    if (uv_now(loop_) - awaited_.front().since_ms < answer_limit_ms) return; // not while the host sleeps
    spdlog::error("event=nursery_stuck pid={} requests={}", pid_, awaited_.size());
    close_down();
}

} // namespace rcq::executor
