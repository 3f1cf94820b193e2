#include "job_json.hpp"

#include "../core/plan.hpp"
#include "definitions_cache.hpp"
#include "job_state.hpp"

extern "C" {
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/uuid.h"
}

namespace rcq::pg {

namespace {

constexpr int shown_of_script = 4096; // characters: a list of the longest ones would be too large for everybody

constexpr const char* schedule_columns[] = {"id", "name"};
const Layout schedule_layout{"schedule", schedule_columns};

// The fields of one object. Everything runs behind the guard.
class Object {
public:
    explicit Object(StringInfo json) : json_(json) { appendStringInfoChar(json_, '{'); }
    void end() { appendStringInfoChar(json_, '}'); }

    void null(const char* name) { append(name, "null"); }
    void whole(const char* name, int64 value) {
        begin(name);
        appendStringInfo(json_, INT64_FORMAT, value);
    }
    void boolean(const char* name, bool value) { append(name, value ? "true" : "false"); }
    void string(const char* name, const char* value) {
        begin(name);
        escape_json(json_, value);
    }
    void real(const char* name, float value) {
        number(name, DatumGetCString(DirectFunctionCall1(float4out, Float4GetDatum(value))));
    }
    void number(const char* name, double value) {
        number(name, DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(value))));
    }
    // Mebibytes as gigabytes, with at most three decimals.
    void gigabytes(const char* name, int32 mib) {
        const int64 thousandths = (static_cast<int64>(mib) * 1000 + 512) / 1024;
        begin(name);
        appendStringInfo(json_, INT64_FORMAT, thousandths / 1000);
        if (const auto rest = static_cast<int>(thousandths % 1000)) {
            appendStringInfo(json_, ".%03d", rest);
            while (json_->data[json_->len - 1] == '0') json_->data[--json_->len] = '\0';
        }
    }
    void time(const char* name, TimestampTz at) {
        struct pg_tm tm;
        fsec_t microseconds;
        if (TIMESTAMP_NOT_FINITE(at) || timestamp2tm(at, nullptr, &tm, &microseconds, nullptr, nullptr) != 0)
            return null(name);
        begin(name);
        appendStringInfo(json_, "\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"", tm.tm_year, tm.tm_mon, tm.tm_mday,
                         tm.tm_hour, tm.tm_min, tm.tm_sec, static_cast<int>(microseconds));
    }
    void json(const char* name, Datum value) {
        Jsonb* found = DatumGetJsonbP(value);
        begin(name);
        JsonbToCString(json_, &found->root, VARSIZE(found));
    }
    void texts(const char* name, Datum array) {
        Datum* values;
        bool* nulls;
        int count;
        deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
        begin(name);
        appendStringInfoChar(json_, '[');
        for (int k = 0; k < count; k++) {
            if (k > 0) appendStringInfoChar(json_, ',');
            escape_json(json_, TextDatumGetCString(values[k]));
        }
        appendStringInfoChar(json_, ']');
    }

private:
    void begin(const char* name) {
        appendStringInfo(json_, first_ ? "\"%s\":" : ",\"%s\":", name);
        first_ = false;
    }
    void append(const char* name, const char* value) {
        begin(name);
        appendStringInfoString(json_, value);
    }
    void number(const char* name, const char* value) {
        const bool finite = *value == '-' ? value[1] != 'I' : *value != 'I' && *value != 'N';
        if (finite)
            append(name, value);
        else
            string(name, value);
    }

    StringInfo json_;
    bool first_ = true;
};

// A column of the row, or null when there is none.
using Writer = void (*)(Object&, const char* name, Datum);
void write(Object& object, const char* name, const FoundRow* row, int column, Writer writer) {
    if (!row || row->is_null(column))
        object.null(name);
    else
        writer(object, name, row->datum(column));
}
// Of the first of both rows that is there and has it.
void write(Object& object, const char* name, const FoundRow* first, int column, const FoundRow* second, int other,
           Writer writer) {
    if (first && !first->is_null(column))
        writer(object, name, first->datum(column));
    else
        write(object, name, second, other, writer);
}
void as_integer(Object& o, const char* name, Datum d) { o.whole(name, DatumGetInt32(d)); }
void as_small(Object& o, const char* name, Datum d) { o.whole(name, DatumGetInt16(d)); }
void as_big(Object& o, const char* name, Datum d) { o.whole(name, DatumGetInt64(d)); }
void as_text(Object& o, const char* name, Datum d) { o.string(name, TextDatumGetCString(d)); }
void as_time(Object& o, const char* name, Datum d) { o.time(name, DatumGetTimestampTz(d)); }
void as_json(Object& o, const char* name, Datum d) { o.json(name, d); }
void as_texts(Object& o, const char* name, Datum d) { o.texts(name, d); }
void as_gigabytes(Object& o, const char* name, Datum d) { o.gigabytes(name, DatumGetInt32(d)); }
void as_boolean(Object& o, const char* name, Datum d) { o.boolean(name, DatumGetBool(d)); }
void as_real(Object& o, const char* name, Datum d) { o.real(name, DatumGetFloat4(d)); }
void as_uuid(Object& o, const char* name, Datum d) {
    o.string(name, DatumGetCString(DirectFunctionCall1(uuid_out, d)));
}
double seconds(Datum interval) {
    return DatumGetFloat8(DirectFunctionCall2(interval_part, CStringGetTextDatum("epoch"), interval));
}
void as_seconds(Object& o, const char* name, Datum d) { o.number(name, seconds(d)); }
void as_hours(Object& o, const char* name, Datum d) { o.number(name, seconds(d) / 3600); }
void as_beginning(Object& o, const char* name, Datum d) {
    char* script = TextDatumGetCString(d);
    script[pg_mbcharcliplen(script, static_cast<int>(strlen(script)), shown_of_script)] = '\0';
    o.string(name, script);
}

