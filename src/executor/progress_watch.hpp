// Looks at what runs say of how far they are: on a disk of this host at once; on a file system that is shared, which
// may take its time, in a thread of libuv's pool.
#pragma once
#include "rundir/progress.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <uv.h>
#include <vector>

namespace rcq::executor {

class ProgressWatch {
public:
    struct Place {
        std::int64_t token = 0;
        std::string path; // of the file
        uid_t owner = 0;
        rundir::FileStamp known;
    };
    using Found = std::vector<std::pair<std::int64_t, rundir::ProgressLook>>; // by token, what has changed

    ProgressWatch(uv_loop_t* loop, bool shared, std::function<void(const Found&)> found);
    ~ProgressWatch();
    ProgressWatch(const ProgressWatch&) = delete;
    ProgressWatch& operator=(const ProgressWatch&) = delete;

    // Whether the last look has ended.
    [[nodiscard]] bool idle() const { return running_ == nullptr; }
    // Only while idle. `found` is called at the end.
    void look(std::vector<Place> places);

private:
    struct Look;

    static Found look_at(const std::vector<Place>& places);

    uv_loop_t* loop_;
    bool shared_;
    std::function<void(const Found&)> found_;
    Look* running_ = nullptr; // freed by itself, on the loop, even when this object is gone by then
};

} // namespace rcq::executor
