// What this transaction changed, told to the scheduler when it commits. A hint: the scheduler reads the tables again.
#pragma once
#include "shared.hpp"

namespace rcq::pg {

void note_job(int64 job_id, bool wake);
void note_definitions();
// As note_definitions(), but for what backends keep of definitions (definitions_cache.hpp) and no scheduler reads.
void note_definitions_kept();
// Whether this transaction has noted one or the other.
bool definitions_noted();
// Asks the launcher at commit to start a scheduler for this database.
void note_activation();

// For the scheduler: takes what has gathered. Must precede the snapshot that reads the tables.
struct TakenChanges {
    bool definitions = false;
    std::vector<JobRange> jobs;
};
TakenChanges take_changes(DatabaseSlot& slot);

} // namespace rcq::pg
