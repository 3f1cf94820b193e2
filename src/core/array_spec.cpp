#include "array_spec.hpp"
#include "quoted.hpp"
#include <algorithm>
#include <numeric>
#include <queue>
#include <utility>

namespace rcq::core {
namespace {

// Merging ranges that run into each other takes a step for each of their indices: at most about so many.
constexpr std::int64_t max_steps = ArraySpec::max_tasks + std::int64_t{ArraySpec::max_characters};

// first, first + step, ... up to last, which is one of them.
struct Progression {
    std::int64_t first = 0;
    std::int64_t last = 0;
    std::int64_t step = 1;
};

bool starts_later(const Progression& a, const Progression& b) { return a.first > b.first; }

ArraySpecError malformed(std::string message, std::string hint) {
    return {ArraySpecError::Kind::malformed, std::move(message), std::move(hint)};
}

// Digits alone; what is too large for anything comes out as some large number.
std::optional<std::int64_t> number(std::string_view digits) {
    if (digits.empty()) return std::nullopt;
    std::int64_t value = 0;
    for (char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        if (value < INT64_MAX / 10 - 1) value = value * 10 + (c - '0');
    }
    return value;
}

} // namespace

// Makes segments of indices that come in ascending order: always the same for the same indices, whatever the pieces
// they come in. A run of three or more at equal distances is a segment, and so are two neighbours.
class ArraySpec::Builder {
public:
    void add(std::int64_t first, std::int64_t step, std::int64_t count) {
        for (; count > 0; --count, first += step) {
            if (count_ >= 2 && step_ == step && first == last() + step) {
                count_ += count;
                return;
            }
            add_one(first);
        }
    }

    std::size_t segments() const { return segments_.size(); }

    ArraySpec finish() {
        if (count_ == 2 && step_ > 1) split_first_off();
        if (count_ > 0) close();
        ArraySpec spec;
        spec.segments_ = std::move(segments_);
        spec.size_ = position_;
        return spec;
    }

private:
    std::int64_t last() const { return first_ + (count_ - 1) * step_; }

    void add_one(std::int64_t index) {
        if (count_ >= 2 && index != last() + step_) {
            if (count_ == 2 && step_ > 1)
                split_first_off();
            else
                close();
        }
        if (count_ == 0) first_ = index;
        if (count_ == 1) step_ = index - first_;
        ++count_;
    }

    void close() {
        segments_.push_back({static_cast<std::int32_t>(first_), static_cast<std::int32_t>(step_),
                             static_cast<std::int32_t>(count_), position_});
        position_ += static_cast<std::int32_t>(count_);
        count_ = 0;
        step_ = 1;
    }

    // Two that are no neighbours: the second may begin a longer run.
    void split_first_off() {
        const std::int64_t second = last();
        count_ = 1;
        step_ = 1;
        close();
        first_ = second;
        count_ = 1;
    }

    std::vector<Segment> segments_;
    std::int32_t position_ = 0;
    std::int64_t first_ = 0, step_ = 1, count_ = 0; // the run under way
};

// Throws ArraySpecError. `noun` is what messages call the text.
class ArraySpec::Parser {
public:
    explicit Parser(std::string noun) : noun_(std::move(noun)) {}

    ArraySpec array(std::string_view text) const {
        check_length(text);
        std::optional<std::int32_t> throttle;
        if (const std::size_t percent = text.find('%'); percent != std::string_view::npos) {
            throttle = parse_throttle(text.substr(percent));
            text = text.substr(0, percent);
        }
        const std::vector<Progression> parts = parse_parts(text);
        for (const Progression& p : parts) // before sums can overflow
            if (const std::int64_t tasks = (p.last - p.first) / p.step + 1; tasks > max_tasks) fail_for_size(tasks);
        ArraySpec spec = merge(parts);
        if (spec.size_ > max_tasks) fail_for_size(spec.size_);
        spec.throttle_ = throttle;
        return spec;
    }

    // Of a selection, what lies in [first, last]; none: nothing does.
    std::optional<ArraySpec> selection(std::string_view text, std::int64_t first, std::int64_t last) const {
        check_length(text);
        if (text.find('%') != std::string_view::npos)
            throw malformed(noun_ + " " + quoted(text) + " has a %, which only an array can have",
                            "Write indices and ranges alone, for example 1-10,20.");
        std::vector<Progression> parts = parse_parts(text);
        for (Progression& p : parts) {
            if (p.first < first) p.first += (first - p.first + p.step - 1) / p.step * p.step;
            if (p.last > last) p.last -= (p.last - last + p.step - 1) / p.step * p.step;
        }
        std::erase_if(parts, [](const Progression& p) { return p.first > p.last; });
        if (parts.empty()) return std::nullopt;
        return merge(parts);
    }

private:
    void check_length(std::string_view text) const {
        if (text.empty()) throw malformed(noun_ + " is empty", grammar());
        if (text.size() > max_characters)
            throw malformed(noun_ + " has " + std::to_string(text.size()) + " characters, allowed is at most " +
                                std::to_string(max_characters),
                            "Write ranges, for example 1-1000 or 0-1000:5, or submit several arrays.");
    }