// What of a job stands in other places than its rows.
struct Beside {
    std::optional<PendingState> pending;
    std::string reason, user, group, executor, schedule;
    std::optional<int32> restored_priority, progress;
    std::optional<std::string> progress_message;
};

void write_name(Object& object, const char* name, const std::string& value) {
    if (value.empty())
        object.null(name);
    else
        object.string(name, value.c_str());
}

// What a list shows. `spec`: the row that has what tasks share with their array.
void write_first(Object& o, const FoundRow& job, const FoundRow& spec, const FoundRow* live, const FoundRow* outcome,
                 const Beside& beside, Writer script) {
    write(o, "id", &job, job::id, as_big);
    write(o, "user_id", &job, job::user_id, as_integer);
    write(o, "group_id", &job, job::group_id, as_integer);
    write(o, "script", &spec, job::script, script);
    write(o, "cpu_cores", &job, job::cpu_cores, as_integer);
    write(o, "memory_gb", &job, job::memory_mib, as_gigabytes);
    write(o, "gpu_count", &job, job::gpu_count, as_integer);
    if (outcome)
        write(o, "status", outcome, outcome::status, as_text);
    else
        o.string("status", live && !live->is_null(live::claimed_at) ? "running" : "pending");
    if (beside.restored_priority)
        o.whole("priority", *beside.restored_priority);
    else
        write(o, "priority", outcome, outcome::priority, live, live::priority, as_small);
    write(o, "submitted_at", &job, job::submitted_at, as_time);
    write(o, "started_at", outcome, outcome::claimed_at, live, live::claimed_at, as_time);
    write(o, "completed_at", outcome, outcome::ended_at, as_time);
    write(o, "worker_id", outcome, outcome::executor_id, live, live::executor_id, as_integer);
    write_name(o, "reason", beside.reason);
    write(o, "name", &job, job::name, as_text);
    write_name(o, "user", beside.user);
    write_name(o, "group", beside.group);
    write_name(o, "executor", beside.executor);
    if (outcome || live)
        write(o, "attempt", outcome, outcome::attempt, live, live::attempt, as_integer);
    else
        o.whole("attempt", 0);
    write(o, "exit_code", outcome, outcome::exit_code, as_integer);
    write(o, "signal", outcome, outcome::signal, as_integer);
    write(o, "type", &job, job::type, as_text);
    write(o, "project", &job, job::project, as_text);
    write(o, "tags", &job, job::tags, as_texts);
    write(o, "array_id", &job, job::array_id, as_big);
    write(o, "array_index", &job, job::array_index, as_integer);
    write(o, "array_size", &job, job::array_size, as_integer);
    write_name(o, "schedule", beside.schedule);
}

