#include "client/script.hpp"

#include "client/failure.hpp"
#include "client/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace rcq::client {

namespace {

struct FileCloser {
    void operator()(std::FILE* file) const {
        if (file != stdin) std::fclose(file);
    }
};

constexpr std::size_t longest_script = 64 << 20; // far above what the server takes, which says its own limit

[[noreturn]] void refuse(const std::string& path, const std::string& what, const std::string& hint = {}) {
    throw Failure(ExitCode::misused, (path == "-" ? std::string("stdin") : path) + ": " + what, hint);
}

void check_text(const std::string& path, std::string_view script) {
    if (script.find_first_not_of(" \t\r\n") == std::string_view::npos) refuse(path, "there is no script in it");
    if (script.find('\0') != std::string_view::npos) {
        refuse(path, "is a program, not a script",
               "rcq submit -- " + (path == "-" ? "program" : path) + " runs one that is there on the host");
    }
    if (const auto at = invalid_utf8(script)) {
        const auto line = std::count(script.begin(), script.begin() + static_cast<std::ptrdiff_t>(*at), '\n') + 1;
        refuse(path, "line " + std::to_string(line) + " is not UTF-8", "iconv -f latin1 -t utf-8 makes it so");
    }
}

} // namespace

std::string read_script(const std::string& path) {
    const std::unique_ptr<std::FILE, FileCloser> file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
    if (!file) {
        const bool command =
            errno == ENOENT && path.find('/') == std::string::npos && path.find('.') == std::string::npos;
        refuse(path, std::strerror(errno),
               command ? "a command stands behind --: rcq submit -- " + path : ""); // NOLINT(concurrency-mt-unsafe)
    }
    std::string script;
    std::array<char, 65536> buffer{};
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
        script.append(buffer.data(), got);
        if (script.size() > longest_script) refuse(path, "is too large for a script");
    }
    if (std::ferror(file.get()) != 0) refuse(path, std::strerror(errno)); // NOLINT(concurrency-mt-unsafe)
    check_text(path, script);
    return script;
}

std::string foreign_directives(std::string_view script) {
    constexpr std::array<std::string_view, 3> marks = {"#SBATCH", "#PBS", "#$ -"};
    std::string found;
    while (!script.empty()) {
        const std::string_view line = script.substr(0, script.find('\n'));
        const std::size_t first = line.find_first_not_of(" \t\v\f\r");
        if (first != std::string_view::npos && line[first] != '#') break;
        if (line.starts_with("#RCQ ") || line.starts_with("#RCQ\t")) return {};
        for (const std::string_view mark : marks) {
            if (found.empty() && line.starts_with(mark)) found = mark.substr(0, mark.find(' '));
        }
        script.remove_prefix(std::min(script.size(), line.size() + 1));
    }
    return found;
}

std::string shell_word(std::string_view text) {
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("_-./:=,@%+", c) != nullptr;
    });
    if (plain) return std::string(text);
    std::string word = "'";
    for (char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
}

std::string script_of_command(const std::vector<std::string>& words) {
    std::string script = "exec";
    for (const std::string& word : words) script += " " + shell_word(word);
    script += "\n";
    check_text("the command", script);
    return script;
}

std::string name_of_command(const std::vector<std::string>& words) {
    const std::string& program = words.front();
    return program.substr(program.rfind('/') + 1);
}

} // namespace rcq::client
