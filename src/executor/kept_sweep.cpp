#include "executor/kept_sweep.hpp"

#include "executor/logging.hpp"
#include "executor/remover.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr std::uint64_t first_ms = 1000;
constexpr std::uint64_t interval_ms = 3'600'000;
constexpr std::uint64_t pause_ms = 5;
constexpr int slice_entries = 500;

} // namespace

KeptSweep::KeptSweep(uv_loop_t* loop, std::string directory, double age_s, Remover& remover)
    : directory_(std::move(directory)), age_s_(age_s), remover_(remover), timer_(loop, [this] { slice(); }) {}

void KeptSweep::start() { timer_.start(first_ms); }

void KeptSweep::slice() {
    if (!open_) {
        expired_ = 0;
        open_.reset(opendir(directory_.c_str()));
        if (!open_) {
            spdlog::warn("event=sweep_failed path={} reason={}", quoted(directory_), quoted(std::strerror(errno)));
            return timer_.start(interval_ms);
        }
    }
    for (int count = 0; count < slice_entries; ++count) {
        const dirent* entry = readdir(open_.get()); // NOLINT(concurrency-mt-unsafe): one thread
        if (entry == nullptr) {
            open_.reset();
            if (expired_ > 0) spdlog::info("event=sweep directories={}", expired_);
            return timer_.start(interval_ms);
        }
        if (entry->d_name[0] != '.') look_at(entry->d_name);
    }
    timer_.start(pause_ms);
}

void KeptSweep::look_at(const char* name) {
    struct stat status {};
    if (fstatat(dirfd(open_.get()), name, &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (static_cast<double>(std::time(nullptr)) - static_cast<double>(status.st_mtime) < age_s_) return;
    if (S_ISDIR(status.st_mode)) {
        ++expired_;
        remover_.remove(directory_ + "/" + name);
    } else if (S_ISLNK(status.st_mode)) { // to a run that is gone (RunDirectory::announce)
        (void)unlinkat(dirfd(open_.get()), name, 0);
    }
}

} // namespace rcq::executor
