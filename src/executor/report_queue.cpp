#include "executor/report_queue.hpp"

namespace rcq::executor {

namespace {

constexpr std::int64_t result_bytes_per_sync = std::int64_t{64} << 20;
// As JSON they may take six times as much. A report may have 100 kB of them.
constexpr std::int64_t described_bytes_per_sync = std::int64_t{8} << 20;

} // namespace

std::vector<std::int64_t> ReportQueue::take(std::size_t most, const Measure& measure) {
    std::vector<std::int64_t> taken;
    std::deque<std::int64_t> left;
    std::int64_t result_bytes = 0;
    std::int64_t described_bytes = 0;
    const bool large_turn = !took_large_;
    took_large_ = false;
    while (!waiting_.empty() && taken.size() < most) {
        const std::int64_t token = waiting_.front();
        const std::optional<Size> size = measure(token);
        if (size && size->result_bytes > large_result) {
            waiting_.pop_front();
            if (large_turn) {
                left.insert(left.begin(), taken.begin(), taken.end());
                taken.assign(1, token);
                took_large_ = true;
                break;
            }
            left.push_back(token);
            continue;
        }
        if (size) {
            result_bytes += size->result_bytes;
            described_bytes += size->described_bytes;
            const bool full = result_bytes > result_bytes_per_sync || described_bytes > described_bytes_per_sync;
            if (full && !taken.empty()) break;
            taken.push_back(token);
        }
        waiting_.pop_front();
    }
    waiting_.insert(waiting_.begin(), left.begin(), left.end());
    return taken;
}

} // namespace rcq::executor
