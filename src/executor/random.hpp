// Randomness from the kernel: the incarnation of this process, and jitter.
#pragma once
#include <cstdint>

namespace rcq::executor {

// A random positive 63-bit number, never 0.
std::int64_t random_positive();

// A random number in [0, 1).
double random_unit();

} // namespace rcq::executor
