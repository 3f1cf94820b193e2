#include "client/store.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace rcq::client::store {

namespace {

using database::bigint;
using database::bigints;
using database::boolean;
using database::integer;
using database::Parameter;
using database::Statement;
namespace oid = database::oid;

// Every function and operator is named with its schema: which one is meant is not for the search_path of the session,
// where others may have put some that match better.

constexpr const char* overview_sql = R"(
WITH usage AS MATERIALIZED (SELECT * FROM rcq.group_usage)
SELECT pg_catalog.json_build_object(
  'cluster', (SELECT pg_catalog.row_to_json(c) FROM (
      SELECT s.state, s.paused, s.last_error, n.*, pg_catalog.clock_timestamp() AS at, e.*
        FROM rcq.scheduler s, (SELECT pg_catalog.sum(u.running_jobs) AS running_jobs, pg_catalog.sum(u.pending_jobs) AS pending_jobs FROM usage u) n, (
            SELECT pg_catalog.count(*) AS executors, pg_catalog.count(*) FILTER (WHERE o.online) AS executors_online,
                   COALESCE(pg_catalog.sum(o.cpu_cores) FILTER (WHERE o.online), 0) AS cpu_cores,
                   COALESCE(pg_catalog.sum(o.cpu_cores_used) FILTER (WHERE o.online), 0) AS cpu_cores_used,
                   COALESCE(pg_catalog.sum(o.memory_gb) FILTER (WHERE o.online), 0) AS memory_gb,
                   COALESCE(pg_catalog.sum(o.memory_gb_used) FILTER (WHERE o.online), 0) AS memory_gb_used,
                   COALESCE(pg_catalog.sum(o.gpu_count) FILTER (WHERE o.online), 0) AS gpu_count,
                   COALESCE(pg_catalog.sum(o.gpu_count_used) FILTER (WHERE o.online), 0) AS gpu_count_used
              FROM (SELECT x.*, x.status OPERATOR(pg_catalog.=) ANY ('{idle,busy}') AS online FROM rcq.executors x WHERE x.registered_at IS NOT NULL) o) e) c),
  'executors', COALESCE((SELECT pg_catalog.json_agg(e) FROM (
      SELECT x.name, x.status, x.reason, x.runs, pg_catalog.round(extract(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) x.last_seen)) AS silent_s
        FROM rcq.executors x WHERE x.registered_at IS NOT NULL AND x.status OPERATOR(pg_catalog.=) ANY ('{offline,draining}')
       ORDER BY x.status DESC, x.name LIMIT $1) e), '[]'),
  'groups', COALESCE((SELECT pg_catalog.json_agg(g) FROM (
      SELECT u.group_name, u.running_jobs, u.running_cores, u.pending_jobs, u.billed_hours, u.quota_cpu_hours, u.quota_used_percent, u.fair_share
        FROM usage u ORDER BY u.running_cores DESC, u.pending_jobs DESC, u.group_name LIMIT $1) g), '[]'),
  'running', COALESCE((SELECT pg_catalog.json_agg(j) FROM (
      SELECT r.id, r.array_id, r.array_index, r.status, r.user_name, r.group_name, r.name, r.executor, r.cpu_cores, r.memory_gb, r.gpu_count, r.started_at,
             pg_catalog.round(extract(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) r.started_at)) AS ran_s, s.cpu_seconds, s.progress, s.progress_message, r.reason
        FROM rcq.queue_page($1, '{running,assigned}') WITH ORDINALITY r, LATERAL (SELECT x.cpu_seconds, x.progress, x.progress_message FROM rcq.jobs x WHERE x.id OPERATOR(pg_catalog.=) r.id AND x.status OPERATOR(pg_catalog.=) ANY ('{running,assigned}')) s
       WHERE r.tasks_waiting IS NULL
       ORDER BY r.ordinality) j), '[]'),
  'pending', COALESCE((SELECT pg_catalog.json_agg(q) FROM (
      SELECT p."position", p.id, p.array_id, p.array_index, p.user_name, p.group_name, p.name, p.cpu_cores, p.memory_gb, p.gpu_count,
             p.tasks_waiting OPERATOR(pg_catalog.+) COALESCE((pg_catalog.to_jsonb(p) OPERATOR(pg_catalog.->>) 'tasks_held')::pg_catalog.int4, 0) AS tasks_waiting, p.reason,
             p.submitted_at, pg_catalog.round(extract(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) p.submitted_at)) AS waiting_s, p.expected_start
        FROM rcq.queue_page($1, '{pending}') p) q), '[]')))";

