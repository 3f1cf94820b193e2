// The process that supervisors are forked from (rundir/nursery.hpp).
#pragma once

namespace rcq::supervisor {

// Serves requests until the executor is gone: false. True in a new supervisor, which has the directory of its run at
// rundir::directory_fd and nothing else of the nursery's.
bool nurse();

} // namespace rcq::supervisor
