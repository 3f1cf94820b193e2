// Waiting time before the next attempt: doubles from `first` up to `limit`; the upper half of each wait is random, so
// that the executors of a cluster do not come back in one instant.
#pragma once
#include <algorithm>
#include <cstdint>

namespace rcq::executor {

class Backoff {
public:
    Backoff(std::uint64_t first_ms, std::uint64_t limit_ms) : first_ms_(first_ms), limit_ms_(limit_ms) {}

    // `unit` is a random number in [0, 1).
    std::uint64_t next(double unit) {
        current_ms_ = current_ms_ == 0 ? first_ms_ : std::min(limit_ms_, current_ms_ * 2);
        std::uint64_t half = current_ms_ / 2;
        return half + static_cast<std::uint64_t>(static_cast<double>(current_ms_ - half) * unit);
    }

    void reset() { current_ms_ = 0; }
    void set_limit(std::uint64_t limit_ms) { limit_ms_ = std::max(limit_ms, first_ms_); }

private:
    std::uint64_t first_ms_;
    std::uint64_t limit_ms_;
    std::uint64_t current_ms_ = 0;
};

} // namespace rcq::executor
