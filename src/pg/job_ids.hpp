// Job ids and the partitions that take them.
#pragma once
#include "prelude.hpp"

namespace rcq::pg {

// The bound at which the newest partition of job ends, by what is committed now; 0 when there is none.
int64 partitioned_to();

} // namespace rcq::pg
