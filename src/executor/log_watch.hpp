// Tells when the log of a run has grown: inotify on its directory until the supervisor makes the index of the log, then
// on the index. Where inotify fails (fs.inotify.max_user_watches) the run is named once a second.
#pragma once
#include "executor/loop.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace rcq::executor {

class LogWatch {
public:
    LogWatch(uv_loop_t* loop, std::function<void(std::int64_t token)> grown);
    ~LogWatch();
    LogWatch(const LogWatch&) = delete;
    LogWatch& operator=(const LogWatch&) = delete;

    void add(std::int64_t token, const std::string& directory);
    void remove(std::int64_t token);

private:
    struct Watched {
        std::int64_t token = 0;
        std::string directory; // empty: the index itself is watched
    };

    void read_events();
    void overflowed();
    bool watch_index(std::int64_t token, const std::string& directory);
    void fall_back(std::int64_t token);
    void note(int descriptor, Watched watched);

    std::function<void(std::int64_t)> grown_;
    int fd_ = -1;
    std::unique_ptr<Poll> poll_;
    std::unordered_map<int, Watched> watched_;
    std::unordered_map<std::int64_t, int> descriptors_; // by token
    std::unordered_set<std::int64_t> unwatched_;
    Timer timer_;
};

} // namespace rcq::executor
