// What a user's past runs say about the next one: how far estimates are off, and how long runs take.
#pragma once
#include "types.hpp"
#include <array>
#include <unordered_map>

namespace rcq::core {

// By how much plans stretch a user's estimates: the median of actual / estimated run time over the last 32 ended runs
// that had an estimate, where it is above 1. Estimates that are too long are left alone: they are the user's to give.
class Estimates {
public:
    static constexpr std::size_t samples_kept = 32;
    static constexpr std::size_t samples_needed = 5;

    // A run ended by itself: not killed, not lost. Without a positive estimate, or with a negative time: ignored.
    void record(UserId user, Micros estimate, Micros actual);

    // 1 or more; 1 with fewer than 5 samples.
    double correction(UserId user) const;

private:
    struct Ratios {
        std::array<double, samples_kept> last{}; // a ring
        std::size_t recorded = 0;                // ever
        double correction = 1;
    };
    std::unordered_map<UserId, Ratios> users_;
};

// The run time to expect of a user's next job, for plans that trust the past more than estimates: the mean of the last
// two. Source: D. Tsafrir, Y. Etsion, D. G. Feitelson, "Backfilling Using System-Generated Predictions Rather than User
// Runtime Estimates", IEEE TPDS 18(6), 2007 (EASY++).
class RunTimes {
public:
    void record(UserId user, Micros actual);

    // None before the second run of the user has ended.
    std::optional<Micros> predict(UserId user) const;

private:
    struct LastTwo {
        std::optional<Micros> last;
        std::optional<Micros> before;
    };
    std::unordered_map<UserId, LastTwo> users_;
};

} // namespace rcq::core
