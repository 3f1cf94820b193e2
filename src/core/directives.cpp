#include "directives.hpp"
#include "quoted.hpp"
#include "submit_options.hpp"
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace rcq::core {
namespace {

// A script is submitted again and again, by whoever has it; these say which one submission it is.
constexpr std::array<std::string_view, 2> not_in_scripts{"external-id", "idempotency-key"};

constexpr const char* how_to_quote =
    "Put a value with spaces into quotes, --name=\"two words\"; a word that begins with "
    "# ends the directive.";

bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_blank_or_comment(std::string_view line) {
    const std::size_t first = line.find_first_not_of(" \t\v\f");
    return first == std::string_view::npos || line[first] == '#';
}

struct Word {
    std::string text;
    bool quoted = false; // begins with a quotation mark: a value, whatever is in it
};

// The next word of a directive; none at its end.
std::optional<Word> cut_word(std::string_view& rest, int line) {
    while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
    if (rest.empty() || rest.front() == '#') return std::nullopt;
    Word word;
    word.quoted = rest.front() == '"' || rest.front() == '\'';
    while (!rest.empty() && !is_space(rest.front())) {
        const char open = rest.front();
        rest.remove_prefix(1);
        if (open != '"' && open != '\'') {
            word.text += open;
            continue;
        }
        for (;; rest.remove_prefix(1)) {
            if (rest.empty())
                throw DirectiveError(line, std::string("a quotation mark ") + open + " is not closed", how_to_quote);
            if (rest.front() == open) break;
            if (open == '"' && rest.size() > 1 && rest[0] == '\\' && (rest[1] == '"' || rest[1] == '\\'))
                rest.remove_prefix(1);
            word.text += rest.front();
        }
        rest.remove_prefix(1);
    }
    return word;
}

bool looks_like_option(const Word& word) {
    const bool is_number = word.text.size() > 1 && word.text[1] >= '0' && word.text[1] <= '9';
    return !word.quoted && word.text.starts_with('-') && !is_number;
}

std::string all_options() {
    std::string all;
    for (const SubmitOption& option : submit_options()) {
        if (std::count(not_in_scripts.begin(), not_in_scripts.end(), option.name)) continue;
        all += (all.empty() ? "--" : ", --") + std::string(option.name);
    }
    return all;
}

// is_long: it followed two dashes.
const SubmitOption& known_option(const std::string& name, bool is_long, int line) {
    const bool has_form = is_long ? name.size() > 1 : !name.empty();
    const SubmitOption* option = has_form ? find_submit_option(name) : nullptr;
    if (option && std::count(not_in_scripts.begin(), not_in_scripts.end(), option->name))
        throw DirectiveError(line, "--" + name + " cannot stand in a script",
                             "It is for one submission, and a script may be submitted again: give it with the call.");
    if (option) return *option;
    const std::string dashes = is_long ? "--" : "-";
    const std::string_view instead = instead_of_option(name);
    if (!instead.empty())
        throw DirectiveError(line, "there is no option " + quoted(dashes + name),
                             "Instead: " + std::string(instead) + ".");
    const std::string near = nearest_submit_option(name);
    throw DirectiveError(line, "there is no option " + quoted(dashes + name),
                         near.empty() ? "Options are " + all_options() + "." : "Did you mean --" + near + "?");
}

class Reader {
public:
    // What follows the mark in a line.
    void read(std::string_view rest, int line) {
        std::optional<Word> next = cut_word(rest, line);
        while (next) {
            const Word word = std::move(*next);
            next = cut_word(rest, line);
            if (!looks_like_option(word))
                throw DirectiveError(line, quoted(word.text) + " is no option",
                                     std::string("Options begin with - or --. ") + how_to_quote);
            const bool is_long = word.text.starts_with("--");
            const std::size_t name_at = is_long ? 2 : 1;
            const std::size_t name_end = is_long ? std::min(word.text.find('='), word.text.size()) : name_at + 1;
            const bool joined = name_end < word.text.size(); // --name=value, -c8
            const SubmitOption& option = known_option(word.text.substr(name_at, name_end - name_at), is_long, line);
            std::string value;
            if (joined) {
                value = word.text.substr(name_end + (is_long ? 1 : 0));
            } else if (option.kind != OptionKind::flag && next && !looks_like_option(*next)) {
                value = std::move(next->text);
                next = cut_word(rest, line);
            }
            if (value.empty() && (joined || option.kind != OptionKind::flag))
                throw DirectiveError(line, "--" + std::string(option.name) + " has no value",
                                     option.kind == OptionKind::flag ? "Write --" + std::string(option.name) + " alone."
                                                                     : "Write --" + std::string(option.name) + "=" +
                                                                           std::string(option.argument) + ".");
            set(option, value, line);
        }
    }

    Directives result() && {
        Directives directives;
        for (auto& [field, json] : fields_) directives.fields[field] = {std::move(json), lines_.at(field)};
        return directives;
    }

private:
    void set(const SubmitOption& option, std::string_view value, int line) {
        const auto before = lines_.find(option.field);
        if (before != lines_.end() && !is_repeatable(option.kind))
            throw DirectiveError(line, "--" + std::string(option.name) + " is given twice",
                                 "Line " + std::to_string(before->second) + " says it, too: leave one of them.");
        if (++count_ > max_directive_options)
            throw DirectiveError(line, "more than " + std::to_string(max_directive_options) + " options",
                                 "Give large environments in a file that the script reads.");
        try {
            set_option(fields_, option, value);
        } catch (const OptionError& error) {
            throw DirectiveError(line, error.message(), error.hint());
        }
        lines_.insert_or_assign(std::string(option.field), line);
    }

    std::map<std::string, std::string, std::less<>> fields_;
    std::map<std::string, int, std::less<>> lines_;
    std::size_t count_ = 0;
};

} // namespace

DirectiveError::DirectiveError(int line, const std::string& message, std::string hint)
    : std::runtime_error(place_in_script(line) + message), line_(line), hint_(std::move(hint)) {}

std::string place_in_script(int line) { return "line " + std::to_string(line) + " of the script: "; }

Directives read_directives(std::string_view script) {
    Reader reader;
    int number = 0;
    for (std::size_t at = 0; at < script.size();) {
        const std::size_t end = std::min(script.find('\n', at), script.size());
        std::string_view line = script.substr(at, end - at);
        number++;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.size() > directive_mark.size() && line.starts_with(directive_mark) &&
            is_space(line[directive_mark.size()])) {
            if (end > max_directive_bytes)
                throw DirectiveError(
                    number, "the directive is beyond the first " + std::to_string(max_directive_bytes) + " bytes",
                    "Put directives at the beginning of the script.");
            reader.read(line.substr(directive_mark.size()), number);
        } else if (!is_blank_or_comment(line)) {
            break;
        }
        at = end + 1;
    }
    return std::move(reader).result();
}

} // namespace rcq::core
