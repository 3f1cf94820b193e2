#include "store.hpp"

#include "setting_values.hpp"
#include "shapes.hpp"
#include "spi.hpp"

namespace rcq::pg::store {

namespace {

constexpr std::string_view accepted_versions[] = {"0.5", "0.4"}; // the current SQL version and the previous one

bool previous_version = false; // of the SQL objects

// A statement that serves both versions of the SQL objects: where they differ it says {for the current|for the
// previous}.
class Versioned {
public:
    Versioned(Statement::Kind kind, std::string_view sql, std::initializer_list<Oid> types)
        : current_(kind, choose(sql, true), types), previous_(kind, choose(sql, false), types) {}
    uint64 run(Parameters parameters, const std::function<void(const Row&)>& each = {}) {
        return (previous_version ? previous_ : current_).run(std::move(parameters), each);
    }

private:
    static std::string choose(std::string_view sql, bool current) {
        std::string chosen;
        for (;;) {
            const std::size_t open = sql.find('{');
            chosen += sql.substr(0, open);
            if (open == std::string_view::npos) return chosen;
            const std::size_t bar = sql.find('|', open), close = sql.find('}', open);
            chosen += current ? sql.substr(open + 1, bar - open - 1) : sql.substr(bar + 1, close - bar - 1);
            sql.remove_prefix(close + 1);
        }
    }
    Statement current_, previous_;
};

// Of rcq_private.live as l.
#define LIVE_COLUMNS                                                                                                   \
    "l.job_id, l.user_id, l.group_id, l.cpu_cores, l.memory_mib, l.gpu_count, l.planned_s, l.features, l.held, "       \
    "l.priority, l.eligible_at, l.executor_id, l.token, l.placed_at, l.claimed_at, l.cancel_requested_at, "            \
    "l.cpu_cores_min, l.gpu_type, l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key, "       \
    "COALESCE(l.granted_cores, l.cpu_cores), COALESCE(l.granted_memory_mib, l.memory_mib), "                           \
    "COALESCE(l.granted_gpus, l.gpu_count), l.preempt_requested_at, l.preempted, l.time_limit_s, "                     \
    "l.array_id, l.array_throttle, l.tasks_waiting, l.unmet, l.requeue_requested_at, "                                 \
    "CASE WHEN l.claimed_at IS NULL OR l.tasks_waiting IS NOT NULL THEN l.deadline END, l.requeue"

std::string text_or_empty(const Row& row, int column) {
    return row.is_null(column) ? std::string() : row.string(column);
}

LiveRow live_row(const Row& row) {
    LiveRow live;
    core::Job& job = live.job;
    job.id = row.big(1);
    job.user = row.integer(2);
    job.group = row.integer(3);
    if (!row.is_null(7)) job.estimate = row.integer(7) * core::second;
    job.held = row.boolean(9);
    job.priority = row.small(10);
    job.eligible_at = row.time(11);
    if (!row.is_null(14)) {
        live.executor = row.integer(12);
        live.token = row.big(13);
        live.placed_at = row.time(14);
        if (!row.is_null(15)) live.claimed_at = row.time(15);
        live.cancelling = !row.is_null(16);
        live.granted = {row.integer(24), row.integer(25), row.integer(26) * 1000};
        live.preempting = !row.is_null(27);
    }
    ShapeColumns shape;
    shape.cpu_cores = row.integer(4);
    shape.memory_mib = row.integer(5);
    shape.gpu_count = row.integer(6);
    shape.features = row.strings(8);
    if (!row.is_null(17)) shape.cpu_cores_min = row.integer(17);
    shape.gpu_type = text_or_empty(row, 18);
    shape.constraints = text_or_empty(row, 19);
    shape.consumables = row.amounts(20);
    shape.exclusive = row.boolean(21);
    job.shape = make_shape(std::move(shape));
    job.preemptible = row.boolean(22);
    job.concurrency_key = text_or_empty(row, 23);
    live.preempted = row.small(28);
    if (!row.is_null(29)) job.time_limit = row.integer(29) * core::second;
    if (!row.is_null(32)) live.tasks_waiting = row.integer(32);
    if (!row.is_null(30))
        job.array = row.big(30);
    else if (live.tasks_waiting)
        job.array = job.id; // as its tasks have it
    if (!row.is_null(31)) job.array_throttle = row.integer(31);
    live.unmet = row.integer(33);
    live.requeueing = !row.is_null(34);
    if (!row.is_null(35)) live.deadline = row.time(35);
    live.may_requeue = row.boolean(36);
    return live;
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
    previous_version = found != accepted_versions[0];
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
    static Versioned executors(
        Statement::Kind::read,
        "SELECT id, COALESCE(cpu_cores, 0), COALESCE(memory_mib, 0), COALESCE(gpu_count, 0), features, "
        "registered_at IS NOT NULL AND NOT signed_off, drained IS NOT NULL {AND drain_at IS NULL |}"
        "OR leaving IS NOT NULL, gpu_type, {drain_at|NULL::timestamptz}, {drain_requeues|false} "
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

void read_live(const std::vector<JobRange>& ranges, const std::function<void(LiveRow&&)>& each) {
    static Statement statement(Statement::Kind::read,
                               "SELECT " LIVE_COLUMNS " FROM unnest($1, $2) r(first, last) "
                               "JOIN rcq_private.live l ON l.job_id BETWEEN r.first AND r.last",
                               {INT8ARRAYOID, INT8ARRAYOID});
    std::vector<int64> firsts, lasts;
    for (const JobRange& range : ranges) {
        firsts.push_back(range.first);
        lasts.push_back(range.last);
    }
    statement.run(Parameters().add(firsts).add(lasts), [&](const Row& row) { each(live_row(row)); });
}

void read_all_live(const std::function<void(LiveRow&&)>& each) {
    // in pieces, so that a million rows are not held twice
    static Statement statement(
        Statement::Kind::read,
        "SELECT " LIVE_COLUMNS " FROM rcq_private.live l WHERE l.job_id > $1 ORDER BY l.job_id LIMIT 20000", {INT8OID});
    int64 last = 0;
    while (statement.run(Parameters().add(last), [&](const Row& row) {
        last = row.big(1);
        each(live_row(row));
    }) > 0)
        call([] { CHECK_FOR_INTERRUPTS(); });
}

std::optional<int64> sweep_end(int64 first, int count) {
    static Statement statement(
        Statement::Kind::read,
        "SELECT pg_catalog.max(s.job_id) FROM (SELECT l.job_id FROM rcq_private.live l WHERE l.job_id >= $1 "
        "ORDER BY l.job_id LIMIT $2) s",
        {INT8OID, INT4OID});
    std::optional<int64> end;
    statement.run(Parameters().add(first).add(count), [&](const Row& row) {
        if (!row.is_null(1)) end = row.big(1);
    });
    return end;
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

void read_charges(const std::vector<RunKey>& runs, const std::function<void(const Used&)>& each,
                  const std::function<void(const Duration&)>& took) {
    static Statement statement(
        Statement::Kind::read,
        "WITH ended AS ("
        " SELECT o.job_id, o.executor_id, o.claimed_at, o.ended_at, o.status = 'completed' OR o.reason IN "
        "('exit_code', "
        "'signal') AS by_itself, o.granted_cores, o.granted_memory_mib, o.granted_gpus "
        "   FROM unnest($1, $2) k(job_id, token)"
        "   JOIN rcq_private.outcome o ON o.job_id = k.job_id AND o.token = k.token "
        "  WHERE (o.reason IN ('executor_lost', 'not_started')) IS NOT TRUE"
        " UNION ALL"
        " SELECT r.job_id, r.executor_id, r.claimed_at, r.ended_at, r.reason IN ('exit_code', 'signal')"
        ", r.granted_cores, r.granted_memory_mib, r.granted_gpus "
        "   FROM unnest($1, $2) k(job_id, token)"
        "   JOIN rcq_private.run r ON r.job_id = k.job_id AND r.token = k.token "
        "  WHERE r.reason NOT IN ('executor_lost', 'not_started')) "
        "SELECT j.group_id, j.user_id, e.claimed_at, e.ended_at, COALESCE(e.granted_cores, j.cpu_cores) "
        "* d.s, COALESCE(e.granted_memory_mib, j.memory_mib) / 1024.0::float8 * d.s, "
        "COALESCE(e.granted_gpus, j.gpu_count) * d.s, x.gpu_type, "
        "CASE WHEN e.by_itself THEN pg_catalog.date_part('epoch', j.estimate) END "
        "FROM ended e JOIN rcq_private.job j ON j.id = e.job_id "
        "LEFT JOIN rcq_private.executor x ON x.id = e.executor_id, "
        "LATERAL (SELECT pg_catalog.date_part('epoch', e.ended_at - e.claimed_at) AS s) d",
        {INT8ARRAYOID, INT8ARRAYOID});
    std::vector<int64> jobs, tokens;
    split(runs, jobs, tokens);
    statement.run(Parameters().add(jobs).add(tokens), [&](const Row& row) {
        each(used_row(row));
        if (!row.is_null(9))
            took({row.integer(2), static_cast<core::Micros>(row.number(9) * core::second), row.time(4) - row.time(3)});
    });
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
        "(1, s.ended), (2, s.awaited), (3, s.followed), (4, s.later), (5, s.again)) w(what, ids), unnest(w.ids) i(id)",
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

std::vector<int64> place(const Placing& placing, TimestampTz now) {
    static Statement statement(
        Statement::Kind::write,
        "WITH wanted AS MATERIALIZED (SELECT * FROM unnest($1, $2, $3, $5, $6, $7) "
        "w(job_id, executor_id, token, cores, memory_mib, gpus)), "
        "locked AS MATERIALIZED (SELECT w.* FROM wanted w JOIN rcq_private.live l ON l.job_id = w.job_id WHERE "
        "l.placed_at IS NULL AND NOT l.held "
        "  ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED), "
        "placed AS (UPDATE rcq_private.live l SET executor_id = k.executor_id, token = k.token, placed_at = $4, "
        "attempt = l.attempt + 1, "
        "  command_seq = pg_catalog.nextval('rcq_private.command_seq') "
        "  , granted_cores = NULLIF(k.cores, l.cpu_cores), granted_memory_mib = CASE WHEN l.memory_raised THEN "
        "  k.memory_mib ELSE NULLIF(k.memory_mib, l.memory_mib) END, granted_gpus = NULLIF(k.gpus, l.gpu_count) "
        "  FROM locked k WHERE l.job_id = k.job_id "
        "  RETURNING l.job_id, l.executor_id, l.token, l.command_seq) "
        "INSERT INTO rcq_private.command (executor_id, seq, job_id, token, kind) "
        "SELECT p.executor_id, p.command_seq, p.job_id, p.token, 'start' FROM placed p RETURNING job_id",
        {INT8ARRAYOID, INT4ARRAYOID, INT8ARRAYOID, TIMESTAMPTZOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID});
    std::vector<int32> cores, memory_mib, gpus;
    for (const core::Resources& granted : placing.granted) {
        cores.push_back(granted.cpu_cores);
        memory_mib.push_back(static_cast<int32>(granted.memory_mib));
        gpus.push_back(granted.gpu_milli / 1000);
    }
    std::vector<int64> placed;
    placed.reserve(placing.jobs.size());
    statement.run(Parameters()
                      .add(placing.jobs)
                      .add(placing.executors)
                      .add(placing.tokens)
                      .add_time(now)
                      .add(cores)
                      .add(memory_mib)
                      .add(gpus),
                  [&](const Row& row) { placed.push_back(row.big(1)); });
    return placed;
}

void unplace(const std::vector<RunKey>& runs) {
    static Statement statement(
        Statement::Kind::write,
        "WITH locked AS MATERIALIZED (SELECT l.job_id, l.executor_id, l.command_seq FROM unnest($1, $2) k(job_id, "
        "token) "
        "  JOIN rcq_private.live l ON l.job_id = k.job_id AND l.token = k.token WHERE l.claimed_at IS NULL "
        "  ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED), "
        "gone AS (DELETE FROM rcq_private.command c USING locked k WHERE c.executor_id = k.executor_id AND c.seq = "
        "k.command_seq) "
        "UPDATE rcq_private.live l SET executor_id = NULL, token = NULL, command_seq = NULL, placed_at = NULL"
        ", granted_cores = NULL, granted_memory_mib = NULL, granted_gpus = NULL "
        "FROM locked k WHERE l.job_id = k.job_id RETURNING rcq_private.touched(l.job_id)",
        {INT8ARRAYOID, INT8ARRAYOID});
    std::vector<int64> jobs, tokens;
    split(runs, jobs, tokens);
    statement.run(Parameters().add(jobs).add(tokens));
}

void lose(core::ExecutorId executor, const std::vector<RunKey>& runs) {
    static Statement statement(Statement::Kind::write,
                               "SELECT FROM rcq_private.end_runs($1, ARRAY(SELECT ROW(k.job_id, k.token, "
                               "'executor_lost', NULL, NULL, NULL, NULL, NULL, "
                               "'its executor was not heard of any more', NULL, NULL)::rcq_private.run_report FROM "
                               "unnest($2, $3) k(job_id, token)))",
                               {INT4OID, INT8ARRAYOID, INT8ARRAYOID});
    std::vector<int64> jobs, tokens;
    split(runs, jobs, tokens);
    statement.run(Parameters().add(executor).add(jobs).add(tokens));
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
    static Statement statement(Statement::Kind::read, "SELECT pg_catalog.pg_notification_queue_usage()", {});
    double used = 0;
    statement.run({}, [&](const Row& row) { used = row.number(1); });
    return used < 0.25;
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
