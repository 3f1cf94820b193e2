// Which of the runs that have ended are reported by the next sync. A report with a large result takes the server long:
// it goes alone, in a sync that claims nothing, and the next one brings what the other runs wait for.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

namespace rcq::executor {

class ReportQueue {
public:
    static constexpr std::int64_t large_result = std::int64_t{1} << 20;

    struct Size {
        std::int64_t result_bytes = 0;
        std::int64_t described_bytes = 0; // names of files and messages
    };
    // Of the report about a run; nothing: it need not be reported any more.
    using Measure = std::function<std::optional<Size>(std::int64_t token)>;

    void add(std::int64_t token) { waiting_.push_back(token); }
    void add(const std::vector<std::int64_t>& tokens) { waiting_.insert(waiting_.end(), tokens.begin(), tokens.end()); }
    void add_first(const std::vector<std::int64_t>& tokens) {
        waiting_.insert(waiting_.begin(), tokens.begin(), tokens.end());
    }
    void clear() { waiting_.clear(); }
    [[nodiscard]] bool empty() const { return waiting_.empty(); }

    // Those that go with the next sync, which leave the queue: at most so many.
    std::vector<std::int64_t> take(std::size_t most, const Measure& measure);
    // Whether what was taken last was one with a large result.
    [[nodiscard]] bool took_large() const { return took_large_; }

private:
    std::deque<std::int64_t> waiting_;
    bool took_large_ = false;
};

} // namespace rcq::executor
