#include "progress.hpp"

#include <cmath>
#include <cstdio>
#include <unistd.h>
#include <utility>

namespace rcq::sim {

ProgressBar::ProgressBar(std::string label, std::optional<bool> wanted)
    : label_(std::move(label)), enabled_(wanted.value_or(isatty(STDERR_FILENO) == 1)) {}

ProgressBar::~ProgressBar() {
    if (drawn_) std::fputs("\r\033[K", stderr);
}

void ProgressBar::show(std::size_t done, std::size_t all) {
    const auto now = Clock::now();
    if (!enabled_ || now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    drawn_ = true;
    const double seconds = std::chrono::duration<double>(now - began_).count();
    std::fputs(("\r" + progress_line(label_, done, all, seconds) + "\033[K").c_str(), stderr);
    std::fflush(stderr);
}

std::string progress_line(const std::string& label, std::size_t done, std::size_t all, double seconds) {
    constexpr std::size_t width = 30;
    const double share = static_cast<double>(done) / static_cast<double>(all);
    const auto filled = static_cast<std::size_t>(share * width);
    std::string line = label + " [" + std::string(filled, '#') + std::string(width - filled, '.') + "] " +
                       std::to_string(static_cast<int>(share * 100)) + " %";
    if (done > 0) line += ", " + std::to_string(std::lround(seconds / share * (1 - share))) + " s left";
    return line;
}

} // namespace rcq::sim