    static std::string grammar() {
        return "Write indices from 0 to " + std::to_string(max_index) +
               " and ranges of them, joined by commas, for example 1-10, 0-100:5 or 1,3,7-9.";
    }

    [[noreturn]] void fail(std::string_view part, const std::string& what) const {
        throw malformed(noun_ + ": " + quoted(part) + " " + what, grammar());
    }
    [[noreturn]] void fail_for_size(std::int64_t tasks) const {
        throw malformed(noun_ + " has " + std::to_string(tasks) + " tasks or more, allowed is at most " +
                            std::to_string(max_tasks),
                        "Submit several arrays, for example 1-10000000 and 10000001-20000000.");
    }

    std::int32_t parse_throttle(std::string_view part) const {
        const std::optional<std::int64_t> value = number(part.substr(1));
        if (!value || *value < 1 || *value > max_throttle)
            throw malformed(noun_ + ": the limit " + quoted(part) + " on tasks that run at one time is not a number " +
                                "from 1 to " + std::to_string(max_throttle),
                            "Put % and that number at the end, for example 1-1000%50, or leave it out.");
        return static_cast<std::int32_t>(*value);
    }

    std::vector<Progression> parse_parts(std::string_view text) const {
        std::vector<Progression> parts;
        for (;;) {
            const std::size_t comma = text.find(',');
            parts.push_back(parse_part(text.substr(0, comma)));
            if (comma == std::string_view::npos) return parts;
            text = text.substr(comma + 1);
        }
    }

    Progression parse_part(std::string_view part) const {
        if (part.empty()) throw malformed(noun_ + ": an index or a range is missing at a comma or an end", grammar());
        const std::size_t dash = part.find('-');
        const std::size_t colon = part.find(':');
        if (dash == std::string_view::npos) {
            if (colon != std::string_view::npos) fail(part, "has a step, which only a range can have");
            const std::int64_t index = parse_index(part, part);
            return {index, index, 1};
        }
        const bool steps = colon != std::string_view::npos && colon > dash;
        const std::string_view end = steps ? part.substr(dash + 1, colon - dash - 1) : part.substr(dash + 1);
        const std::int64_t first = parse_index(part.substr(0, dash), part);
        std::int64_t last = parse_index(end, part);
        if (last < first) fail(part, "ends before it begins");
        std::optional<std::int64_t> step = 1;
        if (steps) step = number(part.substr(colon + 1));
        if (!step || *step < 1 || *step > max_index)
            fail(part, "has a step that is not a number from 1 to " + std::to_string(max_index));
        last -= (last - first) % *step;
        return {first, last, last == first ? 1 : *step};
    }

    std::int64_t parse_index(std::string_view digits, std::string_view part) const {
        const std::optional<std::int64_t> index = number(digits);
        if (!index) fail(part, "is neither an index nor a range");
        if (*index > max_index) fail(part, "has an index above " + std::to_string(max_index));
        return *index;
    }

    void check_segments(std::size_t count) const {
        if (count <= max_segments) return;
        throw malformed(noun_ + " falls apart into more than " + std::to_string(max_segments) +
                            " ranges of indices at equal distances",
                        "Write longer ranges, for example 1-100000:2, or submit several arrays.");
    }

    // Takes the part that begins first up to where another begins, again and again.
    ArraySpec merge(const std::vector<Progression>& parts) const {
        std::priority_queue<Progression, std::vector<Progression>, decltype(&starts_later)> queue(&starts_later, parts);
        Builder builder;
        std::int64_t covered = -1; // everything up to here has been decided
        for (std::int64_t steps = 0; !queue.empty(); ++steps) {
            check_segments(builder.segments());
            if (steps > max_steps)
                throw malformed(noun_ + " has ranges with steps that overlap too often",
                                "Write each index in one range, for example 1-100:2,2-100:2 as 1-100.");
            Progression part = queue.top();
            queue.pop();
            if (part.first <= covered) {
                part.first += ((covered - part.first) / part.step + 1) * part.step;
            } else {
                std::int64_t count = (part.last - part.first) / part.step + 1;
                if (part.step > 1 && !queue.empty()) {
                    const std::int64_t room = queue.top().first - part.first; // until the next one
                    count = std::min(count, std::max<std::int64_t>((room + part.step - 1) / part.step, 1));
                }
                builder.add(part.first, part.step, count);
                covered = part.first + (count - 1) * part.step;
                part.first = covered + part.step;
            }
            if (part.first <= part.last) queue.push(part);
        }
        ArraySpec spec = builder.finish();
        check_segments(spec.segments_.size());
        return spec;
    }

