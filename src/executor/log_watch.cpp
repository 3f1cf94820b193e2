#include "executor/log_watch.hpp"

#include "executor/logging.hpp"
#include "rundir/paths.hpp"

#include <cerrno>
#include <cstring>
#include <sys/inotify.h>
#include <unistd.h>
#include <vector>

namespace rcq::executor {

namespace {

constexpr std::uint64_t fallback_ms = 1000;

} // namespace

LogWatch::LogWatch(uv_loop_t* loop, std::function<void(std::int64_t)> grown)
    : grown_(std::move(grown)), timer_(loop, [this] {
          const std::vector<std::int64_t> tokens(unwatched_.begin(), unwatched_.end());
          for (std::int64_t token : tokens) grown_(token);
      }) {
    fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd_ < 0) {
        spdlog::warn("event=inotify_failed reason={}", quoted(std::strerror(errno)));
        return;
    }
    poll_ = std::make_unique<Poll>(loop, fd_, [this](int, int) { read_events(); });
    poll_->start(UV_READABLE);
}

LogWatch::~LogWatch() {
    poll_.reset();
    if (fd_ >= 0) close(fd_);
}

void LogWatch::note(int descriptor, Watched watched) {
    descriptors_[watched.token] = descriptor;
    watched_[descriptor] = std::move(watched);
}

bool LogWatch::watch_index(std::int64_t token, const std::string& directory) {
    int descriptor = inotify_add_watch(fd_, (directory + "/" + rundir::index_file).c_str(), IN_MODIFY);
    if (descriptor < 0) return false;
    note(descriptor, {token, {}});
    return true;
}

void LogWatch::fall_back(std::int64_t token) {
    unwatched_.insert(token);
    if (!timer_.active()) timer_.start(fallback_ms, fallback_ms);
}

void LogWatch::add(std::int64_t token, const std::string& directory) {
    if (fd_ < 0) return fall_back(token);
    int descriptor = inotify_add_watch(fd_, directory.c_str(), IN_CREATE | IN_ONLYDIR);
    if (descriptor < 0) return fall_back(token);
    note(descriptor, {token, directory});
    if (access((directory + "/" + rundir::index_file).c_str(), F_OK) != 0) return;
    (void)inotify_rm_watch(fd_, descriptor);
    watched_.erase(descriptor);
    descriptors_.erase(token);
    if (!watch_index(token, directory)) fall_back(token);
}

void LogWatch::remove(std::int64_t token) {
    if (unwatched_.erase(token) > 0 && unwatched_.empty()) timer_.stop();
    auto found = descriptors_.find(token);
    if (found == descriptors_.end()) return;
    (void)inotify_rm_watch(fd_, found->second);
    watched_.erase(found->second);
    descriptors_.erase(found);
}

// Events are lost, nobody knows whose: any log may have grown, and an index may have been made that is not watched yet.
void LogWatch::overflowed() {
    std::vector<Watched> all;
    for (const auto& [token, descriptor] : descriptors_) all.push_back({token, watched_.at(descriptor).directory});
    for (const Watched& one : all) {
        if (!one.directory.empty()) add(one.token, one.directory);
    }
    for (const Watched& one : all) grown_(one.token);
}

void LogWatch::read_events() {
    alignas(inotify_event) static char buffer[64 << 10]; // one thread
    ssize_t size = read(fd_, buffer, sizeof buffer);
    for (ssize_t at = 0; at < size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
        at += static_cast<ssize_t>(sizeof *event) + event->len;
        if ((event->mask & IN_Q_OVERFLOW) != 0) { // some have grown, nobody knows which
            overflowed();
            continue;
        }
        auto found = watched_.find(event->wd);
        if (found == watched_.end()) continue;
        const std::int64_t token = found->second.token;
        if (!found->second.directory.empty()) {
            if (event->len == 0 || std::strcmp(event->name, rundir::index_file) != 0) continue;
            const std::string directory = std::move(found->second.directory);
            (void)inotify_rm_watch(fd_, event->wd);
            watched_.erase(found);
            descriptors_.erase(token);
            if (!watch_index(token, directory)) fall_back(token);
        }
        grown_(token);
    }
}

} // namespace rcq::executor
