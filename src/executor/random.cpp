#include "executor/random.hpp"

#include <cerrno>
#include <sys/random.h>
#include <system_error>

namespace rcq::executor {

namespace {

std::uint64_t random_bits() {
    std::uint64_t bits = 0;
    while (getrandom(&bits, sizeof bits, 0) != static_cast<ssize_t>(sizeof bits)) {
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
    }
    return bits;
}

} // namespace

std::int64_t random_positive() {
    for (;;) {
        auto number = static_cast<std::int64_t>(random_bits() >> 1);
        if (number > 0) return number;
    }
}

double random_unit() { return static_cast<double>(random_bits() >> 11) * 0x1.0p-53; }

} // namespace rcq::executor