// queue_time and its like are intervals, for which JSON has no form of its own: seconds.
constexpr const char* efficiency_sql = R"(
SELECT e.job_id AS id, e.array_id, e.array_index, e.attempt, e.status, e.reason, e.user_name, e.group_name, e.name, e.executor, e.started_at, e.ended_at,
       pg_catalog.date_part('epoch', e.queue_time) AS queue_s, pg_catalog.date_part('epoch', e.execution_time) AS execution_s,
       pg_catalog.date_part('epoch', e.total_time) AS total_s, e.cpu_cores, e.memory_gb, e.gpu_count, e.cpu_seconds, e.cpu_efficiency,
       e.peak_memory_gb, e.memory_efficiency
  FROM rcq.efficiency e WHERE e.job_id OPERATOR(pg_catalog.=) $1 ORDER BY e.attempt)";

Parameter word(const std::string& text) { return text.empty() ? database::null(oid::text) : database::text(text); }

Parameter words(const std::vector<std::string>& texts) {
    return texts.empty() ? database::null(oid::text_array) : database::texts(texts);
}

// What makes an argument of parameter `{}`.
constexpr std::string_view conversion(ValueType type) {
    switch (type) {
    case ValueType::text:
        return "${}::pg_catalog.text";
    case ValueType::texts:
        return "${}::pg_catalog.text[]";
    case ValueType::bigints:
        return "${}::bigint[]";
    case ValueType::integer:
        return "${}::integer";
    case ValueType::numeric:
        return "${}::numeric";
    case ValueType::timestamp:
        return "${}::pg_catalog.timestamptz";
    case ValueType::seconds:
        return "pg_catalog.make_interval(secs => ${}::double precision)";
    }
    return {};
}

void add_arguments(Statement& call, const std::vector<Argument>& arguments) {
    for (const Argument& argument : arguments) {
        call.parameters.push_back(argument.value);
        call.sql += fmt::format(", {} => ", argument.name);
        call.sql += fmt::format(fmt::runtime(conversion(argument.type)), call.parameters.size());
    }
}

} // namespace

Statement as_json(const Statement& statement) {
    return {"SELECT pg_catalog.row_to_json(answer) FROM (" + statement.sql + ") answer", statement.parameters};
}

Statement task(std::int64_t array, int index) { return {"SELECT rcq.task($1, $2)", {bigint(array), integer(index)}}; }

// The status by key; then the rest from the branch of rcq.jobs that has it alone.
Statement job(std::int64_t id) {
    return {"SELECT j.* FROM rcq.jobs j WHERE j.id OPERATOR(pg_catalog.=) $1", {bigint(id)}};
}

Statement runs(std::int64_t id) {
    return {"SELECT r.* FROM rcq.runs r WHERE r.job_id OPERATOR(pg_catalog.=) $1 ORDER BY r.attempt", {bigint(id)}};
}

Statement array(std::int64_t id) {
    return {"SELECT a.* FROM rcq.arrays a WHERE a.id OPERATOR(pg_catalog.=) $1", {bigint(id)}};
}

Statement array_indices(std::int64_t id) {
    return {"SELECT j.array_spec FROM rcq.jobs j WHERE j.id OPERATOR(pg_catalog.=) $1 AND j.array_spec IS NOT NULL",
            {bigint(id)}};
}

Statement dependencies(std::int64_t id) {
    return {"SELECT d.* FROM rcq.dependencies d WHERE d.job_id OPERATOR(pg_catalog.=) $1", {bigint(id)}};
}

Statement findings(std::int64_t id) {
    return {"SELECT e.kind, e.reason, e.message, e.data FROM rcq.explain($1) e", {bigint(id)}};
}

// The zone is set for the statement, which is a transaction, before the function that the CASE makes depend on it.
Statement findings(std::int64_t id, const std::string& time_zone) {
    return {"SELECT e.kind, e.reason, e.message, e.data "
            "FROM (SELECT pg_catalog.set_config('TimeZone', $2, true) AS zone) z, "
            "LATERAL rcq.explain(CASE WHEN z.zone IS NOT NULL THEN $1 END) e",
            {bigint(id), database::text(time_zone)}};
}

Statement efficiency(std::int64_t id) { return {efficiency_sql, {bigint(id)}}; }

Statement user_efficiency() {
    return {"SELECT u.user_name, u.group_name, u.jobs, u.runs, u.core_hours, u.gpu_hours, u.cpu_efficiency, "
            "u.memory_efficiency, u.since, u.until "
            "FROM rcq.user_efficiency u ORDER BY u.core_hours DESC, u.user_name, u.group_name",
            {}};
}

