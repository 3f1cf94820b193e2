// One line on stderr that is written anew as things change, where stderr is a terminal.
#pragma once
#include <string>
#include <string_view>

namespace rcq::client {

class StatusLine {
public:
    explicit StatusLine(const std::string& colour); // auto, always, never
    ~StatusLine() { clear(); }
    StatusLine(const StatusLine&) = delete;
    StatusLine& operator=(const StatusLine&) = delete;

    [[nodiscard]] bool terminal() const { return terminal_; }
    [[nodiscard]] bool colours() const { return colours_; }
    // Columns that a line may take, by the size of the terminal as it is now; one less than it has, because a full line
    // leaves the cursor on the next one on some terminals.
    [[nodiscard]] static int width();

    // In the place of the one before; the text is safe, and no wider than the terminal. Nothing without a terminal.
    void show(const std::string& text);
    void clear();
    // The line as it stays, in the place of the one that is shown.
    void keep(const std::string& text);
    // A whole line that stays, above the one that is shown; also where there is no terminal. Made safe.
    void say(std::string_view text);

private:
    bool terminal_;
    bool colours_;
    std::string shown_;
};

} // namespace rcq::client
