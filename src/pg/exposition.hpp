// Text as Prometheus reads it (version 0.0.4): families of samples, each with HELP and TYPE.
#pragma once
#include <charconv>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace rcq::pg {

class Exposition {
public:
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    // What follows belongs to this family; type: counter, gauge or histogram; help: one line without backslashes.
    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
        text_.append(name).append(" ").append(type).append("\n");
    }
    template <class Number> void sample(Number value, Labels labels = {}) { line("", labels, value); }

    // Cells of a histogram as they were counted, one for each bound and one for what is above all of them.
    template <std::size_t N>
    void histogram(const double (&bounds)[N], const std::uint64_t (&cells)[N + 1], double sum) {
        std::uint64_t up_to = 0;
        for (std::size_t k = 0; k < N; k++) line("_bucket", {{"le", number(bounds[k])}}, up_to += cells[k]);
        line("_bucket", {{"le", "+Inf"}}, up_to += cells[N]);
        line("_sum", {}, sum);
        line("_count", {}, up_to);
    }
    const std::string& text() const { return text_; }

private:
    template <class Number> static std::string number(Number value) {
        char digits[32];
        return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
    }

    template <class Number> void line(std::string_view suffix, Labels labels, Number value) {
        text_.append(name_).append(suffix);
        char before = '{';
        for (const auto& [name, content] : labels) {
            (text_ += before).append(name).append("=\"");
            for (const char c : content) {
                if (c == '\\' || c == '"') text_ += '\\';
                if (c == '\n')
                    text_ += "\\n";
                else
                    text_ += c;
            }
            text_ += '"';
            before = ',';
        }
        if (labels.size() > 0) text_ += '}';
        text_.append(" ").append(number(value)).append("\n");
    }

    std::string text_, name_;
};

} // namespace rcq::pg
