#include "client/output.hpp"

#include "client/failure.hpp"
#include "client/text.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <sys/ioctl.h>
#include <system_error>
#include <unistd.h>

namespace rcq::client {

namespace {

constexpr std::size_t piece = 1 << 16;

} // namespace

bool wants_colours(const std::string& choice, bool terminal) {
    if (choice == "always") return true;
    if (choice == "never" || !terminal) return false;
    const char* term = std::getenv("TERM");          // NOLINT(concurrency-mt-unsafe): one thread
    const char* no_colour = std::getenv("NO_COLOR"); // NOLINT(concurrency-mt-unsafe)
    if (no_colour != nullptr && *no_colour != '\0') return false;
    return term != nullptr && std::string_view(term) != "dumb";
}

Output::Output(const OutputChoice& choice)
    : json_(choice.json), terminal_(isatty(STDOUT_FILENO) == 1), colours_(wants_colours(choice.colour, terminal_)),
      colour_choice_(choice.colour) {}

int Output::width() const {
    if (const char* columns = std::getenv("COLUMNS")) { // NOLINT(concurrency-mt-unsafe): one thread
        const std::string_view text(columns);
        int width = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), width);
        if (error == std::errc{} && end == text.data() + text.size() && width > 0) return width;
    }
    winsize size{};
    if (!terminal_ || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}

void Output::write(std::string_view bytes) {
    pending_ += bytes;
    if (pending_.size() >= piece) flush();
}

void Output::line(std::string_view text) { write(safe_text(text) + "\n"); }

void Output::table(const Table& table) { write(table.text(width(), colours_)); }

void Output::json_text(std::string_view text) {
    if (terminal_) return write(safe_json(text));
    write(text);
}

void Output::json_rows(const std::vector<std::string>& rows) { json_document(json_array(rows)); }

void Output::json_document(std::string_view document) {
    json_text(document);
    write("\n");
}

void Output::flush() {
    std::string_view rest = pending_;
    while (!rest.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
        if (written >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(written));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN) { // somebody else made it so
            pollfd wait{STDOUT_FILENO, POLLOUT, 0};
            (void)poll(&wait, 1, -1);
            continue;
        }
        const int error = errno;
        pending_.clear();
        if (error == EPIPE) throw Failure(ExitCode::broken_pipe, "");
        throw Failure(ExitCode::refused, "cannot write the output: " + std::generic_category().message(error));
    }
    pending_.clear();
}

namespace {

// What comes in several lines, as libpq's messages, in one.
std::string in_one_line(std::string_view text) {
    std::string line;
    for (char c : text) {
        const bool space = c == '\n' || c == '\t' || c == ' ';
        if (!space) line += c;
        if (space && !line.empty() && line.back() != ' ') line += ' ';
    }
    return line;
}

} // namespace

void complain(std::string_view message) {
    std::fputs(("rcq: " + safe_text(in_one_line(message)) + "\n").c_str(), stderr);
}

void advise(std::string_view hint) { std::fputs(("hint: " + safe_text(in_one_line(hint)) + "\n").c_str(), stderr); }

std::string json_array(const std::vector<std::string>& rows) {
    if (rows.empty()) return "[]";
    std::string text = "[";
    for (std::size_t i = 0; i < rows.size(); ++i) text.append(i == 0 ? "" : ",\n ").append(rows[i]);
    return text + "]";
}

} // namespace rcq::client
