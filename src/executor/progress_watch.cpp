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

ProgressWatch::ProgressWatch(uv_loop_t* loop, bool shared, std::function<void(const Found&)> found)
    : loop_(loop), shared_(shared), found_(std::move(found)) {}

ProgressWatch::~ProgressWatch() {
    if (running_ != nullptr) running_->owner = nullptr;
}

ProgressWatch::Found ProgressWatch::look_at(const std::vector<Place>& places) {
    Found found;
    for (const Place& place : places) {
        if (auto seen = rundir::look_at_progress(place.path, place.owner, place.known)) {
            found.emplace_back(place.token, std::move(*seen));
        }
    }
    return found;
}

void ProgressWatch::look(std::vector<Place> places) {
    // the pool ends this process when it cannot make its threads, because jobs of the same user have used up all
    // processes
    if (!shared_) return found_(look_at(places));
    auto look = std::make_unique<Look>();
    look->owner = this;
    look->places = std::move(places);
    look->work.data = look.get();
    const int result = uv_queue_work(
        loop_, &look->work,
        [](uv_work_t* work) {
            auto* look = static_cast<Look*>(work->data);
            look->found = look_at(look->places);
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
