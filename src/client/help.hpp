// How --help says what an option takes: as the manual does, without the words of the parser.
#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace rcq::client {

class HelpFormatter : public CLI::Formatter {
public:
    [[nodiscard]] std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
    [[nodiscard]] std::string make_option_opts(const CLI::Option* option) const override;
    [[nodiscard]] std::string make_option_usage(const CLI::Option* positional) const override;
};

// What an option takes, in words of our own; nothing of it is added to the help.
CLI::Validator whole_number(std::int64_t least, std::int64_t most = std::numeric_limits<std::int64_t>::max());
CLI::Validator one_of(const std::vector<std::string>& words);
// What the help shows for the latter: "{auto,always,never}".
std::string choice(const std::vector<std::string>& words);

} // namespace rcq::client
