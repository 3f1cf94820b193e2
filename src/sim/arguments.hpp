// What the commands' arguments have in common.
#pragma once
#include "duration.hpp"
#include "usage_error.hpp"
#include <CLI/CLI.hpp>

namespace rcq::sim {

// A number in [low, high]; "nan" is none. Unlike CLI::Range, which lets it pass.
inline CLI::Validator between(double low, double high) {
    const auto text = [](double value) {
        std::ostringstream out;
        out.precision(12);
        out << value;
        return out.str();
    };
    const std::string range = text(low) + " to " + text(high);
    constexpr const char* not_in_help = "";
    return {[=](const std::string& argument) -> std::string {
                double value = 0;
                const bool fine = CLI::detail::lexical_cast(argument, value) && value >= low && value <= high;
                return fine ? "" : "\"" + argument + "\" is no number from " + range;
            },
            not_in_help};
}

// An option for a length of time of at least `least`, with `usual` as the default that the help shows.
template <typename Target>
void add_duration(CLI::App& app, const std::string& name, Target& target, core::Micros least, const std::string& usual,
                  const std::string& text) {
    const auto set = [&target, name, least](const std::string& argument) {
        try {
            target = parse_duration(argument);
        } catch (const UsageError& error) {
            throw CLI::ValidationError(name, error.what());
        }
        if (target < least) throw CLI::ValidationError(name, "must be above 0");
    };
    app.add_option_function<std::string>(name, set, text)->type_name("DURATION")->default_str(usual);
}

} // namespace rcq::sim
