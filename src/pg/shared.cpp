#include "shared.hpp"

#include "../protocol/words.hpp"
#include "guard.hpp"
#include "guc.hpp"

namespace rcq::pg {

Shared* shared = nullptr;

namespace {

shmem_request_hook_type previous_request = nullptr;
shmem_startup_hook_type previous_startup = nullptr;

Size shared_size() {
    Size size = MAXALIGN(offsetof(Shared, slots));
    size = add_size(size, mul_size(guc::max_databases, sizeof(DatabaseSlot)));
    return add_size(MAXALIGN(size), mul_size(guc::max_databases, mul_size(guc::max_executors, sizeof(Heartbeat))));
}

int lock_count() { return 1 + 2 * guc::max_databases; }

extern "C" void request_shared_memory() {
    if (previous_request) previous_request();
    RequestAddinShmemSpace(shared_size());
    RequestNamedLWLockTranche("rcq", lock_count());
}

void clear_slot(DatabaseSlot& slot) {
    slot.database = InvalidOid;
    slot.state = SlotState::free;
    slot.pid = 0;
    slot.activated = false;
    pg_atomic_write_u32(&slot.scheduler, 0);
    pg_atomic_write_u32(&slot.woken, 0);
    // counts on from what no slot has had: a backend may remember what an earlier one said
    pg_atomic_write_u64(&slot.definitions, ++shared->claims << 32);
    slot.changes.count = 0;
    slot.changes.definitions = false;
    slot.started_at = slot.last_cycle_at = 0;
    slot.cycles = slot.placements = slot.pending = slot.running = 0;
    slot.last_error[0] = '\0';
    slot.published.lanes = slot.published.ranks = 0;
    clear_metrics(slot.metrics);
    for (int i = 0; i < guc::max_executors; i++) {
        pg_atomic_write_u32(&slot.heartbeats[i].executor_id, 0);
        pg_atomic_write_u64(&slot.heartbeats[i].seen, 0);
        pg_atomic_write_u64(&slot.heartbeats[i].tick, 0);
        pg_atomic_write_u64(&slot.heartbeats[i].acked_seq, 0);
        pg_atomic_write_u64(&slot.heartbeats[i].acked_at, 0);
    }
}

extern "C" void start_shared_memory() {
    if (previous_startup) previous_startup();
    bool found;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    shared = static_cast<Shared*>(ShmemInitStruct("rcq", shared_size(), &found));
    if (!found) {
        memset(static_cast<void*>(shared), 0, shared_size());
        LWLockPadded* locks = GetNamedLWLockTranche("rcq");
        shared->registry_lock = &locks[0].lock;
        pg_atomic_init_u32(&shared->launcher, 0);
        pg_atomic_init_u32(&shared->unserved, 0);
        auto* heartbeats = reinterpret_cast<Heartbeat*>(
            reinterpret_cast<char*>(shared) +
            MAXALIGN(MAXALIGN(offsetof(Shared, slots)) + guc::max_databases * sizeof(DatabaseSlot)));
        for (int i = 0; i < guc::max_databases; i++) {
            DatabaseSlot& slot = shared->slots[i];
            slot.change_lock = &locks[1 + 2 * i].lock;
            slot.publish_lock = &locks[2 + 2 * i].lock;
            slot.heartbeats = heartbeats + static_cast<Size>(i) * guc::max_executors;
            pg_atomic_init_u32(&slot.scheduler, 0);
            pg_atomic_init_u32(&slot.woken, 0);
            pg_atomic_init_u64(&slot.definitions, 0);
            for (int k = 0; k < guc::max_executors; k++) {
                pg_atomic_init_u32(&slot.heartbeats[k].executor_id, 0);
                pg_atomic_init_u64(&slot.heartbeats[k].seen, 0);
                pg_atomic_init_u64(&slot.heartbeats[k].tick, 0);
                pg_atomic_init_u64(&slot.heartbeats[k].acked_seq, 0);
                pg_atomic_init_u64(&slot.heartbeats[k].acked_at, 0);
            }
            clear_slot(slot);
        }
    }
    LWLockRelease(AddinShmemInitLock);
}

} // namespace

const char* name(SlotState state) {
    switch (state) {
    case SlotState::free:
        return "free";
    case SlotState::wanted:
        return "wanted";
    case SlotState::starting:
        return "starting";
    case SlotState::running:
        return "running";
    case SlotState::idle:
        return "idle";
    case SlotState::absent:
        return "absent";
    case SlotState::failed:
        return "failed";
    }
    return "unknown";
}

void install_shared_memory_hooks() {
    previous_request = shmem_request_hook;
    shmem_request_hook = request_shared_memory;
    previous_startup = shmem_startup_hook;
    shmem_startup_hook = start_shared_memory;
}

int find_slot(Oid database, bool claim) {
    LockGuard guard(shared->registry_lock, claim ? LW_EXCLUSIVE : LW_SHARED);
    for (int i = 0; i < guc::max_databases; i++)
        if (shared->slots[i].database == database) return i;
    if (!claim) return -1;
    for (int i = 0; i < guc::max_databases; i++) {
        DatabaseSlot& slot = shared->slots[i];
        if (slot.database != InvalidOid) continue;
        clear_slot(slot);
        slot.database = database;
        slot.state = SlotState::wanted;
        return i;
    }
    return -1;
}

void refuse_unloaded() {
    throw SqlError(protocol::error::not_preloaded, "rcq is not loaded",
                   "Add rcq to shared_preload_libraries in postgresql.conf and restart the server.");
}

DatabaseSlot* own_slot() {
    if (!shared) refuse_unloaded();
    static int cached = -1;
    if (cached < 0 || shared->slots[cached].database != MyDatabaseId) cached = find_slot(MyDatabaseId, false);
    return cached < 0 ? nullptr : &shared->slots[cached];
}

void free_slot(Oid database) {
    LockGuard guard(shared->registry_lock, LW_EXCLUSIVE);
    for (int i = 0; i < guc::max_databases; i++)
        if (shared->slots[i].database == database && shared->slots[i].pid == 0) clear_slot(shared->slots[i]);
}

void wake_process(pg_atomic_uint32& proc_number_plus_one) {
    const uint32 number = pg_atomic_read_u32(&proc_number_plus_one);
    if (number != 0) SetLatch(&ProcGlobal->allProcs[number - 1].procLatch);
}

} // namespace rcq::pg
