// Wakes the loop at a moment of CLOCK_BOOTTIME. The timeout of poll would stand still while the host sleeps.
#pragma once
#include <cstdint>

namespace rcq::supervisor {

class Alarm {
public:
    Alarm() = default;
    ~Alarm();
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;

    // False, with errno. Does nothing when it is open.
    bool open();
    // Readable from that moment on, until it is set to another.
    [[nodiscard]] int fd() const { return fd_; }
    void set(std::int64_t at_ms);

private:
    int fd_ = -1;
    std::int64_t at_ms_ = 0;
};

} // namespace rcq::supervisor
