#include "guc.hpp"

#include "prelude.hpp"

namespace rcq::pg::guc {

bool enabled = true;
int scheduler_interval = 1000;
int plan_budget = 50;
int max_databases = 8;
int max_executors = 1024;

void define() {
    DefineCustomBoolVariable("rcq.enabled", "Whether schedulers place jobs.",
                             "When off, jobs are accepted and running ones go on, but nothing is placed.", &enabled,
                             true, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("rcq.max_databases", "Databases that can have a scheduler.", nullptr, &max_databases, 8, 1,
                            256, PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("rcq.max_executors", "Executors per database whose heartbeats are kept in shared memory.",
                            nullptr, &max_executors, 1024, 16, 65536, PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("rcq.plan_budget", "Time that one scheduling cycle may spend planning.", nullptr,
                            &plan_budget, 50, 1, 10000, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("rcq.scheduler_interval", "Longest sleep of a scheduler.",
                            "Schedulers are woken by commits; this is the ceiling for what no commit announces.",
                            &scheduler_interval, 1000, 10, 60000, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
    MarkGUCPrefixReserved("rcq");
}

} // namespace rcq::pg::guc
