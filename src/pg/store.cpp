#include "store.hpp"

#include "spi.hpp"

namespace rcq::pg::store {

namespace {

constexpr std::string_view accepted_versions[] = {"0.2", "0.1"}; // the current SQL version and the previous one

#define LIVE_COLUMNS                                                                                                   \
    "l.job_id, l.user_id, l.group_id, l.cpu_cores, l.memory_mib, l.gpu_count, l.planned_s, l.features, l.held, "       \
    "l.priority, l.eligible_at, l.executor_id, l.token, l.placed_at, l.claimed_at, l.cancel_requested_at"

LiveRow live_row(const Row& row) {
    LiveRow live;
    core::Job& job = live.job;
    job.id = row.big(1);
    job.user = row.integer(2);
    job.group = row.integer(3);
    job.shape.need = {row.integer(4), row.integer(5), row.integer(6) * 1000};
    if (!row.is_null(7)) job.estimate = row.integer(7) * core::second;
    job.shape.features = row.strings(8);
    job.held = row.boolean(9);
    job.priority = row.small(10);
    job.eligible_at = row.time(11);
    if (!row.is_null(14)) {
        live.executor = row.integer(12);
        live.token = row.big(13);
        live.placed_at = row.time(14);
        if (!row.is_null(15)) live.claimed_at = row.time(15);
        live.cancelling = !row.is_null(16);
    }
    return live;
}

Used used_row(const Row& row) {
    return {row.integer(1), row.integer(2), row.time(3), row.number(4), row.number(5), row.number(6)};
}

void split(const std::vector<RunKey>& runs, std::vector<int64>& jobs, std::vector<int64>& tokens) {
    for (const RunKey& run : runs) {
        jobs.push_back(run.job);
        tokens.push_back(run.token);
    }
}

core::Settings to_settings(const std::map<std::string, std::string>& values) {
    const auto number = [&](const char* name) { return std::stod(values.at(name)); };
    const auto duration = [&](const char* name) { return static_cast<core::Micros>(number(name) * core::second); };
    core::Settings settings;
    settings.fairshare_cap = number("fairshare_cap");
    settings.fairshare_floor = number("fairshare_floor");
    settings.wait_boost_per_hour = number("wait_boost_per_hour");
    // SQL 0.1 has the length of the rolling window under the name of what is its kind since
    settings.usage_window =
        duration(values.count("fairshare_window_length") ? "fairshare_window_length" : "fairshare_window");
    settings.max_wait = duration("max_wait");
    settings.guard_scope = values.at("guard_scope") == "job" ? core::GuardScope::job : core::GuardScope::group;
    settings.guard_spacing = duration("guard_spacing");
    settings.user_fairness = number("user_fairness") != 0;
    settings.default_estimate = duration("default_estimate");
    settings.bill_per_cpu_hour = number("billing_cpu_hour");
    settings.bill_per_gb_hour = number("billing_gb_hour");
    settings.bill_per_gpu_hour = number("billing_gpu_hour");
    settings.max_concurrent_jobs = static_cast<int32>(number("max_concurrent_jobs"));
    return settings;
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
        "SELECT id, priority, quota_cpu_hours, quota_mode = 'hard', pg_catalog.date_part('epoch', default_estimate) "
        "FROM rcq_private.groups",
        {});
    static Statement executors(
        Statement::Kind::read,
        "SELECT id, COALESCE(cpu_cores, 0), COALESCE(memory_mib, 0), COALESCE(gpu_count, 0), features, "
        "registered_at IS NOT NULL AND NOT signed_off, drained IS NOT NULL OR leaving IS NOT NULL "
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
        core::Group group{row.integer(1), row.small(2), {}, row.boolean(4), {}};
        if (!row.is_null(3)) group.quota_cpu_hours = row.number(3);
        if (!row.is_null(5)) group.default_estimate = static_cast<core::Micros>(row.number(5) * core::second);
        result.groups.push_back(group);
    });
    executors.run({}, [&](const Row& row) {
        result.executors.push_back({row.integer(1),
                                    {row.integer(2), row.integer(3), row.integer(4) * 1000},
                                    row.strings(5),
                                    row.boolean(6),
                                    row.boolean(7)});
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

void read_usage(double window_s, const std::function<void(const Used&)>& each) {
    static Statement statement(
        Statement::Kind::read,
        "SELECT group_id, user_id, pg_catalog.max(at), pg_catalog.sum(core_seconds), pg_catalog.sum(gb_seconds), "
        "pg_catalog.sum(gpu_seconds) "
        "FROM rcq_private.usage WHERE at > pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1) "
        "GROUP BY group_id, user_id, pg_catalog.date_bin('1 minute', at, '2000-01-01')",
        {FLOAT8OID});
    statement.run(Parameters().add(window_s), [&](const Row& row) { each(used_row(row)); });
}

void read_charges(const std::vector<RunKey>& runs, const std::function<void(const Used&)>& each) {
    static Statement statement(
        Statement::Kind::read,
        "WITH ended AS ("
        " SELECT o.job_id, o.claimed_at, o.ended_at FROM unnest($1, $2) k(job_id, token)"
        "   JOIN rcq_private.outcome o ON o.job_id = k.job_id AND o.token = k.token WHERE o.reason IS DISTINCT FROM "
        "'executor_lost'"
        " UNION ALL"
        " SELECT r.job_id, r.claimed_at, r.ended_at FROM unnest($1, $2) k(job_id, token)"
        "   JOIN rcq_private.run r ON r.job_id = k.job_id AND r.token = k.token WHERE r.reason <> 'executor_lost') "
        "SELECT j.group_id, j.user_id, e.ended_at, j.cpu_cores * d.s, j.memory_mib / 1024.0::float8 * d.s, j.gpu_count "
        "* d.s "
        "FROM ended e JOIN rcq_private.job j ON j.id = e.job_id, LATERAL (SELECT pg_catalog.date_part('epoch', "
        "e.ended_at - e.claimed_at) AS s) d",
        {INT8ARRAYOID, INT8ARRAYOID});
    std::vector<int64> jobs, tokens;
    split(runs, jobs, tokens);
    statement.run(Parameters().add(jobs).add(tokens), [&](const Row& row) { each(used_row(row)); });
}

std::vector<int64> place(const Placing& placing, TimestampTz now) {
    static Statement statement(
        Statement::Kind::write,
        "WITH wanted AS MATERIALIZED (SELECT * FROM unnest($1, $2, $3) w(job_id, executor_id, token)), "
        "locked AS MATERIALIZED (SELECT w.* FROM wanted w JOIN rcq_private.live l ON l.job_id = w.job_id WHERE "
        "l.placed_at IS NULL AND NOT l.held "
        "  ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED), "
        "placed AS (UPDATE rcq_private.live l SET executor_id = k.executor_id, token = k.token, placed_at = $4, "
        "attempt = l.attempt + 1, "
        "  command_seq = pg_catalog.nextval('rcq_private.command_seq') "
        "  FROM locked k WHERE l.job_id = k.job_id "
        "  RETURNING l.job_id, l.executor_id, l.token, l.command_seq) "
        "INSERT INTO rcq_private.command (executor_id, seq, job_id, token, kind) "
        "SELECT p.executor_id, p.command_seq, p.job_id, p.token, 'start' FROM placed p RETURNING job_id",
        {INT8ARRAYOID, INT4ARRAYOID, INT8ARRAYOID, TIMESTAMPTZOID});
    std::vector<int64> placed;
    placed.reserve(placing.jobs.size());
    statement.run(Parameters().add(placing.jobs).add(placing.executors).add(placing.tokens).add_time(now),
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
        "UPDATE rcq_private.live l SET executor_id = NULL, token = NULL, command_seq = NULL, placed_at = NULL "
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
                               "'its executor was not heard of any more', NULL)::rcq_private.run_report FROM "
                               "unnest($2, $3) k(job_id, token)))",
                               {INT4OID, INT8ARRAYOID, INT8ARRAYOID});
    std::vector<int64> jobs, tokens;
    split(runs, jobs, tokens);
    statement.run(Parameters().add(executor).add(jobs).add(tokens));
}

std::vector<int64> send_cancels(const std::vector<RunKey>& runs) {
    // the lock keeps the run from ending unseen, which would leave its command behind
    static Statement statement(Statement::Kind::write,
                               "WITH locked AS MATERIALIZED (SELECT l.job_id, l.token, l.executor_id, l.command_seq "
                               "FROM unnest($1, $2) k(job_id, token) "
                               "  JOIN rcq_private.live l ON l.job_id = k.job_id AND l.token = k.token ORDER BY "
                               "l.job_id FOR UPDATE OF l SKIP LOCKED), "
                               "told AS (INSERT INTO rcq_private.command (executor_id, seq, job_id, token, kind) "
                               "  SELECT l.executor_id, pg_catalog.nextval('rcq_private.command_seq'), l.job_id, "
                               "l.token, 'cancel' FROM locked l "
                               "  WHERE NOT EXISTS (SELECT FROM rcq_private.command c WHERE c.executor_id = "
                               "l.executor_id AND c.seq > l.command_seq "
                               "    AND c.job_id = l.job_id AND c.kind = 'cancel')) "
                               "SELECT job_id FROM locked",
                               {INT8ARRAYOID, INT8ARRAYOID});
    std::vector<int64> jobs, tokens, sent;
    split(runs, jobs, tokens);
    statement.run(Parameters().add(jobs).add(tokens), [&](const Row& row) { sent.push_back(row.big(1)); });
    return sent;
}

bool may_notify() {
    static Statement statement(Statement::Kind::read, "SELECT pg_catalog.pg_notification_queue_usage()", {});
    double used = 0;
    statement.run({}, [&](const Row& row) { used = row.number(1); });
    return used < 0.25;
}

} // namespace rcq::pg::store
