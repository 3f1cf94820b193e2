// Looks after the host while the executor runs: is there room on the disk, does the administrator's health check
// succeed, do the GPUs answer. While any of these fails nothing new should be run here.
#pragma once
#include "executor/gpu_detection.hpp"
#include "executor/loop.hpp"
#include "executor/options.hpp"
#include "executor/program.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rcq::executor {

// Too little room begins below the least that must be free, and ends a tenth above it, so that it does not flutter.
class DiskGuard {
public:
    explicit DiskGuard(double least_gb) : least_gb_(least_gb) {}

    // The condition after this look, nothing: enough is free.
    std::optional<std::string> look(double free_gb, const std::string& path);

private:
    double least_gb_;
    bool short_of_room_ = false;
};

class HostWatch {
public:
    struct Events {
        // Why nothing new should be run here; nothing: it may be again. Called when that changes, never with the same
        // value twice.
        std::function<void(std::optional<std::string>)> condition_changed;
        // Which of the offered GPUs have a fault; called when that changes.
        std::function<void(const std::vector<bool>&)> gpus_changed;
    };

    HostWatch(uv_loop_t* loop, const Options& options, Events events);

    // Looks at the disk now, and starts the first checks.
    void start();

    [[nodiscard]] const std::optional<std::string>& condition() const { return condition_; }

private:
    void look_at_disk();
    void check_health();
    void ask_gpus();
    void judge_gpus(const GpuList& now);
    void tell();

    uv_loop_t* loop_;
    const Options& options_;
    Events events_;
    DiskGuard disk_guard_;
    std::optional<std::string> disk_;
    std::optional<std::string> health_;
    std::optional<std::string> gpus_;
    std::optional<std::string> condition_;
    std::vector<bool> faulty_gpus_;
    std::unique_ptr<Program> health_program_;
    std::unique_ptr<Program> gpu_program_;
    Timer disk_timer_;
    Timer health_timer_;
    Timer gpu_timer_;
};

} // namespace rcq::executor