    std::string noun_;
};

std::variant<ArraySpec, ArraySpecError> ArraySpec::parse(std::string_view text) {
    try {
        return Parser("array").array(text);
    } catch (ArraySpecError& error) {
        return std::move(error);
    }
}

std::string ArraySpec::text() const {
    std::string text;
    for (const Segment& s : segments_) {
        if (!text.empty()) text += ',';
        text += std::to_string(s.first);
        if (s.count > 1) text += '-' + std::to_string(s.last());
        if (s.step > 1) text += ':' + std::to_string(s.step);
    }
    return text;
}

std::int32_t ArraySpec::index_of(std::int32_t position) const {
    const auto after = std::upper_bound(segments_.begin(), segments_.end(), position,
                                        [](std::int32_t at, const Segment& s) { return at < s.position; });
    const Segment& segment = *std::prev(after);
    return segment.first + (position - segment.position) * segment.step;
}

std::optional<std::int32_t> ArraySpec::position_of(std::int32_t index) const {
    const auto after = std::upper_bound(segments_.begin(), segments_.end(), index,
                                        [](std::int32_t at, const Segment& s) { return at < s.first; });
    if (after == segments_.begin()) return std::nullopt;
    const Segment& segment = *std::prev(after);
    if (index > segment.last() || (index - segment.first) % segment.step != 0) return std::nullopt;
    return segment.position + (index - segment.first) / segment.step;
}

namespace {

// The least x >= from with x = a (mod m) and x = b (mod n); none: there is no such x.
std::optional<std::int64_t> first_common(std::int64_t a, std::int64_t m, std::int64_t b, std::int64_t n,
                                         std::int64_t from) {
    // Extended Euclid: m * inverse = gcd (mod n)
    std::int64_t gcd = m, rest = n, inverse = 1, next = 0;
    while (rest != 0) {
        const std::int64_t quotient = gcd / rest;
        gcd = std::exchange(rest, gcd - quotient * rest);
        inverse = std::exchange(next, inverse - quotient * next);
    }
    if ((b - a) % gcd != 0) return std::nullopt;
    const std::int64_t cycle = std::max<std::int64_t>(n / gcd, 1);                // which it is, as gcd divides n
    const std::int64_t turns = (b - a) / gcd % cycle * (inverse % cycle) % cycle; // |factors| < 2^31
    const std::int64_t x = a + (turns + cycle) % cycle * m;
    const std::int64_t both = m * cycle;
    if (x >= from) return x - (x - from) / both * both;
    return x + (from - x + both - 1) / both * both;
}

} // namespace

std::variant<std::vector<PositionRange>, ArraySpecError> ArraySpec::select(std::string_view selection) const {
    std::vector<PositionRange> ranges;
    std::optional<ArraySpec> selected;
    try {
        selected = Parser("selection").selection(selection, first_index(), last_index());
    } catch (ArraySpecError& error) {
        return std::move(error);
    }
    const auto add = [&](std::int32_t from, std::int32_t until) {
        if (!ranges.empty() && ranges.back().until == from)
            ranges.back().until = until;
        else
            ranges.push_back({from, until});
        return ranges.size() <= max_ranges;
    };
    auto own = segments_.begin();
    auto wanted = selected ? selected->segments_.begin() : own;
    while (selected && own != segments_.end() && wanted != selected->segments_.end()) {
        const std::int32_t until = std::min(own->last(), wanted->last());
        const std::int64_t step = std::lcm<std::int64_t>(own->step, wanted->step);
        const auto common =
            first_common(own->first, own->step, wanted->first, wanted->step, std::max(own->first, wanted->first));
        bool few = true;
        if (common && *common <= until) {
            const std::int32_t from = own->position + static_cast<std::int32_t>((*common - own->first) / own->step);
            const auto count = static_cast<std::int32_t>((until - *common) / step + 1);
            const std::int64_t distance = step / own->step; // of their positions
            if (distance == 1)
                few = add(from, from + count);
            else
                for (std::int32_t i = 0; i < count && few; ++i) {
                    const auto position = static_cast<std::int32_t>(from + i * distance);
                    few = add(position, position + 1);
                }
        }
        if (!few)
            return malformed("selection " + quoted(selection) + " meets the tasks of the array in more than " +
                                 std::to_string(max_ranges) + " places",
                             "Select fewer tasks at a time, for example 1-100000:2, then 100001-200000:2.");
        if (own->last() <= wanted->last())
            ++own;
        else
            ++wanted;
    }
    if (!ranges.empty()) return ranges;
    constexpr std::size_t shown = 200;
    std::string indices = text();
    if (indices.size() > shown) {
        indices.erase(indices.rfind(',', shown));
        indices += ",... up to " + std::to_string(last_index());
    }
    return ArraySpecError{ArraySpecError::Kind::no_such_task,
                          "selection " + quoted(selection) + " meets no task of the array",
                          "The array has the indices " + indices + "."};
}

} // namespace rcq::core