// What belongs to one job alone.
void write_rest(Object& o, const FoundRow& job, const FoundRow& spec, const FoundRow* live, const FoundRow* outcome,
                const Beside& beside) {
    write(o, "message", outcome, outcome::message, as_text);
    if (beside.progress)
        o.whole("progress", *beside.progress);
    else
        o.null("progress");
    write_name(o, "progress_message", beside.progress_message.value_or(std::string()));
    write(o, "estimated_hours", &job, job::estimate, as_hours);
    write(o, "time_limit_s", &job, job::time_limit, as_seconds);
    if (beside.pending && beside.pending->position > 0)
        o.whole("position", beside.pending->position);
    else
        o.null("position");
    if (beside.pending && beside.pending->expected_start)
        o.time("expected_start", *beside.pending->expected_start);
    else
        o.null("expected_start");
    write(o, "cpu_seconds", outcome, outcome::cpu_seconds, live, live::cpu_seconds, as_real);
    write(o, "peak_memory_gb", outcome, outcome::peak_memory_mib, live, live::peak_memory_mib, as_gigabytes);
    write(o, "granted_cores", outcome, outcome::granted_cores, live, live::granted_cores, as_integer);
    write(o, "granted_memory_gb", outcome, outcome::granted_memory_mib, live, live::granted_memory_mib, as_gigabytes);
    write(o, "granted_gpus", outcome, outcome::granted_gpus, live, live::granted_gpus, as_integer);
    write(o, "workdir", &spec, job::workdir, as_text);
    write(o, "env", &spec, job::env, as_json);
    write(o, "features", &spec, job::features, as_texts);
    write(o, "cpu_cores_min", &job, job::cpu_cores_min, as_integer);
    write(o, "gpu_type", &job, job::gpu_type, as_text);
    write(o, "constraints", &job, job::constraints, as_text);
    write(o, "consumables", &job, job::consumables, as_json);
    write(o, "exclusive", &job, job::exclusive, as_boolean);
    write(o, "preemptible", &job, job::preemptible, as_boolean);
    write(o, "concurrency_key", &job, job::concurrency_key, as_text);
    write(o, "array", &job, job::array_spec, as_text);
    write(o, "depends_on", &job, job::depends_on, as_text);
    o.string("on_dependency_failed", job.boolean(job::wait_if_unmet) ? "wait" : "fail");
    write(o, "begin_time", &job, job::begin_time, as_time);
    write(o, "deadline", &job, job::deadline, as_time);
    write(o, "max_retries", &job, job::max_retries, as_small);
    write(o, "retry", &job, job::retry, as_json);
    write(o, "requeue", &job, job::requeue, as_boolean);
    o.string("on_disconnect", job.boolean(job::kill_on_disconnect) ? "kill" : "continue");
    write(o, "idempotency_key", &job, job::idempotency_key, as_text);
    write(o, "external_id", &job, job::external_id, as_uuid);
    write(o, "payload", &spec, job::payload, as_json);
    write(o, "result", outcome, outcome::result, as_json);
    write(o, "output", outcome, outcome::output, as_json);
}

std::string schedule_name(const Sight& sight, int32 id) {
    const Table table(schedule_layout, Use::reading);
    Scan scan(table, sight, 1);
    return scan.find({equals(id)}) ? std::string(scan.row().string(1)) : std::string();
}

} // namespace

JobReader::JobReader()
    : jobs_(job::layout, Use::reading), outcomes_(outcome::layout, Use::reading), live_(live::layout, Use::reading),
      live_scan_(live_, sight_, 1) {}

bool JobReader::append(StringInfo json, int64 id, int32 of_user, Show show) {
    Scan* const found = jobs_.find(sight_, id, {equals(id)});
    if (!found) return false;
    const FoundRow job = found->row();
    if (of_user != 0 && job.integer(job::user_id) != of_user) return false;

    std::optional<FoundRow> live, outcome;
    if (live_scan_.find({equals(id)})) live = live_scan_.row();
    if (Scan* ended = live ? nullptr : outcomes_.find(sight_, id, {equals(id)})) outcome = ended->row();

    Beside beside;
    if (outcome)
        beside.reason = text_or_none(*outcome, outcome::reason);
    else if (live && !live->is_null(live::claimed_at))
        beside.reason = running_reason(*live);
    else if (live && live->is_null(live::placed_at)) {
        beside.pending = pending_state(*live);
        beside.reason = core::name(beside.pending->reason);
    } else if (!live) {
        if (const auto restored = restored_job(sight_, id)) {
            beside.restored_priority = restored->priority;
            beside.reason = "restored";
        }
    }
    if (const CachedUser* user = user_by_id(job.integer(job::user_id)))
        beside.user = user->role_name ? *user->role_name : *user->email;
    if (const std::string* name = group_name(job.integer(job::group_id))) beside.group = *name;
    std::optional<int32> executor;
    if (outcome && !outcome->is_null(outcome::executor_id)) executor = outcome->integer(outcome::executor_id);
    if (live && !live->is_null(live::executor_id)) executor = live->integer(live::executor_id);
    if (executor)
        if (const std::string* name = executor_name(*executor)) beside.executor = *name;
    if (!job.is_null(job::schedule_id)) beside.schedule = schedule_name(sight_, job.integer(job::schedule_id));

    if (show == Show::all && !job.is_null(job::array_size)) {
        beside.progress = ArrayProgressReader(sight_).of(id);
    } else if (show == Show::all && live && !live->is_null(live::claimed_at)) {
        if (const auto said = ProgressReader(sight_).of(id, live->big(live::token))) {
            beside.progress = said->percent;
            beside.progress_message = said->message;
        }
    }

    // the array's row has a slot of its own, so that both are there at a time
    std::optional<PartitionedTable> arrays;
    std::optional<FoundRow> array;
    if (!job.is_null(job::array_id)) {
        const int64 array_id = job.big(job::array_id);
        if (Scan* scan = arrays.emplace(job::layout, Use::reading).find(sight_, array_id, {equals(array_id)}))
            array = scan->row();
    }
    const FoundRow& spec = array ? *array : job;
    const FoundRow* const live_row = live ? &*live : nullptr;
    const FoundRow* const outcome_row = outcome ? &*outcome : nullptr;
    call([&] {
        Object object(json);
        write_first(object, job, spec, live_row, outcome_row, beside, show == Show::list ? as_beginning : as_text);
        if (show == Show::all) write_rest(object, job, spec, live_row, outcome_row, beside);
        object.end();
    });
    return true;
}

} // namespace rcq::pg
