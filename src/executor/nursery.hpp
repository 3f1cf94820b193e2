// The executor's side of the nursery (rundir/nursery.hpp): the process that forks a supervisor for each run. It is
// started with the first request, and again when it is gone or does not answer. Nobody waits for an answer: it comes
// from the loop.
#pragma once
#include "executor/loop.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace rcq::executor {

class Nursery {
public:
    struct Events {
        std::function<void(std::int64_t token, pid_t pid)> born; // a child of this process
        std::function<void(std::int64_t token, int error)> failed;
        std::function<void(std::int64_t token)> unknown; // the nursery went without an answer: it may live or not
    };

    // `program` is the path of rcq-supervisor.
    Nursery(uv_loop_t* loop, std::string program, Events events);
    ~Nursery();
    Nursery(const Nursery&) = delete;
    Nursery& operator=(const Nursery&) = delete;

    // Asks for a supervisor of the run in the open and locked directory `lock_fd`, which stays the caller's. One event
    // follows. Throws HostFault.
    void request(std::int64_t token, int lock_fd);

    // Deals with the answers that are there already, so that a child is known before its end is looked for.
    void take_answers();

    // True when this child is, or was, the nursery; it is waited for.
    bool reaped(pid_t pid);

private:
    void start();
    bool send(std::int64_t token, int lock_fd) const;
    void close_down();
    void look_at_late_ones();

    uv_loop_t* loop_;
    std::string program_;
    Events events_;
    int socket_ = -1;
    pid_t pid_ = 0;
    std::unique_ptr<Poll> poll_;
    struct Awaited {
        std::int64_t token;
        std::uint64_t since_ms;
    };
    std::deque<Awaited> awaited_; // in the order of their requests
    Timer late_timer_;
};

} // namespace rcq::executor
