#include "executor/log_courier.hpp"

#include "executor/logging.hpp"

#include <algorithm>
#include <utility>

namespace rcq::executor {

namespace {

constexpr std::int64_t flush_ms = 80; // "within 100 ms" with the way to the database
constexpr std::size_t batch_bytes = std::size_t{256} << 10;
constexpr std::size_t largest_chunk = std::size_t{64} << 10;
constexpr std::size_t batch_chunks = 2000;
constexpr int careful_batches = 100;

} // namespace

void LogCourier::list(std::int64_t token) {
    if (listed_.insert(token).second) waiting_.push_back(token);
}

void LogCourier::note(Run& run, std::int64_t now_ms, bool urgent) {
    if (run.forgotten || !run.log_position_known) return;
    const std::int64_t due = urgent ? now_ms : now_ms + flush_ms;
    due_ms_ = waiting_.empty() ? due : std::min(due_ms_, due);
    list(run.token());
}

LogBatch LogCourier::next_batch() {
    LogBatch batch;
    std::size_t bytes = 0;
    const std::size_t chunk_limit = one_by_one_ > 0 ? 1 : batch_chunks;
    under_way_.clear();
    full_ = false;
    for (std::size_t turns = waiting_.size(); turns > 0 && !full_; --turns) {
        const std::int64_t token = waiting_.front();
        waiting_.pop_front();
        listed_.erase(token);
        Run* run = runs_.find(token);
        if (run == nullptr || run->forgotten) continue;
        auto taken = run->log().take(batch_bytes - bytes, chunk_limit - batch.chunks.size());
        under_way_.push_back(token);
        for (LogChunk& chunk : taken.chunks) {
            batch.job_ids.push_back(run->job_id());
            batch.tokens.push_back(token);
            batch.seqs.push_back(static_cast<std::int64_t>(chunk.seq));
            batch.streams.push_back(chunk.stream);
            bytes += chunk.data.size();
            batch.chunks.push_back(std::move(chunk.data));
        }
        if (taken.more) list(token);
        full_ = taken.more || bytes + largest_chunk > batch_bytes || batch.chunks.size() >= chunk_limit;
    }
    return batch;
}

std::vector<std::int64_t> LogCourier::answered(const std::vector<std::int64_t>& stale, std::int64_t now_ms) {
    if (one_by_one_ > 0) --one_by_one_;
    for (std::int64_t token : under_way_) {
        Run* run = runs_.find(token);
        if (run == nullptr) continue;
        if (std::find(stale.begin(), stale.end(), token) != stale.end()) {
            spdlog::info("event=log_stale job={} token={}", run->job_id(), token);
            run->log().drop();
        } else {
            run->log().answered();
        }
    }
    return settle(now_ms);
}

std::vector<std::int64_t> LogCourier::refused(std::int64_t now_ms) {
    for (std::int64_t token : under_way_) {
        Run* run = runs_.find(token);
        if (run == nullptr) continue;
        if (one_by_one_ > 0) {
            spdlog::error("event=log_chunk_refused job={} token={} before_seq={}", run->job_id(), token,
                          run->log().next_seq());
            if (!run->log().blank()) run->log().drop();
        } else {
            run->log().rewind();
        }
        list(token);
    }
    one_by_one_ = careful_batches;
    return settle(now_ms);
}

void LogCourier::lost() {
    for (std::int64_t token : std::exchange(under_way_, {})) {
        Run* run = runs_.find(token);
        if (run == nullptr) continue;
        run->log().rewind();
        list(token);
    }
    due_ms_ = 0;
}

std::vector<std::int64_t> LogCourier::settle(std::int64_t now_ms) {
    std::vector<std::int64_t> complete;
    for (std::int64_t token : std::exchange(under_way_, {})) {
        Run* run = runs_.find(token);
        if (run == nullptr || run->state() != RunState::ended || run->reportable || !run->log().complete()) continue;
        run->reportable = true;
        complete.push_back(token);
    }
    // What waits now came while the batch was under way, or did not fit: a full batch goes on without a pause.
    const bool urgent = std::any_of(waiting_.begin(), waiting_.end(), [this](std::int64_t token) {
        Run* run = runs_.find(token);
        return run != nullptr && run->state() == RunState::ended;
    });
    due_ms_ = urgent || full_ ? now_ms : now_ms + flush_ms;
    return complete;
}

} // namespace rcq::executor
