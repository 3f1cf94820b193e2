#include "client/help.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace rcq::client {

namespace {

constexpr const char* not_in_help = "";

} // namespace

// A positional is called by what it is: JOB, FILE.
std::string HelpFormatter::make_option_name(const CLI::Option* option, bool is_positional) const {
    return is_positional ? option->get_type_name() : CLI::Formatter::make_option_name(option, false);
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
    if (option->get_positional() || option->get_type_size() == 0) return {};
    const std::string usual = option->get_default_str();
    return " " + option->get_type_name() + (usual.empty() ? "" : "=" + usual);
}

std::string HelpFormatter::make_option_usage(const CLI::Option* positional) const {
    std::string usage = positional->get_type_name();
    const bool several = positional->get_expected_max() >= CLI::detail::expected_max_vector_size;
    if (several && usage.find("...") == std::string::npos) usage += "...";
    return positional->get_required() ? usage : "[" + usage + "]";
}

CLI::Validator whole_number(std::int64_t least, std::int64_t most) {
    const bool bounded = most != std::numeric_limits<std::int64_t>::max();
    const std::string range = bounded ? fmt::format("from {} to {}", least, most) : fmt::format("from {} on", least);
    return {[=](const std::string& text) -> std::string {
                std::int64_t value = 0;
                const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
                const bool fine =
                    error == std::errc{} && end == text.data() + text.size() && value >= least && value <= most;
                return fine ? "" : fmt::format("\"{}\" is no whole number {}", text, range);
            },
            not_in_help};
}

CLI::Validator one_of(const std::vector<std::string>& words) {
    return {[words](const std::string& text) -> std::string {
                const bool fine = std::find(words.begin(), words.end(), text) != words.end();
                return fine ? "" : fmt::format("\"{}\" is none of {}", text, fmt::join(words, ", "));
            },
            not_in_help};
}

std::string choice(const std::vector<std::string>& words) { return fmt::format("{{{}}}", fmt::join(words, ",")); }

} // namespace rcq::client
