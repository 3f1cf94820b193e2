#include "supervisor/usage.hpp"

#include "supervisor/descendants.hpp"

#include <algorithm>

namespace rcq::supervisor {

namespace {

std::int64_t microseconds(const timeval& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_usec;
}

} // namespace

void Usage::add_ended(const rusage& usage) {
    ended_cpu_us_ += microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
    cpu_us_ = std::max(cpu_us_, ended_cpu_us_);
    // Before exec a child is a copy of this process, which is smaller than anything that it could become.
    if (!memory_counted_) peak_kib_ = std::max<std::int64_t>(peak_kib_, usage.ru_maxrss);
}

void Usage::sample_cgroup() {
    if (auto used = cgroup_.number("cpu.stat", "usage_usec")) cpu_us_ = std::max(cpu_us_, *used);
    if (!memory_counted_) return;
    if (auto now = cgroup_.number("memory.current")) memory_kib_ = *now / 1024;
    // Linux 5.19 and later know the peak; before, the looks must do.
    peak_kib_ = std::max({peak_kib_, memory_kib_, cgroup_.number("memory.peak").value_or(0) / 1024});
}

void Usage::sample_processes() {
    std::int64_t cpu_us = ended_cpu_us_;
    std::int64_t memory_kib = 0;
    for (const rundir::ProcessStat& process : list_descendants()) {
        if (process.state == 'Z') continue; // counted when it is waited for
        cpu_us += rundir::ticks_to_us(process.cpu_ticks);
        if (!memory_counted_) memory_kib += rundir::private_memory_kib(process.pid);
    }
    cpu_us_ = std::max(cpu_us_, cpu_us);
    if (memory_counted_) return;
    memory_kib_ = memory_kib;
    peak_kib_ = std::max(peak_kib_, memory_kib);
}

void Usage::sample() {
    if (cgroup_.is_open()) sample_cgroup();
    if (!memory_counted_) sample_processes();
}

void Usage::finish() {
    memory_kib_ = 0;
    if (cgroup_.is_open()) sample_cgroup();
}

} // namespace rcq::supervisor
