// What the command writes to stdout: lines and tables for people, or one JSON document for programs.
#pragma once
#include "client/table.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rcq::client {

struct OutputChoice {
    bool json = false;
    std::string colour = "auto"; // auto, always, never
};

// Whether to write colours, where there is a terminal or not: TERM and NO_COLOR say, too.
bool wants_colours(const std::string& choice, bool terminal);

class Output {
public:
    explicit Output(const OutputChoice& choice);

    [[nodiscard]] bool json() const { return json_; }
    [[nodiscard]] bool terminal() const { return terminal_; }
    [[nodiscard]] bool colours() const { return colours_; }
    [[nodiscard]] const std::string& colour_choice() const { return colour_choice_; }
    // Columns of the terminal; 0 where there is none. COLUMNS says otherwise.
    [[nodiscard]] int width() const;

    // Gathered and written in large pieces; flush() writes what is there.
    void write(std::string_view bytes); // as they are
    void line(std::string_view text);   // made safe, with an end of line
    void table(const Table& table);

    // A piece of a JSON document; what a terminal would take for more than text is escaped there.
    void json_text(std::string_view text);
    // A JSON document out of what the server wrote: an array of these objects, one on a line; a single one; or
    // anything.
    void json_rows(const std::vector<std::string>& rows);
    void json_document(std::string_view document);

    // Throws Failure: the reader has gone (broken_pipe, silently), or nothing more can be written there.
    void flush();

private:
    bool json_;
    bool terminal_;
    bool colours_;
    std::string colour_choice_;
    std::string pending_;
};

// A line on stderr, made safe, with "rcq: " before it.
void complain(std::string_view message);
// The same for what can be done about it.
void advise(std::string_view hint);

// An array of JSON objects, one on a line.
std::string json_array(const std::vector<std::string>& rows);

} // namespace rcq::client
