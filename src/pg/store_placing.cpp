// Placements, written and taken back by key. Nobody's lock is waited for.
#include "changes.hpp"
#include "layouts.hpp"
#include "points.hpp"
#include "relations.hpp"
#include "store.hpp"
#include "values.hpp"

namespace rcq::pg::store {

namespace {

void set_unless(Fields& fields, int column, int32 granted, bool as_wanted) {
    if (as_wanted)
        fields.set_null(column);
    else
        fields.integer(column, granted);
}

bool asks(const FoundRow& row, int column, std::optional<core::Micros> planned) {
    return row.is_null(column) ? !planned : planned == row.integer(column) * core::second;
}

// Whether the job still asks for what it was planned with: all that a plan goes by and rcq.update_job changes
// (sql/install/31-update-job.sql).
bool is_as_planned(const FoundRow& row, const core::Job& job) {
    const core::Shape& shape = job.shape;
    const int32 cores = row.integer(live::cpu_cores);
    const int32 least = row.is_null(live::cpu_cores_min) ? 0 : row.integer(live::cpu_cores_min);
    const std::string_view gpu_type = row.is_null(live::gpu_type) ? std::string_view() : row.string(live::gpu_type);
    return cores == shape.need.cpu_cores && row.integer(live::memory_mib) == shape.need.memory_mib &&
           row.integer(live::gpu_count) * 1000 == shape.need.gpu_milli &&
           (least < cores ? least : 0) == shape.min_cores && gpu_type == shape.gpu_type &&
           asks(row, live::planned_s, job.estimate) && asks(row, live::time_limit_s, job.time_limit);
}

} // namespace

void place(Sight& sight, std::vector<Placing>& placings, TimestampTz now) {
    sight.renew(); // a row that was changed since would be left out
    Table table(live::layout), commands(command::layout);
    Scan scan(table, sight, 1);
    const Oid sequence = call([] { return relation_id("command_seq"); });
    const Datum start = text_datum("start");
    Fields run, told;
    for (Placing& placing : placings) {
        if (!scan.find({equals(placing.job.id)})) continue;
        const FoundRow row = scan.row();
        if (!row.is_null(live::placed_at) || row.boolean(live::held) || !is_as_planned(row, placing.job)) continue;
        const int64 seq = call([&] { return nextval_internal(sequence, false); });
        const core::Resources& granted = placing.granted;
        const auto memory_mib = static_cast<int32>(granted.memory_mib);
        const int32 gpus = granted.gpu_milli / 1000;
        run.clear();
        run.integer(live::executor_id, placing.executor).big(live::token, placing.token).time(live::placed_at, now);
        run.integer(live::attempt, row.integer(live::attempt) + 1).big(live::command_seq, seq);
        set_unless(run, live::granted_cores, granted.cpu_cores, granted.cpu_cores == row.integer(live::cpu_cores));
        set_unless(run, live::granted_memory_mib, memory_mib,
                   !row.boolean(live::memory_raised) && memory_mib == row.integer(live::memory_mib));
        set_unless(run, live::granted_gpus, gpus, gpus == row.integer(live::gpu_count));
        RCQ_POINT("place.row");
        if (!table.update(row, run)) continue;
        RCQ_POINT("place.updated");
        told.clear();
        told.integer(command::executor_id, placing.executor)
            .big(command::seq, seq)
            .big(command::job_id, placing.job.id);
        commands.add(told.big(command::token, placing.token).set(command::kind, start));
        placing.done = true;
    }
    commands.flush();
    RCQ_POINT("place.flushed");
}

void unplace(Sight& sight, const std::vector<RunKey>& runs) {
    sight.renew();
    Table table(live::layout), commands(command::layout);
    Scan scan(table, sight, 1), told(commands, sight, 2);
    Fields pending;
    for (const int column : {live::executor_id, live::token, live::command_seq, live::placed_at, live::granted_cores,
                             live::granted_memory_mib, live::granted_gpus})
        pending.set_null(column);
    for (const RunKey& run : runs) {
        if (!scan.find({equals(run.job)})) continue;
        const FoundRow row = scan.row();
        if (row.is_null(live::token) || row.big(live::token) != run.token || !row.is_null(live::claimed_at)) continue;
        const int32 executor = row.integer(live::executor_id);
        const int64 seq = row.big(live::command_seq);
        RCQ_POINT("unplace.row");
        if (!table.update(row, pending)) continue;
        RCQ_POINT("unplace.updated");
        // nobody else can be at it, as whoever takes a placement back changes the live row first
        if (told.find({equals(executor), equals(seq)})) commands.remove(told.row());
        RCQ_POINT("unplace.removed");
        note_job(run.job, true);
    }
}

} // namespace rcq::pg::store
