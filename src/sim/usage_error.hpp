// What the person at the terminal can put right: a wrong argument, a file that cannot be read. Exit code 2.
#pragma once
#include <stdexcept>

namespace rcq::sim {

// The text is one line that says what is wrong and what to do about it.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

} // namespace rcq::sim
