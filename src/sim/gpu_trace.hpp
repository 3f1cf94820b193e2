// A GPU trace: the nodes of a cluster and the pods that arrive, in the CSV columns of Alibaba's
// cluster-trace-gpu-v2023.
#pragma once
#include "core/gpu_room.hpp"
#include "core/types.hpp"
#include <map>

namespace rcq::sim {

// Amounts are a thousand times finer than elsewhere, because the trace counts thousandths of cores: cpu_cores holds
// thousandths of a core and memory_mib thousandths of a MiB, which keeps the ratio of the two. gpu_milli is as usual.
inline constexpr std::int64_t trace_scale = 1000;

// Rows that were left out, by reason. Reasons are short words: "columns", "number", "range", "empty".
using Skipped = std::map<std::string, std::size_t>;

struct Nodes {
    std::vector<core::Executor> executors; // ids count from 1 in the order of the file
    Skipped skipped;
};

struct Pods {
    std::vector<core::Shape> shapes; // in the order of the file
    Skipped skipped;
};

// Columns, found by their names in the first line and in any order: cpu_milli, memory_mib, gpu, model. Plain or
// gzip-compressed. A row is left out when
//   columns  it has not as many fields as the first line
//   number   a number is none, or has a sign or a fraction
//   range    an amount is out of range: 1,000,000 cores, 1 EiB, 10,000 GPUs
//   empty    it has neither cores nor memory
// Throws UsageError, also when no row is left.
Nodes read_nodes(const std::string& path);

// Columns: cpu_milli, memory_mib, num_gpu, gpu_milli and, if there is one, gpu_spec (models that will do, separated by
// '|'). Left out for the same reasons; range is also a share of a GPU that is not 1 to 1000 thousandths, or shares of
// several GPUs; empty is a pod that asks for nothing at all. Without GPUs gpu_milli and gpu_spec mean nothing.
Pods read_pods(const std::string& path);

} // namespace rcq::sim
