// Life of a scheduler, as the launcher sees it (SlotState in shared.hpp):
//
//   server start            every connectable database is probed once: a scheduler starts, looks for the extension, and
//                           ends at once (absent) where there is none
//   CREATE EXTENSION        its commit sets `wanted` and wakes the launcher; where no slot is left, the launcher probes
//                           every database again once there is one
//   CREATE DATABASE         found by the scan that runs every minute, probed like the others (a TEMPLATE copy has the
//                           extension, but its scheduler idles until rcq.adopt())
//   DROP EXTENSION          the scheduler notices within scheduler_interval and ends (absent)
//   DROP / RENAME / COPY    database_commands.cpp stops the scheduler first and sets `wanted` again when it may go on
//   scheduler ends with an  `failed`: started again, after 1 s, 2 s, ... at most 30 s;
//   error or is terminated  after 1 s if it had lived for longer than 30 s
//   no worker is free       `failed`, too: tried again every second, and said once
//   standby                 the launcher starts when recovery ends, so it is up right after promotion
#include "launcher.hpp"

#include "guard.hpp"
#include "guc.hpp"
#include "points.hpp"
#include "shared.hpp"

extern "C" PGDLLEXPORT void rcq_launcher_main(Datum);

namespace rcq::pg {

namespace {

constexpr long scan_interval_ms = 60000;
constexpr long longest_backoff_ms = 30000;

struct Retry {
    Oid database = InvalidOid;
    TimestampTz started_at = 0;
    TimestampTz not_before = 0; // 0: the failure has not been noticed yet
    long backoff_ms = 0;
    int lacks_worker = 0; // so many attempts in a row found no free background worker
};

extern "C" void forget_launcher(int, Datum) { pg_atomic_write_u32(&shared->launcher, 0); }

std::vector<Oid> connectable_databases() {
    struct Found {
        Oid* oids;
        int count;
    };
    MemoryContext scratch =
        call([] { return AllocSetContextCreate(TopMemoryContext, "rcq launcher scan", ALLOCSET_SMALL_SIZES); });
    const Found found = call([&]() -> Found {
        Found result{nullptr, 0};
        int capacity = 64;
        result.oids = static_cast<Oid*>(MemoryContextAlloc(scratch, capacity * sizeof(Oid)));
        StartTransactionCommand();
        PushActiveSnapshot(GetTransactionSnapshot());
        Relation relation = table_open(DatabaseRelationId, AccessShareLock);
        TableScanDesc scan = table_beginscan_catalog(relation, 0, nullptr);
        while (HeapTuple tuple = heap_getnext(scan, ForwardScanDirection)) {
            auto* database = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
            if (database->datistemplate || !database->datallowconn) continue;
            if (database->datconnlimit == -2) continue; // left over from an interrupted DROP DATABASE
            if (result.count == capacity)
                result.oids = static_cast<Oid*>(repalloc(result.oids, (capacity *= 2) * sizeof(Oid)));
            result.oids[result.count++] = database->oid;
        }
        table_endscan(scan);
        table_close(relation, AccessShareLock);
        PopActiveSnapshot();
        CommitTransactionCommand();
        return result;
    });
    std::vector<Oid> oids(found.oids, found.oids + found.count);
    call([&] { MemoryContextDelete(scratch); });
    return oids;
}

// Whether no slot is left, and none will be in a moment.
bool all_slots_serve() {
    LockGuard guard(shared->registry_lock, LW_SHARED);
    return std::all_of(shared->slots, shared->slots + guc::max_databases, [](const DatabaseSlot& slot) {
        return slot.state == SlotState::running || slot.state == SlotState::idle || slot.state == SlotState::failed;
    });
}

// Probes databases that were never probed; forgets those that are gone. Returns false when slots ran out.
bool scan(std::set<Oid>& probed) {
    const std::vector<Oid> present = connectable_databases();
    std::vector<Oid> gone;
    for (int i = 0; i < guc::max_databases; i++) {
        const Oid database = shared->slots[i].database;
        if (database != InvalidOid && std::find(present.begin(), present.end(), database) == present.end())
            gone.push_back(database);
    }
    for (Oid database : gone) free_slot(database);
    bool complete = true;
    for (Oid database : present) {
        if (probed.count(database)) continue;
        if (find_slot(database, true) < 0) {
            complete = false;
            break;
        }
        probed.insert(database);
    }
    std::erase_if(probed,
                  [&](Oid database) { return std::find(present.begin(), present.end(), database) == present.end(); });
    return complete;
}

// nullptr when all slots of background workers are taken.
BackgroundWorkerHandle* start_scheduler(int index) {
    BackgroundWorker worker;
    memset(&worker, 0, sizeof worker);
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time =
        BGW_NEVER_RESTART; // restarting is the launcher's, who knows whether the database still is
    strlcpy(worker.bgw_library_name, "rcq", sizeof worker.bgw_library_name);
    strlcpy(worker.bgw_function_name, "rcq_scheduler_main", sizeof worker.bgw_function_name);
    snprintf(worker.bgw_name, sizeof worker.bgw_name, "rcq scheduler for database %u", shared->slots[index].database);
    strlcpy(worker.bgw_type, "rcq scheduler", sizeof worker.bgw_type);
    worker.bgw_main_arg = Int32GetDatum(index);
    worker.bgw_notify_pid = MyProcPid;
    return call([&]() -> BackgroundWorkerHandle* {
        BackgroundWorkerHandle* handle = nullptr;
        return RegisterDynamicBackgroundWorker(&worker, &handle) ? handle : nullptr;
    });
}

// A scheduler that died before it could take its slot (no memory for a process, library unreadable) tells nobody.
void notice_stillborn(std::vector<BackgroundWorkerHandle*>& handles) {
    for (int i = 0; i < guc::max_databases; i++) {
        if (!handles[i]) continue;
        pid_t pid;
        if (call([&] { return GetBackgroundWorkerPid(handles[i], &pid); }) != BGWH_STOPPED) continue;
        call([&] { pfree(handles[i]); });
        handles[i] = nullptr;
        LockGuard guard(shared->registry_lock, LW_EXCLUSIVE);
        DatabaseSlot& slot = shared->slots[i];
        if (slot.state == SlotState::starting && slot.pid == 0) slot.state = SlotState::failed;
    }
}

// Says so where people look (rcq.scheduler), and in the log when it is not over in a moment: while many databases are
// probed at a time, workers may be short.
void tell_lack_of_workers(DatabaseSlot& slot, const std::vector<Retry>& retries) {
    {
        LockGuard guard(slot.publish_lock, LW_EXCLUSIVE);
        strlcpy(slot.last_error, "there is no free background worker for it: raise max_worker_processes",
                sizeof slot.last_error);
    }
    constexpr int told_at = 3;
    const auto most = std::max_element(retries.begin(), retries.end(), [](const Retry& one, const Retry& other) {
        return one.lacks_worker < other.lacks_worker;
    });
    if (most->lacks_worker != told_at || most->database != slot.database) return;
    call([] {
        ereport(LOG,
                (errmsg("rcq: no free background worker for a scheduler"), errhint("Raise max_worker_processes.")));
    });
}

// Starts what is wanted and due. Returns the milliseconds until the next start that has to wait.
long start_wanted(std::vector<Retry>& retries, std::vector<BackgroundWorkerHandle*>& handles) {
    notice_stillborn(handles);
    long wait_ms = scan_interval_ms;
    const TimestampTz now = GetCurrentTimestamp();
    for (int i = 0; i < guc::max_databases; i++) {
        bool failed;
        {
            LockGuard guard(shared->registry_lock, LW_EXCLUSIVE);
            DatabaseSlot& slot = shared->slots[i];
            failed = slot.state == SlotState::failed;
            if (slot.database == InvalidOid || slot.pid != 0 || (!failed && slot.state != SlotState::wanted)) continue;
            Retry& retry = retries[i];
            if (retry.database != slot.database) retry = {slot.database};
            if (failed && retry.not_before == 0) {
                // what worked before it ended is not likely to fail at once: somebody ended it (nobody writes to the
                // slot now, the scheduler has gone)
                if (now - retry.started_at > longest_backoff_ms * 1000 || slot.last_cycle_at > retry.started_at ||
                    retry.lacks_worker > 0)
                    retry.backoff_ms = 0;
                retry.backoff_ms = std::min(std::max(retry.backoff_ms * 2, 1000L), longest_backoff_ms);
                retry.not_before = now + retry.backoff_ms * 1000;
            }
            if (failed && now < retry.not_before) {
                wait_ms = std::min(wait_ms, static_cast<long>((retry.not_before - now) / 1000) + 1);
                continue;
            }
            retry.not_before = 0;
            retry.started_at = now;
            slot.state = SlotState::starting;
        }
        if (handles[i]) call([&] { pfree(handles[i]); });
        RCQ_POINT("launcher.start");
        handles[i] = start_scheduler(i);
        RCQ_POINT("launcher.started");
        if (handles[i]) {
            retries[i].lacks_worker = 0;
            continue;
        }
        {
            LockGuard guard(shared->registry_lock, LW_EXCLUSIVE);
            shared->slots[i].state = SlotState::failed;
        }
        wait_ms = std::min(wait_ms, 1000L);
        retries[i].lacks_worker++;
        tell_lack_of_workers(shared->slots[i], retries);
    }
    return wait_ms;
}

void free_absent_slots() {
    LockGuard guard(shared->registry_lock, LW_EXCLUSIVE);
    for (int i = 0; i < guc::max_databases; i++) {
        DatabaseSlot& slot = shared->slots[i];
        if (slot.state == SlotState::absent && slot.pid == 0) {
            slot.database = InvalidOid;
            slot.state = SlotState::free;
        }
    }
}

// A scheduler that failed may have lost its database: look before it is started again.
bool any_failed() {
    LockGuard guard(shared->registry_lock, LW_SHARED);
    return std::any_of(shared->slots, shared->slots + guc::max_databases,
                       [](const DatabaseSlot& slot) { return slot.state == SlotState::failed; });
}

[[noreturn]] void run_launcher() {
    call([] {
        pqsignal(SIGHUP, SignalHandlerForConfigReload);
        pqsignal(SIGTERM, die);
        BackgroundWorkerUnblockSignals();
        BackgroundWorkerInitializeConnection(nullptr, nullptr, 0); // shared catalogs only
        before_shmem_exit(forget_launcher, 0);
    });
    pg_atomic_write_u32(&shared->launcher, my_proc_number() + 1);

    // A launcher that was restarted finds the schedulers of its predecessor running, or looks at them again.
    {
        LockGuard guard(shared->registry_lock, LW_EXCLUSIVE);
        for (int i = 0; i < guc::max_databases; i++) {
            DatabaseSlot& slot = shared->slots[i];
            if (slot.database != InvalidOid && slot.pid == 0 && slot.state != SlotState::absent)
                slot.state = SlotState::wanted;
        }
    }
    std::set<Oid> probed;
    std::vector<Retry> retries(guc::max_databases);
    std::vector<BackgroundWorkerHandle*> handles(guc::max_databases, nullptr);
    bool full = false;
    TimestampTz next_scan = 0;
    for (;;) {
        free_absent_slots();
        const TimestampTz now = GetCurrentTimestamp();
        if (pg_atomic_exchange_u32(&shared->unserved, 0) != 0) {
            probed.clear();
            next_scan = now;
        }
        if (now >= next_scan || any_failed()) {
            const bool complete = scan(probed);
            next_scan = now + (complete ? scan_interval_ms : 1000) * 1000;
            if (!complete && !full && all_slots_serve()) {
                full = true;
                call([] {
                    ereport(
                        LOG,
                        (errmsg("rcq: as many databases as there may be have a scheduler, and further ones get none"),
                         errhint("Raise rcq.max_databases, which is %d, and restart the server.", guc::max_databases)));
                });
            }
            full = full && !complete;
        }
        long wait_ms = start_wanted(retries, handles);
        wait_ms = std::clamp(static_cast<long>((next_scan - GetCurrentTimestamp()) / 1000) + 1, 1L, wait_ms);
        call([&] {
            pgstat_report_activity(STATE_IDLE, nullptr);
            (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, wait_ms, PG_WAIT_EXTENSION);
            ResetLatch(MyLatch);
            CHECK_FOR_INTERRUPTS();
            if (ConfigReloadPending) {
                ConfigReloadPending = false;
                ProcessConfigFile(PGC_SIGHUP);
            }
        });
    }
}

} // namespace

void register_launcher() {
    BackgroundWorker worker;
    memset(&worker, 0, sizeof worker);
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = 1;
    strlcpy(worker.bgw_library_name, "rcq", sizeof worker.bgw_library_name);
    strlcpy(worker.bgw_function_name, "rcq_launcher_main", sizeof worker.bgw_function_name);
    strlcpy(worker.bgw_name, "rcq launcher", sizeof worker.bgw_name);
    strlcpy(worker.bgw_type, "rcq launcher", sizeof worker.bgw_type);
    RegisterBackgroundWorker(&worker);
}

} // namespace rcq::pg

extern "C" void rcq_launcher_main(Datum) {
    rcq::pg::boundary("rcq_launcher_main", [] { rcq::pg::run_launcher(); });
}
