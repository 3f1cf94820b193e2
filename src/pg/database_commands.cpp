#include "database_commands.hpp"

#include "guard.hpp"
#include "guc.hpp"
#include "shared.hpp"

namespace rcq::pg {

namespace {

ProcessUtility_hook_type previous_hook = nullptr;

const char* option_text(List* options, const char* wanted) {
    ListCell* cell;
    foreach (cell, options) {
        auto* option = static_cast<DefElem*>(lfirst(cell));
        if (strcmp(option->defname, wanted) == 0 && option->arg) return defGetString(option);
    }
    return nullptr;
}

// The database that must be without connections for this command, or nullptr.
const char* database_to_leave(Node* statement) {
    switch (nodeTag(statement)) {
    case T_DropdbStmt:
        return reinterpret_cast<DropdbStmt*>(statement)->dbname;
    case T_RenameStmt: {
        auto* rename = reinterpret_cast<RenameStmt*>(statement);
        return rename->renameType == OBJECT_DATABASE ? rename->subname : nullptr;
    }
    case T_AlterDatabaseStmt: {
        auto* alter = reinterpret_cast<AlterDatabaseStmt*>(statement);
        return option_text(alter->options, "tablespace") ? alter->dbname : nullptr;
    }
    case T_CreatedbStmt: {
        const char* source = option_text(reinterpret_cast<CreatedbStmt*>(statement)->options, "template");
        return source ? source : "template1";
    }
    default:
        return nullptr;
    }
}

// Stops the scheduler of a database and keeps it stopped.
void stop_scheduler(Oid database) {
    const int index = find_slot(database, false);
    if (index < 0) return;
    DatabaseSlot& slot = shared->slots[index];
    int pid;
    {
        LockGuard guard(shared->registry_lock, LW_EXCLUSIVE);
        if (slot.database != database) return;
        slot.state = SlotState::absent; // the launcher leaves it alone
        slot.activated = false;
        pid = slot.pid;
    }
    if (pid != 0) kill(pid, SIGTERM);
    // one that was just being started shows its pid a moment later, sees `absent`, and ends by itself
    for (int i = 0; i < 1000; i++) {
        {
            LockGuard guard(shared->registry_lock, LW_SHARED);
            if (slot.database != database || slot.pid == 0) return;
        }
        CHECK_FOR_INTERRUPTS();
        pg_usleep(5000);
    }
}

void let_scheduler_start(Oid database) {
    const int index = find_slot(database, true);
    if (index < 0) return;
    {
        LockGuard guard(shared->registry_lock, LW_EXCLUSIVE);
        DatabaseSlot& slot = shared->slots[index];
        if (slot.pid == 0)
            slot.state = SlotState::wanted;
        else
            slot.activated = true; // the one that is on its way out sees to it
    }
    wake_process(shared->launcher);
}

extern "C" void restart_after_failure(int, Datum database) { let_scheduler_start(DatumGetObjectId(database)); }

// Plain data only in this frame: errors of the command jump through it.
extern "C" void process_utility(PlannedStmt* planned, const char* query, bool read_only_tree,
                                ProcessUtilityContext context, ParamListInfo params, QueryEnvironment* environment,
                                DestReceiver* receiver, QueryCompletion* completion) {
    const ProcessUtility_hook_type next = previous_hook ? previous_hook : standard_ProcessUtility;
    const char* name = shared ? database_to_leave(planned->utilityStmt) : nullptr;
    const Oid database = name ? get_database_oid(name, true) : InvalidOid;
    // whoever may not run the command must not stop a scheduler by trying
    if (!OidIsValid(database) || !owns_database(database) || find_slot(database, false) < 0) {
        next(planned, query, read_only_tree, context, params, environment, receiver, completion);
        return;
    }
    const bool is_drop = nodeTag(planned->utilityStmt) == T_DropdbStmt;
    // also when this session is terminated on the way
    PG_ENSURE_ERROR_CLEANUP(restart_after_failure, ObjectIdGetDatum(database));
    {
        stop_scheduler(database);
        next(planned, query, read_only_tree, context, params, environment, receiver, completion);
    }
    PG_END_ENSURE_ERROR_CLEANUP(restart_after_failure, ObjectIdGetDatum(database));
    if (is_drop)
        free_slot(database);
    else
        let_scheduler_start(database);
}

} // namespace

void install_database_command_hook() {
    previous_hook = ProcessUtility_hook;
    ProcessUtility_hook = process_utility;
}

} // namespace rcq::pg
