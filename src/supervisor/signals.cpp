#include "supervisor/signals.hpp"

#include <array>
#include <csignal>
#include <sys/signalfd.h>
#include <unistd.h>

namespace rcq::supervisor {

int open_signals() {
    // An executor that ignores SIGCHLD would leave us without the ends of our children.
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    for (int number : {SIGCHLD, SIGTERM, SIGINT}) sigaction(number, &action, nullptr);
    action.sa_handler = SIG_IGN;
    for (int number : ignored_signals) sigaction(number, &action, nullptr);
    sigset_t events;
    sigemptyset(&events);
    for (int number : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&events, number);
    sigprocmask(SIG_SETMASK, &events, nullptr);
    return signalfd(-1, &events, SFD_CLOEXEC | SFD_NONBLOCK);
}

Signals take_signals(int fd) {
    Signals signals;
    std::array<signalfd_siginfo, 4> infos;
    for (ssize_t size = 0; (size = read(fd, infos.data(), sizeof infos)) > 0;) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(size) / sizeof infos[0]; ++i) {
            signals.child = signals.child || infos[i].ssi_signo == SIGCHLD;
            signals.terminate = signals.terminate || infos[i].ssi_signo == SIGTERM;
            signals.kill = signals.kill || infos[i].ssi_signo == SIGINT;
        }
    }
    return signals;
}

} // namespace rcq::supervisor
