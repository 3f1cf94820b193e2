// When each executor was last heard of: in shared memory, because writing it to a table would cost more than the work
// of an idle cluster.
#pragma once
#include "shared.hpp"

namespace rcq::pg {

// It is heard of now.
void record_heartbeat(DatabaseSlot& slot, int32 executor_id);
// So is which commands it has: all up to this one.
void record_acknowledged(DatabaseSlot& slot, int32 executor_id, int64 seq);
// When it was last heard of, by the clock that nobody sets (monotonic.hpp); 0 = not since the server started.
TimestampTz heartbeat_of(const DatabaseSlot& slot, int32 executor_id);

} // namespace rcq::pg
