// Owning wrappers of the libuv handles that the executor uses. Destroying one stops it at once; the handle itself is
// freed by the loop's next turn. A callback may destroy its own wrapper.
#pragma once
#include <cstdint>
#include <functional>
#include <uv.h>

namespace rcq::executor {

class Timer {
public:
    Timer(uv_loop_t* loop, std::function<void()> callback);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    void start(std::uint64_t delay_ms, std::uint64_t repeat_ms = 0);
    void stop();
    [[nodiscard]] bool active() const;

private:
    struct Handle;
    Handle* handle_;
};

class Poll {
public:
    using Callback = std::function<void(int status, int events)>;
    Poll(uv_loop_t* loop, int fd, Callback callback);
    ~Poll();
    Poll(const Poll&) = delete;
    Poll& operator=(const Poll&) = delete;

    void start(int events); // UV_READABLE, UV_WRITABLE
    void stop();

private:
    struct Handle;
    Handle* handle_;
    int events_ = 0;
};

class Signal {
public:
    Signal(uv_loop_t* loop, int number, std::function<void()> callback);
    ~Signal();
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

private:
    struct Handle;
    Handle* handle_;
};

} // namespace rcq::executor
