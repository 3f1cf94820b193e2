#include "executor/words.hpp"

#include <fstream>

namespace rcq::executor {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    std::size_t from = text.find_first_not_of(blank);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(blank) - from + 1);
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

std::string squeezed_word(std::string_view text, std::size_t limit) {
    std::string word;
    for (char c : lower(text)) {
        bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':';
        bool may_begin = fine && c != '_' && c != '.' && c != ':';
        if (fine && (may_begin || !word.empty())) {
            word += c;
        } else if (!word.empty() && word.back() != '-') {
            word += '-';
        }
    }
    word.resize(std::min(word.size(), limit));
    while (!word.empty() && word.back() == '-') word.pop_back();
    return word;
}

std::string read_text(const std::string& path) {
    std::ifstream file(path);
    std::string text(1U << 20, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

} // namespace rcq::executor
