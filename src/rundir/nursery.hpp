// How an executor asks for supervisors: one rcq-supervisor, the nursery, waits for its requests and forks a supervisor
// for each, which costs a fraction of a new program. Both ends of the socket are of the same release.
//
// Request: a NurseryRequest with one descriptor, the open and locked directory of the run. Answer: a NurseryAnswer for
// each request, in their order. The supervisor is a child of the executor, as if it had been started by it. The nursery
// ends with the executor's end of the socket, after the requests that were made.
#pragma once
#include <cstdint>

namespace rcq::rundir {

inline constexpr const char* nursery_argument = "--nursery";

// The descriptor of its end of the socket (SOCK_SEQPACKET) that a nursery is started with.
inline constexpr int nursery_fd = 3;

struct NurseryRequest {
    std::int64_t token = 0;
};

struct NurseryAnswer {
    std::int64_t token = 0;
    std::int32_t pid = 0;
    std::int32_t error = 0; // errno of a start that failed; there is no pid then
};

} // namespace rcq::rundir
