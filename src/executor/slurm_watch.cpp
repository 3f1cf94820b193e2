#include "executor/slurm_watch.hpp"

#include "executor/slurm_record.hpp"
#include "rundir/paths.hpp"

#include <fcntl.h>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {

namespace {

// The file is opened and not just asked for: over NFS only that fetches what is true now.
bool look_at_file(int directory, const char* name, struct stat& status) {
    const int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return false;
    const bool known = fstat(fd, &status) == 0;
    close(fd);
    return known;
}

} // namespace

RunFacts look_at_run(const std::string& run_path) {
    RunFacts facts;
    const int directory = open(run_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return facts;
    struct stat status {};
    if (look_at_file(directory, rundir::status_file, status)) {
        facts.status_changed_ns = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
    }
    // A supervisor without the permission was started by an executor with another back end.
    facts.started = fstatat(directory, slurm_start_dir, &status, 0) == 0 || facts.status_changed_ns != 0;
    if (look_at_file(directory, rundir::index_file, status)) facts.index_bytes = status.st_size;
    facts.end = read_run_end(run_path);
    close(directory);
    return facts;
}

struct SlurmWatch::Look {
    uv_work_t work{};
    SlurmWatch* owner = nullptr;
    Places places;
    Found found;
};

SlurmWatch::SlurmWatch(uv_loop_t* loop, std::function<void(Found)> found) : loop_(loop), found_(std::move(found)) {}

SlurmWatch::~SlurmWatch() {
    if (running_ != nullptr) running_->owner = nullptr;
}

void SlurmWatch::look(Places places) {
    if (running_ != nullptr) return;
    auto look = std::make_unique<Look>();
    look->owner = this;
    look->places = std::move(places);
    look->work.data = look.get();
    const int result = uv_queue_work(
        loop_, &look->work,
        [](uv_work_t* work) {
            auto* look = static_cast<Look*>(work->data);
            for (const auto& [token, path] : look->places) look->found.emplace_back(token, look_at_run(path));
        },
        [](uv_work_t* work, int) {
            std::unique_ptr<Look> look(static_cast<Look*>(work->data));
            if (look->owner == nullptr) return;
            SlurmWatch& owner = *look->owner;
            owner.running_ = nullptr;
            owner.found_(std::move(look->found));
        });
    if (result < 0) throw std::runtime_error(std::string("uv_queue_work: ") + uv_strerror(result));
    running_ = look.release();
}

} // namespace rcq::executor
