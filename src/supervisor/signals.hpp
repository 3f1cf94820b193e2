// Signals as events of the loop.
#pragma once
#include <array>
#include <csignal>

namespace rcq::supervisor {

// Those that would end a supervisor for no reason: a terminal that goes away, a file that reached a limit of size.
inline constexpr std::array ignored_signals{SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2, SIGXFSZ};

struct Signals {
    bool child = false;
    bool terminate = false; // cancel, with the grace time
    bool kill = false;      // cancel at once
};

// Blocks SIGCHLD, SIGTERM and SIGINT and returns a descriptor that tells of them, or -1 with errno; ignores
// ignored_signals, which a child has to set back.
int open_signals();

// All that came since.
Signals take_signals(int fd);

} // namespace rcq::supervisor
