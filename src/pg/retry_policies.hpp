// How a job is run again after a failure, read from rcq_private.job.retry.
#pragma once
#include "../core/run_end.hpp"
#include "guard.hpp"

namespace rcq::pg {

// Of a job that says nothing about it: nullptr.
core::RetryPolicy retry_policy(Jsonb* stored);

} // namespace rcq::pg
