#include "executor/progress_watch.hpp"

#include <memory>
#include <stdexcept>

namespace rcq::executor {

struct ProgressWatch::Look {
    uv_work_t work{};
    ProgressWatch* owner = nullptr;
    std::vector<Place> places;
    Found found;
};

ProgressWatch::ProgressWatch(uv_loop_t* loop, std::function<void(const Found&)> found)
    : loop_(loop), found_(std::move(found)) {}

ProgressWatch::~ProgressWatch() {
    if (running_ != nullptr) running_->owner = nullptr;
}

void ProgressWatch::look(std::vector<Place> places) {
    auto look = std::make_unique<Look>();
    look->owner = this;
    look->places = std::move(places);
    look->work.data = look.get();
    const int result = uv_queue_work(
        loop_, &look->work,
        [](uv_work_t* work) {
            auto* look = static_cast<Look*>(work->data);
            for (const Place& place : look->places) {
                if (auto seen = rundir::look_at_progress(place.path, place.owner, place.known)) {
                    look->found.emplace_back(place.token, std::move(*seen));
                }
            }
        },
        [](uv_work_t* work, int) {
            std::unique_ptr<Look> look(static_cast<Look*>(work->data));
            if (look->owner == nullptr) return;
            look->owner->running_ = nullptr;
            look->owner->found_(look->found);
        });
    if (result < 0) throw std::runtime_error(std::string("uv_queue_work: ") + uv_strerror(result));
    running_ = look.release();
}

} // namespace rcq::executor
