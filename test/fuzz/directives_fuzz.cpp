// A script: options that are well-formed JSON of known fields, or a mistake in a line that the script has; whatever
// follows the first command changes nothing.
#include "core/directives.hpp"
#include "core/submit_options.hpp"
#include "fuzz.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace {

using rcq::core::Directives;

struct Read {
    std::optional<Directives> directives;
    int wrong_line = 0;
};

Read read(std::string_view script) {
    try {
        return {rcq::core::read_directives(script), 0};
    } catch (const rcq::core::DirectiveError& error) {
        rcq::fuzz::require(!error.hint().empty());
        return {std::nullopt, error.line()};
    }
}

bool is_valid_text(std::string_view s) { // JSON is UTF-8, and so is a script in a database
    return std::all_of(s.begin(), s.end(),
                       [](char c) { return c != '\0' && (static_cast<unsigned char>(c) & 0x80) == 0; });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace rcq;
    const std::string_view script = fuzz::text(data, size);
    const Read first = read(script);
    const auto lines = std::count(script.begin(), script.end(), '\n') + 1;
    if (!first.directives) {
        fuzz::require(first.wrong_line >= 1 && first.wrong_line <= lines);
        return 0;
    }
    fuzz::require(core::may_have_directives(script) || first.directives->fields.empty());
    const auto options = core::submit_options();
    for (const auto& said : first.directives->fields) {
        const std::string& field = said.first;
        fuzz::require(std::any_of(options.begin(), options.end(), [&](const auto& o) { return o.field == field; }));
        fuzz::require(said.second.line >= 1 && said.second.line <= lines);
        fuzz::require(field != "external_id" && field != "idempotency_key");
        if (is_valid_text(script)) fuzz::require(nlohmann::json::accept(said.second.json));
    }
    const Read again = read(std::string(script) + "\ncommand\n#RCQ --nonsense\n");
    fuzz::require(again.directives && again.directives->fields.size() == first.directives->fields.size());
    return 0;
}
