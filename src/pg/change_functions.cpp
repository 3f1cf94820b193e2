// SQL functions by which a transaction tells the scheduler what it changed.
#include "changes.hpp"
#include "guard.hpp"
#include "points.hpp"

namespace {

// RC011 instead of silence when nobody would ever learn of the change.
void require_library() { (void)rcq::pg::own_slot(); }

} // namespace

RCQ_FUNCTION(rcq_touched) {
    require_library();
    rcq::pg::note_job(PG_GETARG_INT64(0), true);
    RCQ_POINT("change.job");
    PG_RETURN_INT64(PG_GETARG_INT64(0));
}

// For the SQL objects of 0.5.
RCQ_FUNCTION(rcq_touched_quietly) {
    require_library();
    rcq::pg::note_job(PG_GETARG_INT64(0), false);
    PG_RETURN_INT64(PG_GETARG_INT64(0));
}

RCQ_FUNCTION(rcq_definitions_changed) {
    require_library();
    rcq::pg::note_definitions();
    RCQ_POINT("change.definitions");
    PG_RETURN_VOID();
}

RCQ_FUNCTION(rcq_activate) {
    require_library();
    rcq::pg::note_activation();
    PG_RETURN_VOID();
}
