#include "parallel_requests.hpp"

#include "guard.hpp"
#include "relations.hpp"

namespace rcq::pg {

namespace {

constexpr char moment[] = "20ms"; // those who wait have a connection of PostgREST, too

// A place is a lock, which ends with the transaction, however that ends. No advisory lock, because anybody may take
// those; place 0 is that of submissions (limits.hpp).
LOCKTAG tag_of(int32 user_id, int place) {
    LOCKTAG tag;
    SET_LOCKTAG_OBJECT(tag, MyDatabaseId, relation_id("users"), static_cast<Oid>(user_id), static_cast<uint16>(place));
    return tag;
}

bool take_at_once(int32 user_id, int place) {
    return call([&] {
        const LOCKTAG tag = tag_of(user_id, place);
        return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
    });
}

bool take_in_a_moment(int32 user_id, int place) {
    try {
        call([&] {
            const LOCKTAG tag = tag_of(user_id, place);
            const int nesting = NewGUCNestLevel();
            set_config_option("lock_timeout", moment, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
            LockAcquire(&tag, ExclusiveLock, false, false);
            AtEOXact_GUC(true, nesting);
        });
        return true;
    } catch (const PgError& error) {
        if (error.sqlstate() != ERRCODE_LOCK_NOT_AVAILABLE) throw;
        return false; // the request is refused, and its transaction ends
    }
}

} // namespace

bool take_request_place(int32 user_id, int most) {
    if (most == 0 || RecoveryInProgress()) return true;
    // each connection begins elsewhere, so that the first one that is asked for is most often free
    const int first = MyProcPid % most;
    for (int k = 0; k < most; k++)
        if (take_at_once(user_id, 1 + (first + k) % most)) return true;
    return take_in_a_moment(user_id, 1 + first);
}

} // namespace rcq::pg
