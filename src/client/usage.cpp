// What was written wrongly, and what was probably meant: also by those who come from another queue.
#include "client/command.hpp"
#include "client/script.hpp"
#include "core/nearest.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace rcq::client {

namespace {

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
        for (const CLI::Option* option : level->get_options()) {
            for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
        }
    }
    return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
    return names;
}

// What other queues call what a subcommand here does.
struct Elsewhere {
    std::string_view name, here;
};
constexpr std::array elsewhere = {
    Elsewhere{"sbatch", "submit"}, Elsewhere{"srun", "submit"},     Elsewhere{"qsub", "submit"},
    Elsewhere{"run", "submit"},    Elsewhere{"squeue", "queue"},    Elsewhere{"qstat", "queue"},
    Elsewhere{"status", "queue"},  Elsewhere{"list", "queue"},      Elsewhere{"ls", "queue"},
    Elsewhere{"jobs", "queue"},    Elsewhere{"ps", "queue"},        Elsewhere{"scancel", "cancel"},
    Elsewhere{"qdel", "cancel"},   Elsewhere{"kill", "cancel"},     Elsewhere{"delete", "cancel"},
    Elsewhere{"sacct", "history"}, Elsewhere{"seff", "efficiency"}, Elsewhere{"sinfo", "top"},
    Elsewhere{"sprio", "explain"}, Elsewhere{"why", "explain"},     Elsewhere{"scontrol", "update"},
    Elsewhere{"info", "show"},     Elsewhere{"output", "logs"},     Elsewhere{"tail", "logs"},
    Elsewhere{"qhold", "hold"},    Elsewhere{"qrls", "release"},    Elsewhere{"qalter", "update"},
};

std::string nearest_command(const CLI::App& app, const std::string& word) {
    const auto* named = std::find_if(elsewhere.begin(), elsewhere.end(), [&](const auto& e) { return e.name == word; });
    if (named != elsewhere.end()) return "rcq " + std::string(named->here);
    const std::vector<std::string> names = command_names(app);
    return std::string(core::nearest(word, std::vector<std::string_view>(names.begin(), names.end())));
}

std::string nearest_option(const CLI::App& level, const std::string& word) {
    if (level.get_name() == "submit") {
        // also by what sbatch calls it
        const std::string meant = core::nearest_submit_option(word.substr(word.find_first_not_of('-')));
        if (!meant.empty()) return "--" + meant;
    }
    const std::vector<std::string> names = option_names(level);
    return std::string(core::nearest(word, std::vector<std::string_view>(names.begin(), names.end())));
}

// Ends without a full stop or a hint of CLI11's own, on one line.
std::string plain(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
}

std::string with_help(const std::string& meant, const std::string& help) {
    return meant.empty() ? help : "did you mean " + meant + "? Else " + help;
}

Failure unknown_option(const CLI::App& level, const std::string& given, const std::string& help) {
    const std::string word = given.substr(0, given.find('='));
    const std::string message = "there is no option " + word;
    if (level.get_name() == "submit") {
        const std::string name = word.substr(word.find_first_not_of('-'));
        const bool is_letter = !word.starts_with("--"); // its value may stand behind it: -N2
        const std::string_view instead = core::instead_of_option(is_letter ? name.substr(0, 1) : name);
        if (!instead.empty()) return {ExitCode::misused, message, std::string(instead)};
    }
    return {ExitCode::misused, message, with_help(nearest_option(level, word), help)};
}

// sbatch hands on what stands behind the script.
Failure superfluous_word(const CLI::App& level, const std::string& word, std::string help) {
    if (level.get_name() == "submit") {
        const std::vector<std::string> script = level.get_option("script")->results();
        if (script.size() == 1 && script.front() != "-") {
            help =
                "a script takes no arguments; as a command it does, where it is there on the host: rcq submit -- sh " +
                shell_word(script.front()) + " " + shell_word(word);
        }
    }
    return {ExitCode::misused, "nothing is known about \"" + word + "\" here", help};
}

} // namespace

bool lacks_command(const CLI::ParseError& error, const CLI::App& app) {
    return dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && app.get_subcommands().empty() &&
           app.remaining(true).empty();
}

Failure usage_failure(const CLI::ParseError& error, const CLI::App& app) {
    const auto chosen = app.get_subcommands();
    const CLI::App& level = chosen.empty() ? app : *chosen.front();
    const std::string help = "see " + (chosen.empty() ? std::string("rcq") : "rcq " + level.get_name()) + " --help";
    const std::vector<std::string> rest = app.remaining(true);
    if (rest.empty()) {
        const bool lacks_job = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr; // nothing else is required
        if (lacks_job) return {ExitCode::misused, "no job is named", "rcq queue shows their numbers; " + help};
        return {ExitCode::misused, plain(error.what()), help};
    }
    const std::string& word = rest.front();
    if (word.size() > 1 && word[0] == '-') return unknown_option(level, word, help);
    if (!chosen.empty()) return superfluous_word(level, word, help);
    return {ExitCode::misused, "there is no command " + word, with_help(nearest_command(app, word), help)};
}

} // namespace rcq::client
