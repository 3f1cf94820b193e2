#include "executor/option_file.hpp"

#include "database/passwords.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr off_t size_limit = 1 << 20;

class Parser {
public:
    Parser(std::string_view text, const std::string& path) : text_(text), path_(path) {}

    std::vector<FileEntry> parse() {
        std::vector<FileEntry> entries;
        while (skip_blank(true)) {
            FileEntry entry;
            entry.line = line_;
            if (peek() == '[') fail("sections are not used: write name = value");
            entry.name = bare("a name");
            skip_blank(false);
            if (peek() != '=') fail("\"" + entry.name + "\" must be followed by = and a value");
            ++at_;
            skip_blank(false);
            if (peek() == '[') {
                list(entry.values);
            } else {
                entry.values.push_back(value());
            }
            skip_blank(false);
            if (at_ < text_.size() && peek() != '\n') {
                fail("\"" + entry.name +
                     "\": only one value may follow; quote a value with spaces or commas, and write "
                     "a list as [\"a\", \"b\"]");
            }
            entries.push_back(std::move(entry));
        }
        return entries;
    }

private:
    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\n'; }

    [[noreturn]] void fail(const std::string& what) const {
        throw OptionFileError(path_ + ":" + std::to_string(line_) + ": " + what);
    }

    // Comments, spaces, and line ends if asked to; false: nothing follows.
    bool skip_blank(bool lines) {
        while (at_ < text_.size()) {
            char c = text_[at_];
            if (c == '#') {
                at_ = std::min(text_.find('\n', at_), text_.size());
                continue;
            }
            if (c == '\n' && lines) ++line_;
            if ((c == '\n' && !lines) || (c != '\n' && c != ' ' && c != '\t' && c != '\r')) return true;
            ++at_;
        }
        return false;
    }

    std::string bare(const char* what) {
        std::size_t end = std::min(text_.find_first_of(" \t\r\n=,#[]\"'", at_), text_.size());
        if (end == at_) fail(std::string("not ") + what + ": " + std::string(text_.substr(at_, 1)));
        std::string word(text_.substr(at_, end - at_));
        at_ = end;
        return word;
    }

    std::string value() {
        char quote = peek();
        if (quote != '"' && quote != '\'') return bare("a value");
        std::string result;
        for (++at_; peek() != quote; ++at_) {
            if (peek() == '\n') fail("a quote is not closed");
            if (quote == '"' && peek() == '\\') {
                ++at_;
                result += escaped();
            } else {
                result += peek();
            }
        }
        ++at_;
        return result;
    }

    [[nodiscard]] char escaped() const {
        switch (peek()) {
        case 'n':
            return '\n';
        case 't':
            return '\t';
        case '"':
        case '\\':
            return peek();
        default:
            fail("after \\ only \" \\ n t may follow; in 'single quotes' it stands for itself");
        }
    }

    void list(std::vector<std::string>& values) {
        int begin = line_;
        ++at_;
        while (true) {
            if (!skip_blank(true)) {
                line_ = begin;
                fail("a list is not closed with ]");
            }
            if (peek() == ']') break;
            values.push_back(value());
            if (!skip_blank(true)) continue;
            if (peek() == ',') {
                ++at_;
            } else if (peek() != ']') {
                fail("a comma or ] must follow a value in a list");
            }
        }
        ++at_;
    }

    std::string_view text_;
    const std::string& path_;
    std::size_t at_ = 0;
    int line_ = 1;
};

[[noreturn]] void cannot(const std::string& path, const char* what) {
    throw OptionFileError(path + ": cannot be " + what + ": " + std::strerror(errno));
}

} // namespace

std::vector<FileEntry> parse_option_file(std::string_view text, const std::string& path) {
    return Parser(text, path).parse();
}

std::vector<FileEntry> read_option_file(const std::string& path) {
    if (path == "/dev/null") return {};
    int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) cannot(path, "read");
    struct stat facts {};
    std::string text;
    if (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size <= size_limit) {
        text.resize(static_cast<std::size_t>(facts.st_size));
        ssize_t got = read(fd, text.data(), text.size());
        text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    }
    close(fd);
    if (!S_ISREG(facts.st_mode)) throw OptionFileError(path + ": is no regular file");
    if (facts.st_size > size_limit) throw OptionFileError(path + ": is larger than 1 MiB");
    if (facts.st_uid != 0 && facts.st_uid != geteuid()) {
        throw OptionFileError(path + ": belongs to somebody else: it must be root's or the executor's own (chown)");
    }
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        throw OptionFileError(path + ": others can write it, and it says what the executor runs: chmod go-w " + path);
    }
    std::vector<FileEntry> entries = parse_option_file(text, path);
    for (const FileEntry& entry : entries) {
        const auto& values = entry.values;
        if (entry.name != "dsn" || (facts.st_mode & S_IROTH) == 0 ||
            std::all_of(values.begin(), values.end(),
                        [](const auto& value) { return database::password_places(value).empty(); }))
            continue;
        throw OptionFileError(
            fmt::format("{}:{}: holds a password and everybody can read it: chmod o-r {}, or keep the "
                        "password in a PGPASSFILE",
                        path, entry.line, path));
    }
    return entries;
}

} // namespace rcq::executor
