// The whole terminal, for as long as this is there.
#pragma once
#include <string>

namespace rcq::client {

// Takes the other page of the terminal, hides the cursor and reads keys one by one; gives all of that back when it is
// destroyed, when a signal ends the process (SIGTERM, SIGHUP, SIGQUIT) and while the process is stopped (Ctrl-Z).
// Ctrl-C is for Interrupts. One at a time; stdin and stdout are terminals.
class Screen {
public:
    Screen();
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    struct Size {
        int columns = 80;
        int rows = 24;
    };
    [[nodiscard]] static Size size(); // as it is now

    // The screen from its first line on; what does not fit below is left out. Lines are no wider than the screen.
    // Throws Failure when the terminal is gone.
    static void show(const std::string& lines);

    // Waits for a key at most so long, and no longer than until `interrupt` is readable, the size has changed or the
    // process goes on after Ctrl-Z. '\0': none.
    [[nodiscard]] char key(double seconds, int interrupt);
};

} // namespace rcq::client
