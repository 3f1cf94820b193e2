#include "executor/loop.hpp"

#include <memory>
#include <stdexcept>
#include <string>

namespace rcq::executor {

namespace {

void check(int result, const char* what) {
    if (result < 0) throw std::runtime_error(std::string(what) + ": " + uv_strerror(result));
}

// The struct outlives its wrapper until the loop has closed the handle; a callback that destroys the wrapper
// therefore returns into memory that is still there.
template <class Handle> void close_and_delete(Handle* handle) {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle->uv),
             [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
}

} // namespace

struct Timer::Handle {
    uv_timer_t uv;
    std::function<void()> callback;
};

Timer::Timer(uv_loop_t* loop, std::function<void()> callback) : handle_(new Handle{{}, std::move(callback)}) {
    uv_timer_init(loop, &handle_->uv);
    handle_->uv.data = handle_;
}

Timer::~Timer() { close_and_delete(handle_); }

void Timer::start(std::uint64_t delay_ms, std::uint64_t repeat_ms) {
    uv_timer_start(
        &handle_->uv, [](uv_timer_t* timer) { static_cast<Handle*>(timer->data)->callback(); }, delay_ms, repeat_ms);
}

void Timer::stop() { uv_timer_stop(&handle_->uv); }

bool Timer::active() const { return uv_is_active(reinterpret_cast<const uv_handle_t*>(&handle_->uv)) != 0; }

struct Poll::Handle {
    uv_poll_t uv;
    Callback callback;
};

Poll::Poll(uv_loop_t* loop, int fd, Callback callback) {
    auto handle = std::unique_ptr<Handle>(new Handle{{}, std::move(callback)});
    check(uv_poll_init(loop, &handle->uv, fd), "uv_poll_init");
    handle_ = handle.release();
    handle_->uv.data = handle_;
}

Poll::~Poll() { close_and_delete(handle_); }

void Poll::start(int events) {
    if (events == events_) return;
    events_ = events;
    check(uv_poll_start(&handle_->uv, events,
                        [](uv_poll_t* poll, int status, int happened) {
                            static_cast<Handle*>(poll->data)->callback(status, happened);
                        }),
          "uv_poll_start");
}

void Poll::stop() {
    events_ = 0;
    uv_poll_stop(&handle_->uv);
}

struct Signal::Handle {
    uv_signal_t uv;
    std::function<void()> callback;
};

Signal::Signal(uv_loop_t* loop, int number, std::function<void()> callback)
    : handle_(new Handle{{}, std::move(callback)}) {
    uv_signal_init(loop, &handle_->uv);
    handle_->uv.data = handle_;
    uv_signal_start(
        &handle_->uv, [](uv_signal_t* signal, int) { static_cast<Handle*>(signal->data)->callback(); }, number);
}

Signal::~Signal() { close_and_delete(handle_); }

} // namespace rcq::executor
