#include "client/status_line.hpp"

#include "client/output.hpp"

#include <cstdio>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace rcq::client {

StatusLine::StatusLine(const std::string& colour)
    : terminal_(isatty(STDERR_FILENO) == 1), colours_(wants_colours(colour, terminal_)) {}

int StatusLine::width() {
    winsize size{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return 79;
    return size.ws_col - 1;
}

void StatusLine::show(const std::string& text) {
    if (!terminal_ || text == shown_) return;
    std::fputs(("\r" + text + "\x1b[K").c_str(), stderr);
    std::fflush(stderr);
    shown_ = text;
}

void StatusLine::clear() {
    if (shown_.empty()) return;
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
    shown_.clear();
}

void StatusLine::keep(const std::string& text) {
    show(text);
    std::fputs("\n", stderr);
    shown_.clear();
}

void StatusLine::say(std::string_view text) {
    clear();
    complain(text);
}

} // namespace rcq::client
