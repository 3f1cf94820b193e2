#include "client/interrupts.hpp"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace rcq::client {

namespace {

std::atomic<int> write_end = -1;

void on_signal(int) {
    const int kept = errno;
    const char byte = 'i';
    if (write(write_end, &byte, 1) < 0) errno = kept; // full: enough are noted
    errno = kept;
}

} // namespace

Interrupts::Interrupts() {
    if (pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe2");
    write_end = ends_[1];
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &before_);
}

Interrupts::~Interrupts() {
    sigaction(SIGINT, &before_, nullptr);
    write_end = -1;
    close(ends_[0]);
    close(ends_[1]);
}

bool Interrupts::take() {
    bool any = false;
    std::array<char, 16> bytes{};
    while (read(ends_[0], bytes.data(), bytes.size()) > 0) any = true;
    return any;
}

} // namespace rcq::client
