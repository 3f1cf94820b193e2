// What this transaction changed, told to the scheduler when it commits. A hint: the scheduler reads the tables again.
#pragma once
#include "shared.hpp"

namespace rcq::pg {

void note_job(int64 job_id, bool wake);
void note_definitions();
// Asks the launcher at commit to start a scheduler for this database.
void note_activation();

// For the scheduler: takes what has gathered. Must precede the snapshot that reads the tables.
struct TakenChanges {
    bool definitions = false;
    std::vector<JobRange> jobs;
};
TakenChanges take_changes(DatabaseSlot& slot);

} // namespace rcq::pg
