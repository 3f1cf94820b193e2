#include "store.hpp"

#include "relations.hpp"
#include "run_ends.hpp"
#include "setting_values.hpp"
#include "spi.hpp"

namespace rcq::pg::store {

namespace {

constexpr std::string_view accepted_versions[] = {"0.7", "0.6"}; // the current SQL version and the previous one

std::string text_or_empty(const Row& row, int column) {
    return row.is_null(column) ? std::string() : row.string(column);
}

Used used_row(const Row& row) {
    return {row.integer(1), row.integer(2), row.time(3),   row.time(4),
            row.number(5),  row.number(6),  row.number(7), text_or_empty(row, 8)};
}

void split(const std::vector<RunKey>& runs, std::vector<int64>& jobs, std::vector<int64>& tokens) {
    for (const RunKey& run : runs) {
        jobs.push_back(run.job);
        tokens.push_back(run.token);
    }
}

core::Limits limits_at(const Row& row, int first) {
    const auto limit = [&](int column) {
        return row.is_null(column) ? std::optional<int32>() : std::optional<int32>(row.integer(column));
    };
    return {limit(first), limit(first + 1), limit(first + 2)};
}

// What the current version has beside settings, groups and executors.
void read_limits(Definitions& result) {
    static Statement users(Statement::Kind::read,
                           "SELECT id, group_id, shares, max_jobs, max_cores, max_gpus FROM rcq_private.users", {});
    static Statement consumables(Statement::Kind::read, "SELECT executor_id, name, total FROM rcq_private.consumable",
                                 {});
    static Statement keys(Statement::Kind::read, "SELECT key, max_jobs FROM rcq_private.concurrency_limit", {});
    static Statement windows(Statement::Kind::read,
                             "SELECT id, executor_id, group_id, starts_at, ends_at FROM rcq_private.reservation "
                             "WHERE ends_at > pg_catalog.clock_timestamp()",
                             {});
    static Statement pause(Statement::Kind::read, "SELECT reason FROM rcq_private.paused", {});
    static Statement gpus(Statement::Kind::read, "SELECT gpu_type, per_hour FROM rcq_private.gpu_billing", {});
    users.run({}, [&](const Row& row) {
        result.users.push_back({row.integer(1), row.integer(2), row.number(3), limits_at(row, 4)});
    });
    std::map<core::ExecutorId, core::Consumables> own;
    consumables.run({}, [&](const Row& row) {
        (row.integer(1) == 0 ? result.consumables : own[row.integer(1)])[row.string(2)] = row.big(3);
    });
    for (ExecutorRow& executor : result.executors)
        if (const auto found = own.find(executor.id); found != own.end()) executor.consumables = found->second;
    keys.run({}, [&](const Row& row) { result.concurrency_limits[row.string(1)] = row.integer(2); });
    windows.run({}, [&](const Row& row) {
        core::Window window{row.integer(1), {}, {}, row.time(4), row.time(5)};
        if (!row.is_null(2)) window.executor = row.integer(2);
        if (!row.is_null(3)) window.group = row.integer(3);
        result.windows.push_back(window);
    });
    pause.run({}, [&](const Row&) { result.paused = true; });
    gpus.run({}, [&](const Row& row) { result.settings.bill_per_gpu_type[row.string(1)] = row.number(2); });
}

// The live rows of the given runs ($1, $2), those that nobody holds.
#define LOCKED_RUNS                                                                                                    \
    "SELECT l.job_id, l.token, l.executor_id, l.command_seq FROM unnest($1, $2) k(job_id, token) "                     \
    "  JOIN rcq_private.live l ON l.job_id = k.job_id AND l.token = k.token AND l.claimed_at IS NOT NULL "             \
    "  ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED"
// Tells the executors of the runs in `locked` to end them, each once.
#define TELL_TO_END                                                                                                    \
    "told AS (INSERT INTO rcq_private.command (executor_id, seq, job_id, token, kind) "                                \
    "  SELECT l.executor_id, pg_catalog.nextval('rcq_private.command_seq'), l.job_id, l.token, 'cancel' "              \
    "  FROM locked l WHERE NOT EXISTS (SELECT FROM rcq_private.command c WHERE c.executor_id = l.executor_id "         \
    "    AND c.seq > l.command_seq AND c.job_id = l.job_id AND c.kind = 'cancel')) "                                   \
    "SELECT job_id FROM locked"
// The same for the runs themselves, with the time at which that was asked for ($3).
#define END_BECAUSE(column)                                                                                            \
    "WITH held AS MATERIALIZED (" LOCKED_RUNS "), "                                                                    \
    "locked AS (UPDATE rcq_private.live l SET " column " = $3 FROM held h WHERE l.job_id = h.job_id "                  \
    "  RETURNING l.job_id, l.token, l.executor_id, l.command_seq), " TELL_TO_END

// The ids that a statement returns.
std::vector<int64> ids_of(Statement& statement, Parameters parameters) {
    std::vector<int64> ids;
    statement.run(std::move(parameters), [&](const Row& row) { ids.push_back(row.big(1)); });
    return ids;
}

// Runs a statement on these runs, with further parameters; the jobs that it returns.
std::vector<int64> run_ids(Statement& statement, const std::vector<RunKey>& runs, const Parameters& further) {
    std::vector<int64> jobs, tokens;
    split(runs, jobs, tokens);
    return ids_of(statement, Parameters().add(jobs).add(tokens).add(further));
}

} // namespace

Oid lock_extension() {
    return call([]() -> Oid {
        for (;;) {
            const Oid oid = get_extension_oid("rcq", true);
            if (!OidIsValid(oid)) return InvalidOid;
            LockDatabaseObject(ExtensionRelationId, oid, 0, AccessShareLock);
            if (get_extension_oid("rcq", true) == oid)
                return oid; // else dropped, and perhaps made again, while we waited
            UnlockDatabaseObject(ExtensionRelationId, oid, 0, AccessShareLock);
        }
    });
}

std::string reason_to_idle() {
    static Statement version(Statement::Kind::read,
                             "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'rcq'", {});
    static Statement home(
        Statement::Kind::read,
        "SELECT h.system_identifier = c.system_identifier AND h.database_oid = d.oid FROM rcq_private.home h, "
        "pg_catalog.pg_control_system() c, pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()",
        {});
    std::string found;
    version.run({}, [&](const Row& row) { found = row.string(1); });
    if (std::find(std::begin(accepted_versions), std::end(accepted_versions), found) == std::end(accepted_versions))
        return "the SQL objects of rcq have version " + found +
               ", which this library does not serve: ALTER EXTENSION rcq UPDATE, or restart the server with the "
               "library of that version";
    bool at_home = false;
    home.run({}, [&](const Row& row) { at_home = row.boolean(1); });
    if (!at_home)
        return "this database is a copy of another one, and its queue may be running there: SELECT rcq.adopt() to run "
               "it here";
    return {};
}

Definitions read_definitions() {
    static Statement settings(Statement::Kind::read,
                              "SELECT d.name, COALESCE(s.parsed, d.parsed) FROM rcq_private.setting_definition d "
                              "LEFT JOIN rcq_private.setting s ON s.name = d.name",
                              {});
    static Statement groups(
        Statement::Kind::read,
        "SELECT id, priority, quota_cpu_hours, quota_mode = 'hard', pg_catalog.date_part('epoch', default_estimate), "
        "COALESCE(parent_id, 0), shares, paused IS NOT NULL, max_jobs, "
        "max_cores, max_gpus FROM rcq_private.groups",
        {});
    static Statement executors(
        Statement::Kind::read,
        "SELECT id, COALESCE(cpu_cores, 0), COALESCE(memory_mib, 0), COALESCE(gpu_count, 0), features, "
        "registered_at IS NOT NULL AND NOT signed_off, drained IS NOT NULL AND drain_at IS NULL "
        "OR leaving IS NOT NULL, gpu_type, drain_at, drain_requeues "
        "FROM rcq_private.executor WHERE registered_at IS NOT NULL",
        {});
    Definitions result;
    std::map<std::string, std::string> values;
    settings.run({}, [&](const Row& row) { values[row.string(1)] = row.string(2); });
    result.settings = to_settings(values);
    result.claim_timeout_s = std::stod(values.at("claim_timeout"));
    result.lease_s = std::stod(values.at("lease"));
    result.lost_after_s = std::stod(values.at("lost_after"));
    groups.run({}, [&](const Row& row) {
        core::Group group;
        group.id = row.integer(1);
        group.priority = row.small(2);
        group.hard_quota = row.boolean(4);
        group.parent = row.integer(6);
        group.shares = row.number(7);
        group.paused = row.boolean(8);
        group.limits = limits_at(row, 9);
        if (!row.is_null(3)) group.quota_cpu_hours = row.number(3);
        if (!row.is_null(5)) group.default_estimate = static_cast<core::Micros>(row.number(5) * core::second);
        result.groups.push_back(group);
    });
    executors.run({}, [&](const Row& row) {
        result.executors.push_back({row.integer(1),
                                    {row.integer(2), row.integer(3), row.integer(4) * 1000},
                                    text_or_empty(row, 8),
                                    row.strings(5),
                                    {},
                                    row.boolean(6),
                                    row.boolean(7),
                                    {},
                                    row.boolean(10)});
        if (row.is_null(9)) return;
        result.executors.back().drain_at = row.time(9);
        result.windows.push_back({0, row.integer(1), {}, row.time(9), core::never});
    });
    result.predict_depth = static_cast<int32>(std::stod(values.at("predict_depth")));
    read_limits(result);
    static Statement fire(Statement::Kind::read,
                          "SELECT pg_catalog.min(next_at) FROM rcq_private.schedule WHERE paused_since IS NULL", {});
    fire.run({}, [&](const Row& row) {
        if (!row.is_null(1)) result.next_fire = row.time(1);
    });
    return result;
}

void read_usage(TimestampTz since, const std::function<void(const Used&)>& each) {
    // short uses are added up by the minute, longer ones stand for themselves
    static Statement statement(
        Statement::Kind::read,
        "SELECT group_id, user_id, COALESCE(pg_catalog.min(since), pg_catalog.max(at)), "
        "pg_catalog.max(at), pg_catalog.sum(core_seconds), pg_catalog.sum(gb_seconds), pg_catalog.sum(gpu_seconds), "
        "gpu_type "
        "FROM rcq_private.usage WHERE at > $1 "
        "GROUP BY group_id, user_id, pg_catalog.date_bin('1 minute', at, '2000-01-01')"
        ", gpu_type, CASE WHEN at - since > '10 minutes' THEN since END",
        {TIMESTAMPTZOID});
    statement.run(Parameters().add_time(since), [&](const Row& row) { each(used_row(row)); });
}

void read_durations(const std::function<void(const Duration&)>& took) {
    static Statement statement(Statement::Kind::read,
                               "SELECT j.user_id, pg_catalog.date_part('epoch', j.estimate), o.claimed_at, o.ended_at "
                               "FROM (SELECT * FROM rcq_private.outcome ORDER BY job_id DESC LIMIT 20000) o "
                               "JOIN rcq_private.job j ON j.id = o.job_id "
                               "WHERE j.estimate IS NOT NULL AND o.claimed_at IS NOT NULL "
                               "AND (o.status = 'completed' OR o.reason IN ('exit_code', 'signal')) ORDER BY o.job_id",
                               {});
    statement.run({}, [&](const Row& row) {
        took({row.integer(1), static_cast<core::Micros>(row.number(2) * core::second), row.time(4) - row.time(3)});
    });
}

SettledDependencies settle_dependencies(const std::vector<int64>& changed, const std::vector<int64>& fresh,
                                        TimestampTz now) {
    static Statement statement(
        Statement::Kind::write,
        "SELECT w.what, i.id FROM rcq_private.settle_dependencies($1, $2, $3) s, LATERAL (VALUES (0, s.released), "
        "(1, s.ended), (2, s.awaited), (3, s.followed), (4, s.later), (5, s.again)) w(what, ids), unnest(w.ids) i(id) "
        // what is gone without an outcome was restored from a dump, and may come back
        "UNION ALL SELECT 2, c.id FROM unnest($1) c(id) WHERE EXISTS (SELECT FROM rcq_private.dependency d WHERE "
        "d.on_id = c.id) "
        "AND EXISTS (SELECT FROM rcq_private.job j WHERE j.id = c.id) "
        "AND NOT EXISTS (SELECT FROM rcq_private.outcome o WHERE o.job_id = c.id)",
        {INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZOID});
    SettledDependencies settled;
    std::vector<int64>* const lists[] = {&settled.released, &settled.ended, &settled.awaited,
                                         &settled.followed, &settled.later, &settled.again};
    statement.run(Parameters().add(changed).add(fresh).add_time(now),
                  [&](const Row& row) { lists[row.integer(1)]->push_back(row.big(2)); });
    return settled;
}

bool partitions_ready(int32 count) {
    static Statement statement(Statement::Kind::write, "SELECT rcq_private.partitions_ready($1)", {INT4OID});
    bool ready = false;
    statement.run(Parameters().add(count), [&](const Row& row) { ready = row.boolean(1); });
    return ready;
}

std::optional<TimestampTz> fire_schedules(TimestampTz now) {
    static Statement statement(Statement::Kind::write, "SELECT rcq_private.fire_due($1)", {TIMESTAMPTZOID});
    std::optional<TimestampTz> next;
    statement.run(Parameters().add_time(now), [&](const Row& row) {
        if (!row.is_null(1)) next = row.time(1);
    });
    return next;
}

void materialise(const std::vector<int64>& arrays, const std::vector<int32>& counts,
                 const std::function<void(core::JobId array, core::JobId task)>& each) {
    static Statement statement(Statement::Kind::write, "SELECT array_id, job_id FROM rcq_private.materialise($1, $2)",
                               {INT8ARRAYOID, INT4ARRAYOID});
    statement.run(Parameters().add(arrays).add(counts), [&](const Row& row) { each(row.big(1), row.big(2)); });
}

std::vector<int64> fold_arrays(const std::vector<int64>& arrays) {
    static Statement statement(Statement::Kind::write, "SELECT f FROM rcq_private.fold_arrays($1) f", {INT8ARRAYOID});
    return ids_of(statement, Parameters().add(arrays));
}

std::vector<int64> start_arrays(const std::vector<int64>& arrays, TimestampTz now) {
    static Statement statement(Statement::Kind::write, "SELECT s FROM rcq_private.start_arrays($1, $2) s",
                               {INT8ARRAYOID, TIMESTAMPTZOID});
    return ids_of(statement, Parameters().add(arrays).add_time(now));
}

void lose(core::ExecutorId executor, const std::vector<RunKey>& runs) {
    std::vector<RunReport> reports;
    reports.reserve(runs.size());
    for (const RunKey& run : runs)
        reports.push_back(lost_run(run.job, run.token, "its executor was not heard of any more"));
    end_runs(executor, std::move(reports));
}

std::vector<int64> expire(const std::vector<int64>& jobs) {
    static Statement statement(Statement::Kind::write, "SELECT e FROM unnest(rcq_private.expire($1)) e",
                               {INT8ARRAYOID});
    std::vector<int64> ended;
    statement.run(Parameters().add(jobs), [&](const Row& row) { ended.push_back(row.big(1)); });
    return ended;
}

std::vector<int64> send_cancels(const std::vector<RunKey>& runs) {
    // the lock keeps the run from ending unseen, which would leave its command behind
    static Statement statement(Statement::Kind::write, "WITH locked AS MATERIALIZED (" LOCKED_RUNS "), " TELL_TO_END,
                               {INT8ARRAYOID, INT8ARRAYOID});
    return run_ids(statement, runs, Parameters());
}

std::vector<int64> send_preemptions(const std::vector<RunKey>& runs, TimestampTz now) {
    static Statement statement(Statement::Kind::write, END_BECAUSE("preempt_requested_at"),
                               {INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZOID});
    return run_ids(statement, runs, Parameters().add_time(now));
}

std::vector<int64> send_requeues(const std::vector<RunKey>& runs, TimestampTz now) {
    static Statement statement(Statement::Kind::write, END_BECAUSE("requeue_requested_at"),
                               {INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZOID});
    return run_ids(statement, runs, Parameters().add_time(now));
}

bool may_notify() {
    return call([] { return DatumGetFloat8(OidFunctionCall0(F_PG_NOTIFICATION_QUEUE_USAGE)); }) < 0.25;
}

bool settle_restore() {
    static Statement statement(Statement::Kind::write, "SELECT rcq_private.settle_restore()", {});
    bool settled = false;
    statement.run({}, [&](const Row& row) { settled = row.boolean(1); });
    return settled;
}

bool extend_history() {
    static Statement statement(Statement::Kind::write, "SELECT rcq_private.extend_history()", {});
    bool extended = false;
    statement.run({}, [&](const Row& row) { extended = row.boolean(1); });
    return extended;
}

void close_history() {
    static Statement statement(Statement::Kind::write, "SELECT rcq_private.close_history()", {});
    statement.run({});
}

void forget_progress() {
    static Statement statement(Statement::Kind::write, "SELECT rcq_private.forget_progress()", {});
    statement.run({});
}

std::vector<HistoryPart> history_due() {
    static Statement statement(Statement::Kind::write, "SELECT first_id, last_id, whole FROM rcq_private.history_due()",
                               {});
    std::vector<HistoryPart> due;
    statement.run({}, [&](const Row& row) { due.push_back({row.big(1), row.big(2), row.boolean(3)}); });
    return due;
}

bool may_drop_history(const HistoryPart& part) {
    static Statement statement(Statement::Kind::write, "SELECT rcq_private.may_drop_history($1, $2)",
                               {INT8OID, BOOLOID});
    bool may_drop = false;
    statement.run(Parameters().add(part.first).add_boolean(part.whole),
                  [&](const Row& row) { may_drop = row.boolean(1); });
    return may_drop;
}

void drop_history(const HistoryPart& part) {
    static Statement statement(Statement::Kind::write, "SELECT rcq_private.drop_history($1, $2)", {INT8OID, BOOLOID});
    statement.run(Parameters().add(part.first).add_boolean(part.whole));
}

void history_waits(const HistoryPart& part) {
    static Statement statement(Statement::Kind::write, "SELECT rcq_private.history_waits($1)", {INT8OID});
    statement.run(Parameters().add(part.first));
}

} // namespace rcq::pg::store
