// Synthetic workloads, the same for the same seed: for tests, and for machines that nobody has a log of.
//
// Modelled on what logs have in common (Lublin and Feitelson, JPDC 63(11), 2003; Tsafrir, Etsion, Feitelson, JSSPP
// 2005), with rounder figures: arrivals follow the hours of the day, sizes are mostly powers of two, run times are
// log-uniform, requests are over-estimated and taken from a few round values, a few users submit most jobs, and users
// come back with the job that they ran last.
#pragma once
#include <cstdint>
#include <string>

namespace rcq::sim {

struct WorkloadModel {
    std::int64_t jobs = 1000;      // 1 to 10,000,000
    std::int32_t processors = 128; // of the machine; 1 to 1,000,000
    std::int32_t users = 50;       // 1 to 1,000,000; that many submit where there are jobs enough
    std::uint64_t seed = 1;
    double load =
        0.8; // processor time asked for as a share of the machine's from the first to the last submit; above 0
};

// The whole trace in the Standard Workload Format, header and final line end included. Throws UsageError if so many
// jobs at that load would take more than 300 years.
std::string generate_swf(const WorkloadModel& model);

} // namespace rcq::sim
