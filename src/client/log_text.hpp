// The output of a job on a terminal: its colours are shown, and nothing else of it moves the cursor or changes the
// terminal.
#pragma once
#include <string>
#include <string_view>

namespace rcq::client {

// Takes pieces as they come; what a piece ends in the middle of waits for the next one. Ends of line (\n, \r\n, and \r
// alone, by which programs write over their own line) and tabs stay, and so do colours (ESC [ ... m) if wanted; the
// rest of what is no text is written as \x1b, bytes that are no UTF-8 as \xff.
class LogText {
public:
    explicit LogText(bool colours) : colours_(colours) {}

    std::string add(std::string_view bytes);
    // What waits still, and the end of all colours if there were any.
    std::string end();

private:
    void add_text(std::string_view text, std::string& out);
    std::size_t add_escape(std::string_view rest, std::string& out);

    bool colours_;
    bool coloured_ = false;
    std::string kept_;
};

} // namespace rcq::client
