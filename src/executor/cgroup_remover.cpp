#include "executor/cgroup_remover.hpp"

#include "executor/cgroup_tree.hpp"

#include <algorithm>

namespace rcq::executor {

namespace {

constexpr std::uint64_t first_pause_ms = 10;
constexpr std::uint64_t longest_pause_ms = 10'000;

} // namespace

CgroupRemover::CgroupRemover(uv_loop_t* loop) : timer_(loop, [this] { again(); }) {}

void CgroupRemover::remove(const std::string& path) {
    if (kill_and_remove_cgroup(path)) return;
    stay_.push_back(path);
    pause_ms_ = first_pause_ms;
    timer_.start(pause_ms_);
}

void CgroupRemover::again() {
    std::erase_if(stay_, kill_and_remove_cgroup);
    pause_ms_ = std::min(2 * pause_ms_, longest_pause_ms);
    if (!stay_.empty()) timer_.start(pause_ms_);
}

} // namespace rcq::executor
