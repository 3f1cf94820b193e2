#include "executor/progress_courier.hpp"

#include <utility>

namespace rcq::executor {

namespace {

constexpr std::uint64_t interval_ms = 1000;
constexpr std::size_t runs_per_batch = 1000;

} // namespace

ProgressCourier::ProgressCourier(uv_loop_t* loop, RunTable& runs, bool shared, std::function<void()> due)
    : runs_(runs), wanted_(std::move(due)),
      watch_(loop, shared, [this](const ProgressWatch::Found& all) { found(all); }), timer_(loop, [this] { look(); }) {}

void ProgressCourier::watch() {
    if (!stopped_ && !timer_.active()) timer_.start(interval_ms, interval_ms);
}

void ProgressCourier::stop() {
    stopped_ = true;
    due_ = false;
    waiting_.clear();
    timer_.stop();
}

void ProgressCourier::look() {
    if (runs_.unfinished() == 0) {
        waiting_.clear();
        due_ = false;
        return timer_.stop();
    }
    if (watch_.idle()) {
        std::vector<ProgressWatch::Place> places;
        runs_.each_running([&places](Run& run) {
            places.push_back({run.token(), run.directory().progress_path(), run.owner(), run.progress_stamp});
        });
        if (!places.empty()) watch_.look(std::move(places));
    }
    due_ = !waiting_.empty();
    if (due_) wanted_();
}

void ProgressCourier::found(const ProgressWatch::Found& changed) {
    if (stopped_) return;
    for (const auto& [token, look] : changed) {
        Run* run = runs_.find(token);
        if (run == nullptr) continue;
        run->progress_stamp = look.stamp;
        if (!look.progress || look.progress == run->progress) continue;
        run->progress = look.progress;
        waiting_.insert(token);
        due_ = true;
    }
    if (due_) wanted_();
}

void ProgressCourier::send_again() {
    stopped_ = false;
    runs_.each_running([this](Run& run) {
        if (run.progress) waiting_.insert(run.token());
    });
    due_ = !waiting_.empty();
}

ProgressBatch ProgressCourier::next_batch() {
    ProgressBatch batch;
    due_ = false;
    under_way_.clear();
    while (!waiting_.empty() && under_way_.size() < runs_per_batch) {
        const std::int64_t token = *waiting_.begin();
        waiting_.erase(waiting_.begin());
        Run* run = runs_.find(token);
        if (run == nullptr || run->forgotten || run->state() != RunState::running) continue;
        under_way_.push_back(token);
        batch.job_ids.push_back(run->job_id());
        batch.tokens.push_back(token);
        batch.percents.push_back(run->progress->percent);
        batch.messages.push_back(run->progress->message);
    }
    return batch;
}

void ProgressCourier::answered() {
    under_way_.clear();
    due_ = !waiting_.empty();
}

void ProgressCourier::lost() {
    for (std::int64_t token : std::exchange(under_way_, {})) waiting_.insert(token);
    due_ = false;
}

} // namespace rcq::executor
