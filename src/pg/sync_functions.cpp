// rcq.executor_sync: docs/reference/executor-protocol.md
#include "../protocol/words.hpp"
#include "claims.hpp"
#include "heartbeats.hpp"
#include "layouts.hpp"
#include "own_executor.hpp"
#include "points.hpp"
#include "run_ends.hpp"

namespace rcq::pg {

namespace {

// What running runs have used; a row that somebody else holds is left as it is.
void store_usage(int32 executor, const std::vector<RunUsage>& runs) {
    const Sight sight;
    Table live(live::layout);
    Scan rows(live, sight, 1);
    Fields fields;
    for (const RunUsage& run : runs) {
        if (!rows.find({equals(run.job_id)})) continue;
        const FoundRow row = rows.row();
        if (row.is_null(live::token) || row.big(live::token) != run.token || row.is_null(live::executor_id) ||
            row.integer(live::executor_id) != executor)
            continue;
        fields.clear();
        if (run.cpu_seconds)
            fields.real(live::cpu_seconds, *run.cpu_seconds);
        else
            fields.set_null(live::cpu_seconds);
        if (run.peak_memory_mib)
            fields.integer(live::peak_memory_mib, *run.peak_memory_mib);
        else
            fields.set_null(live::peak_memory_mib);
        live.update(row, fields);
    }
}

// Records the reports and answers them; returns whose they are.
std::unordered_set<int64> take_reports(int32 executor, Jsonb* finished, SyncAnswers& answers) {
    std::vector<RunReport> reports = parse_reports(finished);
    std::unordered_set<int64> tokens;
    for (const RunReport& report : reports) tokens.insert(report.token);
    if (reports.empty()) return tokens;
    std::map<std::string_view, Datum> bodies;
    const std::vector<EndAnswer> ends = end_runs(executor, std::move(reports));
    for (const EndAnswer& end : ends) {
        Datum& body = bodies[end.answer];
        if (body == Datum(0)) body = json_datum("{\"answer\": \"" + std::string(end.answer) + "\"}");
        answers.add(protocol::sync_row::answer, {{}, end.job_id, end.token, body});
    }
    return tokens;
}

} // namespace

} // namespace rcq::pg

// (executor, incarnation, acked_seq, live_tokens, finished, usage, max_new) -> (kind, seq, job_id, token, body)
RCQ_FUNCTION(rcq_executor_sync) {
    using namespace rcq::pg;
    namespace sync_row = rcq::protocol::sync_row;
    SyncCaller caller;
    {
        const Sight sight;
        const auto incarnation = PG_ARGISNULL(1) ? std::nullopt : std::optional(PG_GETARG_INT64(1));
        caller.executor =
            own_executor(sight, PG_ARGISNULL(0) ? std::nullopt : std::optional(PG_GETARG_INT32(0)), incarnation);
        caller.incarnation = *incarnation;
    }
    if (PG_ARGISNULL(2))
        throw SqlError(rcq::protocol::error::malformed_report, "acked_seq is NULL", "Pass 0 after every reconnect.");
    caller.acked_seq = PG_GETARG_INT64(2);
    if (DatabaseSlot* slot = own_slot()) {
        record_heartbeat(*slot, caller.executor);
        record_acknowledged(*slot, caller.executor, caller.acked_seq);
    }

    SyncAnswers answers(fcinfo);
    const ListedTokens listed(fcinfo, 3);
    if (listed.listed()) // settings may have changed since it registered
        answers.add(sync_row::terms, {{}, {}, {}, json_datum(executor_terms())});
    std::unordered_set<int64> reported;
    if (!PG_ARGISNULL(4)) reported = take_reports(caller.executor, call([&] { return PG_GETARG_JSONB_P(4); }), answers);
    RCQ_POINT("sync.reported");
    if (!PG_ARGISNULL(5)) store_usage(caller.executor, parse_usage(call([&] { return PG_GETARG_JSONB_P(5); })));
    if (listed.listed()) reconcile(caller, listed, reported, answers);
    RCQ_POINT("sync.reconciled");
    offer_commands(caller, listed, PG_ARGISNULL(6) ? 0 : std::clamp(PG_GETARG_INT32(6), 0, 1000), answers);
    return answers.finish();
}
