// The files `launch` and `end` of the run's directory.
#pragma once
#include "rundir/end.hpp"
#include "rundir/launch.hpp"

namespace rcq::supervisor {

// Throws rundir::LaunchError, also when the file cannot be read.
rundir::Launch read_launch(int directory);

// Takes the room on the disk that `end` will need, so that a job that fills the disk keeps nobody from learning of its
// end.
void reserve_end(int directory);

// Writes `end` as a draft and renames it, so that it is there whole or not at all. A disk that takes nothing is tried
// again for a minute, then with the kind and the code of the end alone, for another. False: the file could not be
// written; the executor then finds the run without an end and reports it as lost.
bool write_end(int directory, rundir::End end);

} // namespace rcq::supervisor
