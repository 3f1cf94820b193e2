// The process around the scheduler: connects to its database, sleeps on its latch, survives errors.
#include "guard.hpp"
#include "guc.hpp"
#include "history.hpp"
#include "monotonic.hpp"
#include "points.hpp"
#include "scheduler.hpp"

extern "C" PGDLLEXPORT void rcq_scheduler_main(Datum);

namespace rcq::pg {

namespace {

constexpr long longest_backoff_ms = 10000;

// How often cycles may follow each other: at once after a rest, so that who submits a job to an idle system waits for
// nothing; but under load, when jobs are submitted and reports come one by one, only once per spacing, so that a cycle
// finds more to do and a thousand transactions a second do not cost a thousand cycles. So many may be ahead of that
// pace: a job makes two or three of them.
class Pace {
public:
    // Microseconds to wait before the next cycle begins, without a snapshot and whatever happens.
    TimestampTz delay() {
        const TimestampTz now = monotonic();
        due_ = std::max(due_ + spacing, now - burst * spacing);
        return std::max<TimestampTz>(due_ - now, 0);
    }

private:
    static constexpr TimestampTz spacing = 2000; // us
    static constexpr TimestampTz burst = 16;
    TimestampTz due_ = 0; // of the last cycle, by that pace
};

extern "C" void leave_slot(int, Datum argument) {
    DatabaseSlot& slot = shared->slots[DatumGetInt32(argument)];
    {
        LockGuard guard(shared->registry_lock, LW_EXCLUSIVE);
        slot.pid = 0;
        // whoever stopped us on purpose has set `absent`; anything else is a failure, and the launcher starts us again
        if (slot.state != SlotState::absent)
            slot.state = SlotState::failed;
        else if (slot.activated) // the extension was made again while we were on our way out
            slot.state = SlotState::wanted;
    }
    pg_atomic_write_u32(&slot.scheduler, 0);
    wake_process(shared->launcher);
}

// Takes the slot; false when the scheduler is not wanted any more.
bool enter_slot(DatabaseSlot& slot) {
    LockGuard guard(shared->registry_lock, LW_EXCLUSIVE);
    if (slot.state != SlotState::starting || slot.pid != 0) return false;
    slot.pid = MyProcPid;
    slot.activated = false;
    return true;
}

void set_state(DatabaseSlot& slot, SlotState state) {
    LockGuard guard(shared->registry_lock, LW_EXCLUSIVE);
    if (slot.state != SlotState::absent || state == SlotState::absent) slot.state = state;
}

// Whatever the database or the role has as defaults, the scheduler's session is this.
void set_up_session() {
    call([] { SetSessionAuthorization(BOOTSTRAP_SUPERUSERID, true); });
    static constexpr const char* settings[][2] = {
        {"role", "none"},
        {"search_path", "pg_catalog, pg_temp"},
        {"default_transaction_isolation", "read committed"},
        {"default_transaction_read_only", "off"},
        {"default_transaction_deferrable", "off"},
        {"synchronous_commit", "off"}, // see Transaction
        {"statement_timeout", "0"},
        {"lock_timeout", "0"},
        {"idle_in_transaction_session_timeout", "0"},
        {"jit", "off"},
        {"TimeZone", "UTC"},
        {"DateStyle", "ISO, YMD"},
        {"IntervalStyle", "postgres"},
        {"plan_cache_mode", "force_generic_plan"},
        {"enable_seqscan", "off"},
        {"enable_mergejoin", "off"},
        {"enable_hashjoin", "off"},
        {"enable_indexscan", "on"},
        {"enable_nestloop", "on"},
        {"row_security", "on"},
#if PG_VERSION_NUM >= 170000
        {"transaction_timeout", "0"},
#endif
        {"session_replication_role", "origin"},
        {"max_parallel_workers_per_gather", "0"},
    };
    for (const auto& setting : settings)
        call([&] { SetConfigOption(setting[0], setting[1], PGC_SUSET, PGC_S_OVERRIDE); });
}

void wait(long milliseconds) try {
    call([&] {
        pgstat_report_activity(STATE_IDLE, nullptr);
        (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
    });
} catch (const PgError&) {
    // pg_cancel_backend: there is nothing to cancel while asleep
}

void record_error(DatabaseSlot& slot, const char* text) {
    LockGuard guard(slot.publish_lock, LW_EXCLUSIVE);
    strlcpy(slot.last_error, text, sizeof slot.last_error);
}

// Returns when the extension is gone.
void schedule(DatabaseSlot& slot) {
    const Scheduler::Start start{GetCurrentTimestamp(), monotonic()};
    long backoff_ms = 100;
    auto scheduler = std::make_unique<Scheduler>(slot, start);
    History history;
    std::string told;
    Pace pace;
    for (;;) {
        if (const TimestampTz delay = pace.delay(); delay > 0) pg_usleep(static_cast<long>(delay));
        pg_atomic_write_u32(&slot.woken, 0);
        pg_memory_barrier();
        long rest_ms = 0;
        std::string error;
        try {
            call([] { pgstat_report_activity(STATE_RUNNING, "scheduling"); });
            const Scheduler::Outcome outcome = scheduler->cycle();
            if (outcome == Scheduler::Outcome::no_extension) return;
            if (outcome == Scheduler::Outcome::rest) rest_ms = scheduler->rest_ms();
            backoff_ms = 100;
        } catch (const std::exception& e) {
            error = e.what(); // the transaction was aborted while this unwound
        }
        if (scheduler->took_definitions()) history.hurry();
        if (scheduler->is_at_work()) history.maintain(); // which may remove the cause of an error, too
        const std::string idle = scheduler->idle_reason();
        if (!error.empty()) {
            call([&] {
                ereport(LOG, (errmsg("rcq scheduler: %s", error.c_str()),
                              errdetail("It reads everything again in %ld ms.", backoff_ms)));
            });
            record_error(slot, error.c_str());
            scheduler = std::make_unique<Scheduler>(slot, start);
            rest_ms = backoff_ms;
            backoff_ms = std::min(backoff_ms * 2, longest_backoff_ms);
        } else if (idle != told) {
            told = idle;
            if (!idle.empty()) call([&] { ereport(LOG, (errmsg("rcq scheduler idles: %s", told.c_str()))); });
            set_state(slot, idle.empty() ? SlotState::running : SlotState::idle);
        }
        if (rest_ms > 0)
            wait(rest_ms);
        else
            call([] { CHECK_FOR_INTERRUPTS(); });
    }
}

void run_scheduler(int index) {
    DatabaseSlot& slot = shared->slots[index];
    call([] {
        pqsignal(SIGHUP, SignalHandlerForConfigReload);
        pqsignal(SIGTERM, die);
    });
    if (!enter_slot(slot)) return;
    const Oid database = slot.database;
    call([&] {
        before_shmem_exit(leave_slot, Int32GetDatum(index));
        BackgroundWorkerUnblockSignals();
        BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
        pgstat_report_appname("rcq scheduler");
    });
    RCQ_POINT("worker.connected");
    set_up_session();
    pg_atomic_write_u32(&slot.scheduler, my_proc_number() + 1);
    set_state(slot, SlotState::running);
    RCQ_POINT("worker.begun");
    schedule(slot);
    set_state(slot, SlotState::absent);
}

} // namespace

} // namespace rcq::pg

extern "C" void rcq_scheduler_main(Datum argument) {
    rcq::pg::boundary("rcq_scheduler_main", [&] { rcq::pg::run_scheduler(DatumGetInt32(argument)); });
}
