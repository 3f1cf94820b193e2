#include "rundir/end.hpp"

#include "rundir/cut.hpp"

#include <charconv>

namespace rcq::rundir {

namespace {

constexpr std::size_t longest_text = 4096; // a message names what a user may have made long, such as an interpreter

// The names of the fields, once for both directions; the kind comes first.
template <class Record, class Visitor> void visit_fields(Record& end, Visitor& visit) {
    visit("kind", end.kind);
    visit("exit_code", end.exit_code);
    visit("signal", end.signal);
    visit("message", end.message);
    visit("cpu_us", end.cpu_us);
    visit("peak_kib", end.peak_kib);
    visit("ended_ms", end.ended_ms);
    visit("boot", end.boot);
    visit("log_dropped", end.log_dropped);
    visit("host_fault", end.host_fault);
}

class Writer {
public:
    void operator()(std::string_view name, const std::string& value) {
        if (value.empty()) return;
        text_.append(name).push_back('=');
        for (char byte : cut(value, longest_text)) {
            if (byte == '\n') {
                text_ += "\\n";
            } else if (byte == '\\') {
                text_ += "\\\\";
            } else {
                text_ += byte;
            }
        }
        text_ += '\n';
    }
    void operator()(std::string_view name, std::int64_t value) { (*this)(name, std::to_string(value)); }
    void operator()(std::string_view name, const std::optional<int>& value) {
        if (value) (*this)(name, std::to_string(*value));
    }

    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

class Reader {
public:
    Reader(std::string_view name, std::string_view value) : name_(name), value_(value) {}

    void operator()(std::string_view name, std::string& field) const {
        if (name != name_) return;
        field.clear();
        for (std::size_t i = 0; i < value_.size(); ++i) {
            bool escaped = value_[i] == '\\' && i + 1 < value_.size();
            if (escaped) ++i;
            field += escaped && value_[i] == 'n' ? '\n' : value_[i];
        }
    }
    void operator()(std::string_view name, std::int64_t& field) {
        if (name == name_) to_number(field);
    }
    void operator()(std::string_view name, std::optional<int>& field) {
        if (name == name_) to_number(field.emplace());
    }

    [[nodiscard]] bool valid() const { return valid_; }

private:
    template <class Number> void to_number(Number& number) {
        auto [end, error] = std::from_chars(value_.data(), value_.data() + value_.size(), number);
        valid_ = error == std::errc{} && end == value_.data() + value_.size();
    }

    std::string_view name_;
    std::string_view value_;
    bool valid_ = true;
};

} // namespace

std::string encode(const End& end) {
    Writer writer;
    visit_fields(end, writer);
    return writer.take();
}

std::optional<End> decode_end(std::string_view text) {
    End end;
    for (std::size_t stop = text.find('\n'); stop != std::string_view::npos; stop = text.find('\n')) {
        std::string_view line = text.substr(0, stop);
        text.remove_prefix(stop + 1);
        std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        Reader reader(line.substr(0, equals), line.substr(equals + 1));
        visit_fields(end, reader);
        if (!reader.valid()) return std::nullopt;
    }
    if (end.kind.empty() || !text.empty()) return std::nullopt;
    return end;
}

} // namespace rcq::rundir