Statement job_states(const std::vector<std::int64_t>& ids) {
    return {"SELECT s.id, s.status, s.reason, s.exit_code, s.signal, s.attempt, s.executor, s.progress, "
            "s.progress_message, s.message, extract(epoch FROM COALESCE(s.ended_at, pg_catalog.clock_timestamp()) "
            "OPERATOR(pg_catalog.-) s.started_at) "
            "FROM rcq.job_states($1) s",
            {bigints(ids)}};
}

Statement whole_job_states(const std::vector<std::int64_t>& ids) {
    return {"SELECT s.* FROM rcq.job_states($1) s", {bigints(ids)}};
}

Statement expected_start(std::int64_t id) {
    return {"SELECT extract(epoch FROM q.expected_start OPERATOR(pg_catalog.-) pg_catalog.clock_timestamp()) FROM "
            "rcq.queue q WHERE q.id OPERATOR(pg_catalog.=) $1",
            {bigint(id)}};
}

Statement log_chunks(std::int64_t id, std::optional<int> attempt, std::int64_t seq, int most_bytes) {
    return {"SELECT c.attempt, c.seq, c.stream, c.bytes, c.ended FROM rcq.log_chunks($1, $2, $3, $4) c",
            {bigint(id), attempt ? integer(*attempt) : database::null(oid::int4), bigint(seq), integer(most_bytes)}};
}

Statement queue_page(const ListFilter& filter, int at_most) {
    return {
        "SELECT q.* FROM rcq.queue_page(at_most => $1, statuses => $2, of_user => $3, of_group => $4, mine => $5) q",
        {integer(at_most), words(filter.status), word(filter.user), word(filter.group), boolean(filter.mine)}};
}

Statement queue_counts(const ListFilter& filter) {
    std::string wanted;
    for (const char* status : {"running", "assigned", "pending"}) {
        const bool counted =
            filter.status.empty() || std::count(filter.status.begin(), filter.status.end(), status) > 0;
        if (counted) wanted += fmt::format("{}c.{}", wanted.empty() ? "" : ", ", status);
    }
    return {"SELECT " + wanted + " FROM rcq.queue_counts(of_user => $1, of_group => $2, mine => $3) c",
            {word(filter.user), word(filter.group), boolean(filter.mine)}};
}

Statement ended_jobs(const ListFilter& filter, const std::string& name, int at_most) {
    return {"SELECT h.* FROM rcq.ended_jobs(at_most => $1, statuses => $2, of_user => $3, of_group => $4, named => $5, "
            "mine => $6) h ORDER BY h.ended_at DESC NULLS LAST, h.id DESC",
            {integer(at_most), words(filter.status), word(filter.user), word(filter.group), word(name),
             boolean(filter.mine)}};
}

Statement overview(int jobs) { return {overview_sql, {integer(jobs)}}; }

Statement submit(std::string requests) {
    return {"SELECT rcq.submit_many($1)", {database::jsonb(std::move(requests))}};
}

Statement resubmit(std::int64_t id) { return {"SELECT new_job_id FROM rcq.resubmit(ARRAY[$1])", {bigint(id)}}; }

Statement resubmit_failed_tasks(std::int64_t array) {
    return {"SELECT rcq.resubmit_failed_tasks($1)", {bigint(array)}};
}

Statement cancel(std::int64_t id, const std::string& tasks) {
    return {"SELECT rcq.cancel($1, $2)", {bigint(id), word(tasks)}};
}

Statement hold(std::int64_t id, const std::string& tasks) {
    return {"SELECT rcq.hold($1, $2)", {bigint(id), word(tasks)}};
}

Statement release(std::int64_t id, const std::string& tasks) {
    return {"SELECT rcq.release($1, $2)", {bigint(id), word(tasks)}};
}

Statement requeue(std::int64_t id) { return {"SELECT rcq.requeue($1)", {bigint(id)}}; }

Statement set_priority(std::int64_t id, int priority) {
    return {"SELECT rcq.set_priority($1, $2)", {bigint(id), integer(priority)}};
}

Statement change_jobs(const std::string& action, bool dry_run, const std::vector<Argument>& arguments) {
    Statement call{"SELECT c.action, c.matched, c.changed FROM rcq.change_jobs(action => $1, dry_run => $2",
                   {database::text(action), boolean(dry_run)}};
    add_arguments(call, arguments);
    call.sql += ") c";
    return call;
}

Statement update_job(std::int64_t id, const std::vector<Argument>& arguments) {
    Statement call{"SELECT rcq.update_job(job => $1", {bigint(id)}};
    add_arguments(call, arguments);
    call.sql += ")";
    return call;
}

} // namespace rcq::client::store
