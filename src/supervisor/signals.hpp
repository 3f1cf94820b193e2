// Signals as events of the loop.
#pragma once

namespace rcq::supervisor {

struct Signals {
    bool child = false;
    bool terminate = false; // cancel, with the grace time
    bool kill = false;      // cancel at once
};

// Blocks SIGCHLD, SIGTERM and SIGINT and returns a descriptor that tells of them; ignores those that would end the
// supervisor for no reason. -1 with errno.
int open_signals();

// All that came since.
Signals take_signals(int fd);

} // namespace rcq::supervisor
