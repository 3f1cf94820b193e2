// CPU time and memory of all processes of the job: from its cgroup as far as that counts them, else from those that
// ended and looks at those that live.
#pragma once
#include "supervisor/cgroup.hpp"

#include <cstdint>
#include <sys/resource.h>

namespace rcq::supervisor {

class Usage {
public:
    // `memory_counted`: the cgroup has the memory controller.
    Usage(const Cgroup& cgroup, bool memory_counted) : cgroup_(cgroup), memory_counted_(memory_counted) {}

    // A child ended; the kernel gives with it what its own waited-for children used.
    void add_ended(const rusage& usage);
    void sample();
    // The last look, after the job's processes are gone.
    void finish();

    [[nodiscard]] std::int64_t cpu_us() const { return cpu_us_; }
    [[nodiscard]] std::int64_t memory_kib() const { return memory_kib_; } // at the last look
    [[nodiscard]] std::int64_t peak_kib() const { return peak_kib_; }

private:
    void sample_cgroup();
    void sample_processes();

    const Cgroup& cgroup_;
    bool memory_counted_;
    std::int64_t ended_cpu_us_ = 0;
    std::int64_t cpu_us_ = 0;
    std::int64_t memory_kib_ = 0;
    std::int64_t peak_kib_ = 0;
};

} // namespace rcq::supervisor
