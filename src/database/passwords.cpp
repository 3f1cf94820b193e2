#include "database/passwords.hpp"

#include <algorithm>
#include <cstring>

namespace rcq::database {

namespace {

// The end of a value in a connection string: quoted with backslash escapes, or up to a space or (in a URI) an
// ampersand.
std::size_t end_of_value(std::string_view text, std::size_t at) {
    if (at < text.size() && text[at] == '\'') {
        for (++at; at < text.size() && text[at] != '\''; ++at) {
            if (text[at] == '\\') ++at;
        }
        return std::min(at + 1, text.size());
    }
    return std::min(text.find_first_of(" &", at), text.size());
}

} // namespace

std::vector<std::pair<std::size_t, std::size_t>> password_places(std::string_view text) {
    std::vector<std::pair<std::size_t, std::size_t>> places;
    auto add = [&](std::size_t from, std::size_t to) {
        if (from < to) places.emplace_back(from, to);
    };
    std::size_t scheme = text.find("://");
    std::size_t at = scheme == std::string_view::npos ? scheme : text.find('@', scheme);
    if (at != std::string_view::npos) { // scheme://user:password@host
        std::size_t colon = text.find(':', scheme + 3);
        if (colon < at) add(colon + 1, at);
    }
    constexpr std::string_view word = "password";
    for (std::size_t key = text.find(word); key != std::string_view::npos; key = text.find(word, key)) {
        key += word.size();
        std::size_t equals = text.find_first_not_of(' ', key);
        if (equals == std::string_view::npos || text[equals] != '=') continue;
        std::size_t value = std::min(text.find_first_not_of(' ', equals + 1), text.size());
        add(value, end_of_value(text, value));
    }
    return places;
}

void hide_password_in_arguments(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        for (auto [from, to] : password_places(argv[i])) std::memset(argv[i] + from, 'x', to - from);
    }
}

} // namespace rcq::database
