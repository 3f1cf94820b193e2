#include "changes.hpp"

#include "guard.hpp"

namespace rcq::pg {

namespace {

// Gathered by this transaction. Ids that an aborted subtransaction noted stay: a few extra reads, never one too few.
struct Pending {
    std::vector<JobRange> jobs;
    bool definitions = false;
    bool definitions_kept = false;
    bool wake = false;
    bool activate = false;
    bool any() const { return !jobs.empty() || definitions_kept || activate; }
    void clear() {
        jobs.clear();
        if (jobs.capacity() > 4096) jobs.shrink_to_fit();
        definitions = definitions_kept = wake = activate = false;
    }
};
Pending pending;

// Appends to the shared list; when it is full, the last range grows to cover what comes: a superset.
void hand_over(DatabaseSlot& slot) noexcept {
    LockGuard guard(slot.change_lock, LW_EXCLUSIVE);
    Changes& changes = slot.changes;
    changes.definitions |= pending.definitions;
    for (const JobRange& range : pending.jobs) {
        if (changes.count > 0) {
            JobRange& last = changes.ranges[changes.count - 1];
            const bool touches = range.first >= last.first && range.first <= last.last + 1;
            if (touches || changes.count == Changes::capacity) {
                last.first = std::min(last.first, range.first);
                last.last = std::max(last.last, range.last);
                continue;
            }
        }
        changes.ranges[changes.count++] = range;
    }
}

// Runs at the end of every transaction of a backend that ever noted something; must not fail.
extern "C" void at_transaction_end(XactEvent event, void*) {
    switch (event) {
    case XACT_EVENT_PRE_PREPARE:
        if (pending.any())
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                            errmsg("cannot PREPARE a transaction that has changed the rcq queue")));
        break;
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_PARALLEL_COMMIT:
        if (pending.any() && shared) {
            if (pending.activate && find_slot(MyDatabaseId, true) < 0) {
                pg_atomic_write_u32(&shared->unserved, 1);
                wake_process(shared->launcher);
            }
            if (DatabaseSlot* own = own_slot()) {
                DatabaseSlot& slot = *own;
                if (pending.definitions_kept) pg_atomic_fetch_add_u64(&slot.definitions, 1); // they are visible by now
                hand_over(slot);
                if (pending.activate) {
                    {
                        LockGuard guard(shared->registry_lock, LW_EXCLUSIVE);
                        if (slot.pid == 0)
                            slot.state = SlotState::wanted;
                        else
                            slot.activated = true;
                    }
                    wake_process(shared->launcher);
                }
                if (pending.wake && pg_atomic_exchange_u32(&slot.woken, 1) == 0) wake_process(slot.scheduler);
            }
        }
        [[fallthrough]];
    case XACT_EVENT_ABORT:
    case XACT_EVENT_PARALLEL_ABORT:
    case XACT_EVENT_PREPARE:
        pending.clear();
        break;
    default:
        break;
    }
}

void listen_for_transaction_end() {
    static bool registered = false;
    if (registered) return;
    call([] { RegisterXactCallback(at_transaction_end, nullptr); });
    registered = true;
}

} // namespace

void note_job(int64 job_id, bool wake) {
    listen_for_transaction_end();
    pending.wake |= wake;
    if (!pending.jobs.empty()) {
        JobRange& last = pending.jobs.back();
        if (job_id >= last.first && job_id <= last.last + 1) {
            last.last = std::max(last.last, job_id);
            return;
        }
    }
    pending.jobs.push_back({job_id, job_id});
}

void note_definitions() {
    listen_for_transaction_end();
    pending.definitions = pending.definitions_kept = pending.wake = true;
}

void note_definitions_kept() {
    listen_for_transaction_end();
    pending.definitions_kept = true;
}

bool definitions_noted() { return pending.definitions_kept; }

void note_activation() {
    listen_for_transaction_end();
    pending.activate = pending.definitions = pending.definitions_kept = pending.wake = true;
}

TakenChanges take_changes(DatabaseSlot& slot) {
    TakenChanges taken;
    taken.jobs.reserve(Changes::capacity); // no allocation, which may throw, while the lock is held
    LockGuard guard(slot.change_lock, LW_EXCLUSIVE);
    taken.definitions = slot.changes.definitions;
    taken.jobs.assign(slot.changes.ranges, slot.changes.ranges + slot.changes.count);
    slot.changes.count = 0;
    slot.changes.definitions = false;
    return taken;
}

} // namespace rcq::pg
