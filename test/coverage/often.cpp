// Linked into the executor when lines are counted (test/coverage/run.sh): tests kill executors with -9, which leaves no
// time to write down what was counted, so it is written twice a second.
#include <chrono>
#include <csignal>
#include <thread>

extern "C" {
void __gcov_dump();  // NOLINT: names of the compiler's
void __gcov_reset(); // NOLINT
}

namespace {

[[maybe_unused]] const bool begun = [] {
    std::thread([] {
        for (;;) {
            std::this_thread::sleep_for(std::chrono::milliseconds(500));
            __gcov_dump();
            __gcov_reset();
        }
    }).detach();
    return true;
}();

} // namespace
