#include "client/screen.hpp"

#include "client/failure.hpp"

#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/ioctl.h>
#include <system_error>
#include <termios.h>
#include <unistd.h>

namespace rcq::client {

namespace {

constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view leave = "\x1b[0m\x1b[?25h\x1b[?1049l";
constexpr std::array ending = {SIGTERM, SIGHUP, SIGQUIT};

// What signal handlers need; there is one Screen at a time.
termios before{};
termios during{};
std::array<int, 2> changes{-1, -1}; // the ends of a pipe

// All of it may be called by a signal handler.
void write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

void take_terminal() {
    tcsetattr(STDIN_FILENO, TCSADRAIN, &during);
    write_all(enter);
}

void give_back() {
    write_all(leave);
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

void end_by(int number) {
    give_back();
    signal(number, SIG_DFL);
    raise(number);
}

// The next key() returns at once.
void note_change(int) {
    const int kept = errno;
    const char byte = 'c';
    if (write(changes[1], &byte, 1) < 0) errno = kept; // full: one is noted
    errno = kept;
}

void stop(int) {
    const int kept = errno;
    give_back();
    raise(SIGSTOP);
    take_terminal();
    note_change(SIGCONT);
    errno = kept;
}

void handle(int number, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, nullptr);
}

} // namespace

Screen::Screen() {
    if (tcgetattr(STDIN_FILENO, &before) != 0) {
        throw Failure(ExitCode::refused, "cannot use the terminal: " + std::generic_category().message(errno));
    }
    if (pipe2(changes.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        throw Failure(ExitCode::refused, "pipe2: " + std::generic_category().message(errno));
    }
    during = before;
    during.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    during.c_cc[VMIN] = 1;
    during.c_cc[VTIME] = 0;
    for (const int number : ending) {
        struct sigaction now {};
        sigaction(number, nullptr, &now);
        if (now.sa_handler != SIG_IGN) handle(number, end_by); // nohup means it
    }
    handle(SIGTSTP, stop);
    handle(SIGWINCH, note_change);
    take_terminal();
}

Screen::~Screen() {
    for (const int number : ending) handle(number, SIG_DFL);
    handle(SIGTSTP, SIG_DFL);
    handle(SIGWINCH, SIG_DFL);
    give_back();
    for (const int end : changes) close(end);
}

Screen::Size Screen::size() {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
    return {size.ws_col, size.ws_row};
}

void Screen::show(const std::string& lines) {
    std::string frame = "\x1b[H";
    std::string_view rest = lines;
    for (int left = size().rows; left > 0 && !rest.empty(); --left) {
        const std::size_t end = rest.find('\n');
        frame.append(rest.substr(0, end)).append("\x1b[K");
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (left > 1 && !rest.empty()) frame += "\r\n";
    }
    frame += "\x1b[J";
    if (isatty(STDOUT_FILENO) == 0) throw Failure(ExitCode::refused, "the terminal is gone");
    write_all(frame);
}

char Screen::key(double seconds, int interrupt) {
    std::array<pollfd, 3> waits = {pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{interrupt, POLLIN, 0},
                                   pollfd{changes[0], POLLIN, 0}};
    if (poll(waits.data(), waits.size(), static_cast<int>(std::ceil(seconds * 1000))) <= 0) return '\0';
    std::array<char, 16> bytes{};
    while (read(changes[0], bytes.data(), bytes.size()) > 0) {
    }
    if (waits[0].revents == 0) return '\0';
    char key = '\0';
    const ssize_t count = read(STDIN_FILENO, &key, 1);
    if (count == 0 || (count < 0 && errno != EINTR)) throw Failure(ExitCode::refused, "the terminal is gone");
    return count == 1 ? key : '\0';
}

} // namespace rcq::client
