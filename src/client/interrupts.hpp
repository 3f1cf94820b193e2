// Ctrl-C as something that can be waited for.
#pragma once
#include <array>
#include <csignal>

namespace rcq::client {

// From its construction on SIGINT no longer ends the process but makes fd() readable. One at a time.
class Interrupts {
public:
    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    [[nodiscard]] int fd() const { return ends_[0]; }
    // Whether one came since the last call.
    [[nodiscard]] bool take();

private:
    std::array<int, 2> ends_{-1, -1};
    struct sigaction before_ {};
};

} // namespace rcq::client
