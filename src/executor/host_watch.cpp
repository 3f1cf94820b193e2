#include "executor/host_watch.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <spdlog/fmt/fmt.h>
#include <sys/statvfs.h>
#include <system_error>

namespace rcq::executor {

namespace {

constexpr std::uint64_t disk_interval_ms = 5000;
constexpr double room_again = 1.1;

std::uint64_t milliseconds(double seconds) { return static_cast<std::uint64_t>(std::llround(seconds * 1000)); }

} // namespace

std::optional<std::string> DiskGuard::look(double free_gb, const std::string& path) {
    short_of_room_ = free_gb < (short_of_room_ ? least_gb_ * room_again : least_gb_);
    if (!short_of_room_) return std::nullopt;
    // without the figure of the moment: a condition that says something else every time would be told every time
    return fmt::format("less than {:g} GB free in {} (min-free-gb)", least_gb_, path);
}

HostWatch::HostWatch(uv_loop_t* loop, const Options& options, Events events)
    : loop_(loop), options_(options), events_(std::move(events)), disk_guard_(options.min_free_gb),
      faulty_gpus_(static_cast<std::size_t>(options.capacity.gpu_count), false),
      disk_timer_(loop, [this] { look_at_disk(); }), health_timer_(loop, [this] { check_health(); }),
      gpu_timer_(loop, [this] { ask_gpus(); }) {}

void HostWatch::start() {
    std::uint64_t interval = milliseconds(options_.health_interval_s);
    if (options_.min_free_gb > 0) {
        disk_timer_.start(std::min(interval, disk_interval_ms), std::min(interval, disk_interval_ms));
        look_at_disk();
    }
    if (!options_.health_check.empty()) check_health();
    if (options_.capacity.gpu_count > 0 && (!options_.gpu_query.empty() || options_.gpus_amd)) ask_gpus();
}

void HostWatch::look_at_disk() {
    struct statvfs room {};
    if (statvfs(options_.state_dir.c_str(), &room) == 0) {
        double free_gb = static_cast<double>(room.f_bavail) * static_cast<double>(room.f_frsize) / (1U << 30);
        disk_ = disk_guard_.look(free_gb, options_.state_dir);
    } else {
        disk_ = "the state directory " + options_.state_dir + " cannot be looked at: " + std::strerror(errno);
    }
    tell();
}

void HostWatch::check_health() {
    health_timer_.stop();
    auto next = [this](std::optional<std::string> condition) {
        health_ = std::move(condition);
        health_program_.reset();
        health_timer_.start(milliseconds(options_.health_interval_s));
        tell();
    };
    try {
        health_program_ =
            std::make_unique<Program>(loop_, std::vector<std::string>{options_.health_check},
                                      milliseconds(options_.health_timeout_s), [next](const ProgramEnd& end) {
                                          if (end.ok()) return next(std::nullopt);
                                          next("health check failed: " + end.describe());
                                      });
    } catch (const std::system_error& error) {
        next(std::string("health check cannot be started: ") + error.what());
    }
}

void HostWatch::ask_gpus() {
    gpu_timer_.stop();
    if (options_.gpu_query.empty()) return judge_gpus({find_amd_gpus(""), ""});
    try {
        gpu_program_ = std::make_unique<Program>(loop_, gpu_query_arguments(options_.gpu_query),
                                                 milliseconds(options_.health_timeout_s),
                                                 [this](const ProgramEnd& end) { judge_gpus(gpu_list_of(end)); });
    } catch (const std::system_error& error) {
        judge_gpus({{}, error.what()});
    }
}

void HostWatch::judge_gpus(const GpuList& now) {
    gpu_program_.reset();
    gpu_timer_.start(milliseconds(options_.health_interval_s));
    std::vector<bool> faulty;
    std::string text;
    std::vector<std::string> faults = gpu_faults(options_.gpu_ids, now);
    for (std::size_t i = 0; i < faults.size(); ++i) {
        faulty.push_back(!faults[i].empty());
        if (faults[i].empty() || !now.error.empty()) continue;
        text += (text.empty() ? "GPU " : ", GPU ") + options_.gpu_ids[i] + ": " + faults[i];
    }
    if (!now.error.empty()) text = "the GPUs cannot be asked: " + now.error;
    gpus_ = text.empty() ? std::nullopt : std::optional(text);
    if (faulty != faulty_gpus_) {
        faulty_gpus_ = faulty;
        if (events_.gpus_changed) events_.gpus_changed(faulty_gpus_);
    }
    tell();
}

void HostWatch::tell() {
    std::string text;
    for (const auto& condition : {disk_, health_, gpus_}) {
        if (condition) text += (text.empty() ? "" : "; ") + *condition;
    }
    std::optional<std::string> now = text.empty() ? std::nullopt : std::optional(text);
    if (now == condition_) return;
    condition_ = now;
    if (events_.condition_changed) events_.condition_changed(condition_);
}

} // namespace rcq::executor
