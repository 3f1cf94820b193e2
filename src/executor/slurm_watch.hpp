// Looks at the directories of runs on other hosts, over and over, in a thread of libuv's pool: a file system that is
// shared does not tell of changes, and may take its time.
#pragma once
#include "executor/slurm_follow.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <uv.h>
#include <vector>

namespace rcq::executor {

// What stands in the directory now. A directory that is gone has nothing in it.
RunFacts look_at_run(const std::string& run_path);

class SlurmWatch {
public:
    using Places = std::vector<std::pair<std::int64_t, std::string>>; // token, path of the directory
    using Found = std::vector<std::pair<std::int64_t, RunFacts>>;

    SlurmWatch(uv_loop_t* loop, std::function<void(Found)> found);
    ~SlurmWatch();
    SlurmWatch(const SlurmWatch&) = delete;
    SlurmWatch& operator=(const SlurmWatch&) = delete;

    // Nothing while the last look still goes on.
    void look(Places places);

private:
    struct Look;

    uv_loop_t* loop_;
    std::function<void(Found)> found_;
    Look* running_ = nullptr; // freed by itself, on the loop, even when this object is gone by then
};

} // namespace rcq::executor
