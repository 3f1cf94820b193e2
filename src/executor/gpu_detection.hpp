// Which GPUs this host has, and which of them work: as nvidia-smi tells (or a program that answers as it does), or for
// AMD as the kernel tells in sysfs.
#pragma once
#include "executor/program.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rcq::executor {

struct Gpu {
    std::string id; // UUID, or the index where there is none: what jobs are given
    std::string name;
    std::string type; // short word for constraints
    std::int64_t memory_mib = 0;
    std::string fault; // empty: works

    bool operator==(const Gpu&) const = default;
};

struct GpuList {
    std::vector<Gpu> gpus;
    std::string error; // not empty: the GPUs could not be asked at all
};

// The arguments with which a program is asked for GPUs.
std::vector<std::string> gpu_query_arguments(const std::string& program);

// The answer: a line `index, uuid, name, memory in MiB` for each GPU. A GPU that is there but answers with an error
// (`[Unknown Error]`, `[GPU is lost]`) has a fault. Lines that are no such list make the whole answer an error.
GpuList parse_gpu_list(std::string_view output);

// The answer of the program itself: what it says of its failure when it gave no list.
GpuList gpu_list_of(const ProgramEnd& end);

// GPUs of AMD: /sys/class/drm/card*/device of vendor 0x1002 with memory, in the order of their addresses on the bus.
// `root` is put before the path.
std::vector<Gpu> find_amd_gpus(const std::string& root);

// "NVIDIA A100-SXM4-80GB" -> "a100", "Tesla V100-PCIE-16GB" -> "v100", "NVIDIA GeForce RTX 4090" -> "rtx-4090",
// "NVIDIA H100 80GB HBM3" -> "h100", "AMD Instinct MI210" -> "mi210": in lower case, split at spaces and dashes,
// without makers' and families' names, and without anything that follows the first part with a digit in it. A name
// without such a part is kept whole. At most 63 of a-z 0-9 _ . : -
std::string gpu_type_word(std::string_view name);

// What one executor can offer is one type: the most frequent one (of several, the first in the list). `left_out` are
// the others.
struct GpuChoice {
    std::vector<Gpu> offered;
    std::vector<Gpu> left_out;
};
GpuChoice choose_gpus(const std::vector<Gpu>& gpus);

// What is wrong with the GPUs that were offered, by a later answer: for each index of `ids` the fault, empty when it
// works.
std::vector<std::string> gpu_faults(const std::vector<std::string>& ids, const GpuList& now);

} // namespace rcq::executor
