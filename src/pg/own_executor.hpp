// The executor that calls.
#pragma once
#include "table.hpp"

namespace rcq::pg {

// The number of the executor that the acting role is, which must be the one that the caller says: RC020 when the role
// is no executor or another one, RC021 unless this process is the registered one, RC023 when one of both is missing. By
// what is committed now.
int32 own_executor(const Sight& sight, std::optional<int32> executor, std::optional<int64> incarnation);

// How often an executor must be heard of, and when its runs are given up, as JSON.
std::string executor_terms();

} // namespace rcq::pg
