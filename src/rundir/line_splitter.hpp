// Cuts a byte stream into pieces of whole lines. What comes after the last newline waits for the rest of its line until
// it reaches the limit or is flushed; then it is a piece without a newline.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rcq::rundir {

// Lines of a piece as the protocol counts them: a last line without a newline counts too.
inline std::uint64_t count_lines(std::string_view piece) {
    auto newlines = static_cast<std::uint64_t>(std::count(piece.begin(), piece.end(), '\n'));
    return newlines + (piece.empty() || piece.back() == '\n' ? 0 : 1);
}

class LineSplitter {
public:
    explicit LineSplitter(std::size_t line_limit = std::size_t{64} << 10) : line_limit_(line_limit) {}

    // Calls sink(std::string_view) for every piece that is complete now.
    template <class Sink> void feed(std::string_view bytes, Sink&& sink) {
        std::size_t newline = bytes.rfind('\n');
        if (newline != std::string_view::npos) {
            std::string_view whole = bytes.substr(0, newline + 1);
            bytes.remove_prefix(newline + 1);
            if (carry_.empty()) {
                sink(whole);
            } else {
                carry_.append(whole);
                sink(std::string_view(carry_));
                drop_carry();
            }
        }
        while (carry_.size() + bytes.size() >= line_limit_) {
            std::size_t taken = line_limit_ - carry_.size();
            carry_.append(bytes.substr(0, taken));
            bytes.remove_prefix(taken);
            sink(std::string_view(carry_));
            drop_carry();
        }
        carry_.append(bytes);
    }

    // Hands out the unfinished line, if there is one.
    template <class Sink> void flush(Sink&& sink) {
        if (carry_.empty()) return;
        sink(std::string_view(carry_));
        drop_carry();
    }

    [[nodiscard]] bool has_partial() const { return !carry_.empty(); }

private:
    // Long lines are rare: their memory goes back, for there may be many of these programs.
    void drop_carry() {
        if (carry_.capacity() > keep_capacity) {
            std::string().swap(carry_);
        } else {
            carry_.clear();
        }
    }

    static constexpr std::size_t keep_capacity = 4096;
    std::size_t line_limit_;
    std::string carry_; // always shorter than the limit
};

} // namespace rcq::rundir
