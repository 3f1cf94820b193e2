#include "supervisor/alarm.hpp"

#include <algorithm>
#include <ctime>
#include <sys/timerfd.h>
#include <unistd.h>

namespace rcq::supervisor {

Alarm::~Alarm() {
    if (fd_ >= 0) close(fd_);
}

bool Alarm::open() {
    if (fd_ < 0) fd_ = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    return fd_ >= 0;
}

void Alarm::set(std::int64_t at_ms) {
    at_ms = std::max<std::int64_t>(at_ms, 1); // zero would be never
    if (at_ms == at_ms_) return;
    at_ms_ = at_ms;
    itimerspec moment{};
    moment.it_value.tv_sec = at_ms / 1000;
    moment.it_value.tv_nsec = at_ms % 1000 * 1'000'000;
    (void)timerfd_settime(fd_, TFD_TIMER_ABSTIME, &moment, nullptr);
}

} // namespace rcq::supervisor
