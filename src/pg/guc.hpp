// Settings of the server process (postgresql.conf). Whatever concerns scheduling or security is a row of rcq.settings.
#pragma once

namespace rcq::pg::guc {

extern bool enabled;           // rcq.enabled: off = schedulers place nothing (reload)
extern int scheduler_interval; // rcq.scheduler_interval, ms: ceiling of the scheduler's sleep (reload)
extern int plan_budget;        // rcq.plan_budget, ms: time that one cycle may spend planning (reload)
extern int max_databases;      // rcq.max_databases: databases with a scheduler (start)
extern int max_executors;      // rcq.max_executors: executors per database whose heartbeats are kept (start)

void define();

} // namespace rcq::pg::guc
