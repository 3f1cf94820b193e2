// What kind of host this is: told to the database for people, and as features for constraints of jobs.
#pragma once
#include "executor/gpu_detection.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace rcq::executor {

struct HostFacts {
    std::string hostname;
    std::string arch;       // x86_64
    std::string kernel;     // 6.1.0-18-amd64
    std::string os;         // debian
    std::string os_version; // 12; empty: a rolling release
    std::string cpu_model;  // as /proc/cpuinfo says
    int sockets = 0;
    int cores = 0;   // physical
    int threads = 0; // logical CPUs of the machine
    std::int64_t memory_mib = 0;
};

// `root` is put before the paths of /proc/cpuinfo, /proc/meminfo and /etc/os-release.
HostFacts detect_host_facts(const std::string& hostname, const std::string& root = "");

// `arch:x86_64`, `kernel:6.1`, `host:node-a`, `cpu:amd-epyc-7763`, `os:debian-12`, and `gpu:a100` for each type of GPU.
std::vector<std::string> host_features(const HostFacts& facts, const std::vector<Gpu>& gpus);

// "AMD EPYC 7763 64-Core Processor" -> "amd-epyc-7763", "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz" ->
// "intel-xeon-gold-6248"
std::string cpu_word(std::string_view model);

// The facts, the GPUs and the version of this program as a JSON object: `info` of the registration.
std::string host_info(const HostFacts& facts, const std::vector<Gpu>& gpus, double kill_grace_s);

} // namespace rcq::executor
