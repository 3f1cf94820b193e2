// How fast one user may send requests over HTTP: a bucket of tokens per user and database, in shared memory.
#pragma once
#include "shared.hpp"

namespace rcq::pg {

void install_rate_limit_hooks();

// Takes one request of the user out of the bucket, which holds a tenth of what one minute fills, but at least 20.
// Returns 0, or when it is empty the seconds until it is not. per_minute 0 = no limit. Error RC011 when the library was
// not preloaded.
int request_must_wait(int32 user_id, int per_minute);

} // namespace rcq::pg
