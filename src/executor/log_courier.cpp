#include "executor/log_courier.hpp"

#include "executor/logging.hpp"

#include <algorithm>

namespace rcq::executor {

namespace {

constexpr std::int64_t flush_ms = 80; // "within 100 ms" with the way to the database
constexpr std::size_t batch_bytes = std::size_t{256} << 10;
constexpr std::size_t batch_chunks = 2000;
constexpr int careful_batches = 100;

} // namespace

void LogCourier::note(Run& run, std::int64_t now_ms, bool urgent) {
    LogOutbox& outbox = run.log().outbox();
    if (outbox.empty()) return;
    std::int64_t due = urgent || outbox.waiting_bytes() >= batch_bytes ? now_ms : now_ms + flush_ms;
    due_ms_ = waiting_.empty() ? due : std::min(due_ms_, due);
    if (listed_.insert(run.token()).second) waiting_.push_back(run.token());
}

LogBatch LogCourier::next_batch() {
    LogBatch batch;
    std::size_t bytes = 0;
    const std::size_t chunk_limit = one_by_one_ > 0 ? 1 : batch_chunks;
    under_way_.clear();
    std::size_t turns = waiting_.size();
    bool full = false;
    while (turns-- > 0 && !full) {
        const std::int64_t token = waiting_.front();
        waiting_.pop_front();
        Run* run = supervisor_.find(token);
        if (run == nullptr || run->forgotten() || run->log().outbox().empty()) {
            listed_.erase(token);
            continue;
        }
        waiting_.push_back(token);
        LogOutbox& outbox = run->log().outbox();
        std::size_t taken = 0;
        while (taken < outbox.size()) {
            full =
                batch.chunks.size() >= chunk_limit || (!batch.empty() && bytes + outbox.at(taken).bytes > batch_bytes);
            if (full) break;
            batch.job_ids.push_back(run->job_id());
            batch.tokens.push_back(token);
            batch.seqs.push_back(static_cast<std::int64_t>(outbox.at(taken).seq));
            batch.streams.push_back(outbox.at(taken).stream);
            batch.chunks.push_back(outbox.take_for_sending(taken));
            bytes += outbox.at(taken).bytes;
            ++taken;
        }
        if (taken > 0) under_way_.emplace_back(token, taken);
    }
    return batch;
}

std::vector<std::int64_t> LogCourier::answered(const std::vector<std::int64_t>& stale, std::int64_t now_ms) {
    if (one_by_one_ > 0) --one_by_one_;
    for (auto [token, chunks] : under_way_) {
        Run* run = supervisor_.find(token);
        if (run == nullptr) continue;
        if (std::find(stale.begin(), stale.end(), token) != stale.end()) {
            spdlog::info("event=log_stale job={} token={}", run->job_id(), token);
            run->log().outbox().drop();
        } else {
            run->log().outbox().answered(chunks);
        }
    }
    return settle(now_ms);
}

std::vector<std::int64_t> LogCourier::refused(std::int64_t now_ms) {
    if (one_by_one_ > 0) {
        for (auto [token, chunks] : under_way_) {
            Run* run = supervisor_.find(token);
            if (run == nullptr) continue;
            spdlog::error("event=log_chunk_dropped job={} token={} seq={}", run->job_id(), token,
                          run->log().outbox().empty() ? 0 : run->log().outbox().at(0).seq);
            run->log().outbox().answered(chunks);
        }
    }
    one_by_one_ = careful_batches;
    return settle(now_ms);
}

std::vector<std::int64_t> LogCourier::settle(std::int64_t now_ms) {
    std::vector<std::int64_t> complete;
    for (auto [token, chunks] : under_way_) {
        Run* run = supervisor_.find(token);
        if (run != nullptr && run->state() == RunState::ended && run->log().outbox().empty()) complete.push_back(token);
    }
    under_way_.clear();
    // What waits now came while the batch was under way, or did not fit: a full batch goes on without a pause.
    std::erase_if(waiting_, [this](std::int64_t token) {
        Run* run = supervisor_.find(token);
        bool gone = run == nullptr || run->log().outbox().empty();
        if (gone) listed_.erase(token);
        return gone;
    });
    std::size_t waiting = 0;
    bool urgent = false;
    for (std::int64_t token : waiting_) {
        Run* run = supervisor_.find(token);
        waiting += run->log().outbox().waiting_bytes();
        urgent = urgent || run->state() == RunState::ended;
    }
    due_ms_ = urgent || waiting >= batch_bytes ? now_ms : now_ms + flush_ms;
    return complete;
}

} // namespace rcq::executor
