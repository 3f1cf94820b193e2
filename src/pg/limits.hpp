// What the limits on a person's submissions count: pending jobs, jobs submitted of late. Counted on what is committed
// at this moment in every isolation level, and under a lock on the person, so that submissions at the same time cannot
// exceed a limit together.
#pragma once
#include "prelude.hpp"

namespace rcq::pg {

// Until the transaction ends no other one gets past this for the same user; the second only if that can be had without
// waiting.
void lock_submissions(int32 user_id);
bool try_lock_submissions(int32 user_id);

// Both stop counting at at_most.
int64 count_pending(int32 user_id, int64 at_most);
int64 count_submitted(int32 user_id, TimestampTz since, int64 at_most);

} // namespace rcq::pg
