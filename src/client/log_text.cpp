#include "client/log_text.hpp"

#include "client/text.hpp"

namespace rcq::client {

namespace {

constexpr std::size_t longest_escape = 32;
constexpr std::string_view special = "\n\r\t\x1b";

// How many bytes at the end may be the beginning of a character that goes on in the next piece.
std::size_t cut_character(std::string_view text) {
    for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if (byte < 0x80) return 0;
        if (byte < 0xc0) continue; // goes on before
        const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
        return length > back ? back : 0;
    }
    return 0;
}

} // namespace

std::string LogText::add(std::string_view bytes) {
    std::string joined;
    if (!kept_.empty()) {
        joined = kept_ + std::string(bytes);
        kept_.clear();
        bytes = joined;
    }
    std::string out;
    out.reserve(bytes.size() + bytes.size() / 8);
    while (!bytes.empty()) {
        const std::size_t at = bytes.find_first_of(special);
        if (at == std::string_view::npos) {
            const std::size_t cut = cut_character(bytes);
            add_text(bytes.substr(0, bytes.size() - cut), out);
            kept_ = bytes.substr(bytes.size() - cut);
            break;
        }
        add_text(bytes.substr(0, at), out);
        bytes.remove_prefix(at);
        const std::size_t taken = add_escape(bytes, out);
        if (taken == 0) {
            kept_ = bytes;
            break;
        }
        bytes.remove_prefix(taken);
    }
    return out;
}

std::string LogText::end() {
    std::string out;
    if (kept_ == "\r") {
        out = "\n";
    } else {
        add_text(kept_, out);
    }
    kept_.clear();
    if (coloured_) out += "\x1b[0m";
    coloured_ = false;
    return out;
}

void LogText::add_text(std::string_view text, std::string& out) { out += safe_text(text); }

// How many bytes the end of line, tab or escape sequence takes that `rest` begins with; 0: more must be known.
std::size_t LogText::add_escape(std::string_view rest, std::string& out) {
    const char first = rest[0];
    if (first == '\n' || first == '\t') {
        out += first;
        return 1;
    }
    if (first == '\r') {
        if (rest.size() == 1) return 0;
        out += '\n';
        return rest[1] == '\n' ? 2 : 1;
    }
    if (rest.size() == 1) return 0;
    if (rest[1] == '[') {
        const std::size_t last = rest.find_first_not_of("0123456789;:", 2);
        if (last == std::string_view::npos && rest.size() < longest_escape) return 0;
        if (last != std::string_view::npos && last < longest_escape && rest[last] == 'm') {
            if (colours_) out += rest.substr(0, last + 1);
            coloured_ = coloured_ || colours_;
            return last + 1;
        }
    }
    out += "\\x1b";
    return 1;
}

} // namespace rcq::client
