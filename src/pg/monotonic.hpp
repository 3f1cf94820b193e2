// A clock for our own intervals.
#pragma once
#include "prelude.hpp"

namespace rcq::pg {

// Microseconds that pass evenly, whatever is done to the clock of the server.
inline TimestampTz monotonic() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

} // namespace rcq::pg
