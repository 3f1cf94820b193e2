// Which tasks an array of jobs has, and how many of them may run at one time: 1-1000000:2,7%50
//
//   array     = part { "," part } [ "%" throttle ]
//   part      = index | index "-" index [ ":" step ]
//
// Numbers are decimal; there are no spaces. Tasks are numbered by position: 0 for the one of the least index, and so on
// in ascending order of the indices.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rcq::core {

// Why a text was refused.
struct ArraySpecError {
    enum class Kind {
        malformed,   // nobody may write this
        no_such_task // a selection that meets no task of the array
    };
    Kind kind = Kind::malformed;
    std::string message; // what is wrong, with the part and the allowed range
    std::string hint;    // what to do about it, with an example
};

// Positions in [from, until).
struct PositionRange {
    std::int32_t from = 0;
    std::int32_t until = 0;
    friend bool operator==(const PositionRange&, const PositionRange&) = default;
};

class ArraySpec {
public:
    static constexpr std::int32_t max_index = 2'000'000'000;
    static constexpr std::int32_t max_tasks = 10'000'000;
    static constexpr std::int32_t max_throttle = 1'000'000;
    static constexpr std::size_t max_characters = 400'000; // enough for text() of everything that parse() accepts
    static constexpr std::size_t max_segments = 10'000;    // of indices at equal distances
    static constexpr std::size_t max_ranges = 100'000;     // of positions, in the answer of select()

    // Indices that are named more than once count once. Cost: O(parts x log parts), and for ranges that run into each
    // other with steps O(indices), up to a limit at which they are refused.
    static std::variant<ArraySpec, ArraySpecError> parse(std::string_view text);

    // Without the throttle: indices ascend, runs at equal distances are written as ranges. It depends on the set of
    // indices alone, and parse() gives it back as it is.
    std::string text() const;

    std::int32_t size() const { return size_; } // 1 to max_tasks
    // The most tasks that may be placed and running at one time, 1 to max_throttle; none: no limit.
    std::optional<std::int32_t> throttle() const { return throttle_; }

    // Index of the task at this position, 0 to size() - 1, and back; none: the array has no such index.
    // O(log segments)
    std::int32_t index_of(std::int32_t position) const;
    std::optional<std::int32_t> position_of(std::int32_t index) const;

    // Positions of the tasks whose index is in a selection, which is written as an array without a throttle: ascending,
    // ranges that touch joined. O(segments + ranges).
    std::variant<std::vector<PositionRange>, ArraySpecError> select(std::string_view selection) const;

private:
    // Indices first, first + step, ... ; those of one segment lie before all of the next.
    struct Segment {
        std::int32_t first = 0;
        std::int32_t step = 1; // 1 when count is 1
        std::int32_t count = 0;
        std::int32_t position = 0; // of first
        std::int32_t last() const { return first + (count - 1) * step; }
    };
    class Builder;
    class Parser;

    std::int32_t first_index() const { return segments_.front().first; }
    std::int32_t last_index() const { return segments_.back().last(); }

    std::vector<Segment> segments_; // not empty
    std::int32_t size_ = 0;
    std::optional<std::int32_t> throttle_;
};

} // namespace rcq::core
