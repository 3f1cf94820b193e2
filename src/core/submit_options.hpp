// The options of a submission as people write them, in a script (#RCQ --memory=32G) and on a command line (-m 32G): one
// table of them, and what their values become in a request. Pure.
#pragma once
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rcq::core {

// How the value of an option is written, and what it is in JSON.
enum class OptionKind {
    integer,  // 8                                         a number
    memory,   // 32G, 500M, 1.5T, 32 = 32 GB               a number of GB; K, M, G, T, each 1024 times the one before
    hours,    // as a duration; 4 = 4h                     a number of hours
    duration, // 4h, 90m, 1h30m, 1:30:00, 2-12:00:00, 2d   a number of seconds
    text,     // anything                                  a text
    flag,  // nothing, or true or false                 a boolean; options whose names begin with no- say the opposite
    time,  // 2030-01-31T08:00:00Z, tomorrow 08:00, now+2h   a text, which the server understands
    list,  // avx512,nvme                               an array of texts
    env,   // NAME=VALUE                                an object of texts
    array, // 1-10, 1-1000:2%50                         a text
    dependency, // ok:41,any:42:43,singleton                 a text
    number,     // 0.5                                       a number
    amounts     // NAME=2, or NAME for one                   an object of numbers
};

// Whether an option of this kind may be given again and again: each adds to what was there.
bool is_repeatable(OptionKind kind);

struct SubmitOption {
    std::string_view name;     // without the dashes: "cpu-cores"
    char letter;               // the short one: 'c'; '\0' when there is none
    std::string_view field;    // of a request in JSON: "cpu_cores"
    OptionKind kind;           //
    std::string_view argument; // what a help text calls the value: "N"; empty for a flag
    std::string_view help;     // one line, without a full stop
};

// In the order in which a help text shows them.
std::span<const SubmitOption> submit_options();

// By the name or by the letter alone ("c"); nullptr: there is none.
const SubmitOption* find_submit_option(std::string_view name);

// The name of the option that somebody meant who wrote this one, by its spelling or by what sbatch calls it ("mem"
// gives "memory"); empty: none is near.
std::string nearest_submit_option(std::string_view name);

// What there is instead of an option of sbatch that has no counterpart ("output", "o"), in one line without a full
// stop; empty: nothing is known of it. docs/reference/directives.md has the same.
std::string_view instead_of_option(std::string_view name);

// A value that the option does not take. what() says what is wrong and what is right.
class OptionError : public std::runtime_error {
public:
    OptionError(std::string message, std::string hint)
        : std::runtime_error(message + ". " + hint), message_(std::move(message)), hint_(std::move(hint)) {}
    const std::string& message() const { return message_; } // what is wrong: "--memory: "3x" is no amount of memory"
    const std::string& hint() const { return hint_; }       // what is right: "Write 32G, 500M, ..."

private:
    std::string message_, hint_;
};

// Puts a value into the fields of a request: JSON text by name of the field. What was there is replaced; the values of
// a repeatable option are gathered, and a name that is given twice is an error. Throws OptionError and changes nothing
// when the value is malformed; whether a well-formed one is allowed (core::check) and what a time means is the server's
// affair.
void set_option(std::map<std::string, std::string, std::less<>>& fields, const SubmitOption& option,
                std::string_view value);

} // namespace rcq::core
