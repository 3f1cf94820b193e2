// Removes cgroups of ended runs. What is in one may take its time to die, so it is tried until it is gone.
#pragma once
#include "executor/loop.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace rcq::executor {

class CgroupRemover {
public:
    explicit CgroupRemover(uv_loop_t* loop);

    // Kills what is in it first.
    void remove(const std::string& path);

private:
    void again();

    std::vector<std::string> stay_;
    std::uint64_t pause_ms_ = 0;
    Timer timer_;
};

} // namespace rcq::executor
