// How far a long replay is: one line on stderr, redrawn at most ten times a second and gone at the end.
#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace rcq::sim {

class ProgressBar {
public:
    // Without a wish of the person, drawn only where stderr is a terminal.
    ProgressBar(std::string label, std::optional<bool> wanted);
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void show(std::size_t done, std::size_t all);

private:
    using Clock = std::chrono::steady_clock;

    std::string label_;
    bool enabled_;
    bool drawn_ = false;
    Clock::time_point began_ = Clock::now();
    Clock::time_point last_ = began_;
};

// The line for `done` of `all` (above 0) after so many seconds, with a guess of what is left: the remaining work at
// the rate so far.
std::string progress_line(const std::string& label, std::size_t done, std::size_t all, double seconds);

} // namespace rcq::sim
