#include "storing.hpp"

#include "../core/constraint.hpp"
#include "../core/features.hpp"
#include "../core/request.hpp"
#include "arrays.hpp"
#include "changes.hpp"
#include "layouts.hpp"
#include "points.hpp"
#include "request_checks.hpp"
#include "values.hpp"

extern "C" {
#include "access/detoast.h"
#include "utils/numeric.h"
}

namespace rcq::pg {

namespace {

Interval* interval_of(double seconds) {
    return call([&] {
        auto* interval = static_cast<Interval*>(palloc0(sizeof(Interval)));
        interval->time = static_cast<TimeOffset>(std::rint(seconds * USECS_PER_SEC));
        return interval;
    });
}

// Sorted and without duplicates; none when there are none.
std::optional<Datum> sorted_texts(const Request& request, request::Field field) {
    if (!request.has(field)) return std::nullopt;
    core::Features texts = texts_of(request[field]);
    core::sort_features(texts);
    if (texts.empty()) return std::nullopt;
    return texts_datum(texts);
}

std::optional<Datum> canonical(const Request& request, request::Field field) {
    if (!request.has(field)) return std::nullopt;
    const auto parsed = core::Constraint::parse(request.string(field));
    return text_datum(std::get<core::Constraint>(parsed).text());
}

// Amounts as whole numbers without a fraction of zeros; none when there are none.
std::optional<Datum> whole_amounts(const Request& request) {
    const auto amounts = consumables_of(request, {});
    if (amounts.empty()) return std::nullopt;
    JsonbParseState* state = nullptr;
    const auto push = [&](JsonbIteratorToken token, JsonbValue* value) {
        return call([&] { return pushJsonbValue(&state, token, value); });
    };
    push(WJB_BEGIN_OBJECT, nullptr);
    for (const auto& entry : amounts) {
        const auto& name = entry.first; // no structured binding: C++20 as clang has it captures none
        const auto amount = entry.second;
        JsonbValue key, value;
        key.type = jbvString;
        key.val.string.len = static_cast<int>(name.size());
        key.val.string.val = call([&] { return pnstrdup(name.data(), name.size()); });
        push(WJB_KEY, &key);
        value.type = jbvNumeric;
        value.val.numeric = call([&] { return int64_to_numeric(static_cast<int64>(amount)); });
        push(WJB_VALUE, &value);
    }
    JsonbValue* object = push(WJB_END_OBJECT, nullptr);
    return call([&] { return JsonbPGetDatum(JsonbValueToJsonb(object)); });
}

// As it is stored, but for compression.
int32 stored_bytes(Datum value) {
    const auto* payload = reinterpret_cast<const varlena*>(DatumGetPointer(value));
    if (VARATT_CAN_MAKE_SHORT(payload)) return static_cast<int32>(VARATT_CONVERTED_SHORT_SIZE(payload));
    return static_cast<int32>(call([&] { return toast_datum_size(value); }));
}

// What both rows say of a job, worked out once.
struct Terms {
    int32 memory_mib;
    std::optional<double> limit_s;
    std::optional<Datum> features, gpu_type, constraints, consumables;
};

Terms terms_of(const Request& request, std::optional<double> time_limit_s) {
    Terms terms;
    terms.memory_mib = static_cast<int32>(core::memory_mib(request.real(request::memory_gb, 1)));
    terms.limit_s = time_limit_of(request, time_limit_s);
    terms.features = sorted_texts(request, request::features);
    terms.gpu_type = canonical(request, request::gpu_type);
    terms.constraints = canonical(request, request::constraints);
    terms.consumables = whole_amounts(request);
    return terms;
}

void put(Fields& row, int column, const std::optional<Datum>& value) {
    if (value) row.set(column, *value);
}

void copy(Fields& row, int column, const Request& request, request::Field field) {
    if (request.has(field)) row.set(column, request[field]);
}

void fill_job(Fields& row, const Submission& submission, const Request& request, const NewJob& job, const Terms& terms,
              TimestampTz now) {
    row.clear();
    row.big(job::id, job.id)
        .time(job::submitted_at, now)
        .integer(job::user_id, submission.submitter.user_id)
        .integer(job::group_id, submission.submitter.group_id)
        .integer(job::cpu_cores, request.integer(request::cpu_cores, 1))
        .integer(job::memory_mib, terms.memory_mib)
        .integer(job::gpu_count, request.integer(request::gpu_count, 0))
        .small(job::priority, priority_of(request, submission.submitter.max_priority))
        .small(job::max_retries, request.integer(request::max_retries, 0))
        .boolean(job::requeue, request.boolean(request::requeue, true))
        .boolean(job::kill_on_disconnect,
                 request.has(request::on_disconnect) && request.string(request::on_disconnect) == "kill")
        .set(job::script, request[request::script])
        .boolean(job::exclusive, request.boolean(request::exclusive, false))
        .boolean(job::preemptible, request.boolean(request::preemptible, false))
        .boolean(job::wait_if_unmet,
                 request.has(request::on_dependency_failed) && request.string(request::on_dependency_failed) == "wait");
    if (request.has(request::estimated_hours))
        row.set(job::estimate, IntervalPGetDatum(interval_of(request.real(request::estimated_hours, 0) * 3600)));
    if (request.has(request::time_limit))
        row.set(job::time_limit, request[request::time_limit]);
    else if (terms.limit_s)
        row.set(job::time_limit, IntervalPGetDatum(interval_of(*terms.limit_s)));
    put(row, job::features, terms.features);
    put(row, job::gpu_type, terms.gpu_type);
    put(row, job::constraints, terms.constraints);
    put(row, job::consumables, terms.consumables);
    if (job.array_size > 0) row.string(job::array_spec, job.array_spec).integer(job::array_size, job.array_size);
    put(row, job::retry, retry_policy(request));
    put(row, job::tags, sorted_texts(request, request::tags));
    if (submission.schedule) row.integer(job::schedule_id, *submission.schedule);
    constexpr std::pair<int, request::Field> as_given[] = {{job::name, request::name},
                                                           {job::workdir, request::workdir},
                                                           {job::env, request::env},
                                                           {job::cpu_cores_min, request::cpu_cores_min},
                                                           {job::concurrency_key, request::concurrency_key},
                                                           {job::begin_time, request::begin_time},
                                                           {job::deadline, request::deadline},
                                                           {job::depends_on, request::depends_on},
                                                           {job::idempotency_key, request::idempotency_key},
                                                           {job::project, request::project},
                                                           {job::external_id, request::external_id},
                                                           {job::type, request::type},
                                                           {job::payload, request::payload}};
    for (const auto& [column, field] : as_given) copy(row, column, request, field);
}

void fill_live(Fields& row, const Submission& submission, const Request& request, const NewJob& job, const Terms& terms,
               TimestampTz now) {
    const TimestampTz begin =
        request.has(request::begin_time) ? DatumGetTimestampTz(request[request::begin_time]) : now;
    row.clear();
    row.big(live::job_id, job.id)
        .integer(live::user_id, submission.submitter.user_id)
        .integer(live::group_id, submission.submitter.group_id)
        .integer(live::cpu_cores, request.integer(request::cpu_cores, 1))
        .integer(live::memory_mib, terms.memory_mib)
        .integer(live::gpu_count, request.integer(request::gpu_count, 0))
        .small(live::max_retries, request.integer(request::max_retries, 0))
        .boolean(live::requeue, request.boolean(request::requeue, true))
        .boolean(live::exclusive, request.boolean(request::exclusive, false))
        .boolean(live::preemptible, request.boolean(request::preemptible, false))
        .boolean(live::held, request.boolean(request::hold, false))
        .small(live::priority, priority_of(request, submission.submitter.max_priority))
        .small(live::failures, 0)
        .small(live::losses, 0)
        .integer(live::attempt, 0)
        .time(live::eligible_at, std::max(now, begin))
        .small(live::preempted, 0)
        .integer(live::unmet, job.unmet)
        .boolean(live::memory_raised, false)
        .boolean(live::log_full, false);
    if (request.has(request::estimated_hours))
        row.integer(live::planned_s, static_cast<int32>(std::ceil(request.real(request::estimated_hours, 0) * 3600)));
    else if (terms.limit_s)
        row.integer(live::planned_s, static_cast<int32>(std::ceil(*terms.limit_s)));
    if (terms.limit_s) row.integer(live::time_limit_s, static_cast<int32>(std::ceil(*terms.limit_s)));
    put(row, live::features, terms.features);
    put(row, live::gpu_type, terms.gpu_type);
    put(row, live::constraints, terms.constraints);
    put(row, live::consumables, terms.consumables);
    copy(row, live::cpu_cores_min, request, request::cpu_cores_min);
    copy(row, live::concurrency_key, request, request::concurrency_key);
    copy(row, live::deadline, request, request::deadline);
    if (request.has(request::payload)) row.integer(live::payload_bytes, stored_bytes(request[request::payload]));
    if (job.array_size > 0) row.integer(live::tasks_waiting, job.array_size);
    if (job.array_throttle) row.integer(live::array_throttle, *job.array_throttle);
}

} // namespace

std::optional<double> time_limit_of(const Request& request, std::optional<double> otherwise) {
    if (request.has(request::time_limit)) return seconds(request, request::time_limit);
    return otherwise;
}

void store_jobs(const Submission& submission, std::span<const NewJob> jobs, std::optional<double> time_limit_s) {
    const TimestampTz now = GetCurrentTimestamp();
    PartitionedTable all_jobs(job::layout);
    Table live_jobs(live::layout);
    Fields row;
    for (std::size_t k = 0; k < jobs.size(); k++) {
        const NewJob& job = jobs[k];
        if (job.known) continue;
        const Request& request = submission.requests[k];
        const Terms terms = terms_of(request, time_limit_s);
        fill_job(row, submission, request, job, terms, now);
        all_jobs.add(job.id, row);
        fill_live(row, submission, request, job, terms, now);
        live_jobs.add(row);
        note_job(job.id, true);
        RCQ_POINT("submit.row");
    }
    all_jobs.flush();
    RCQ_POINT("submit.half");
    live_jobs.flush();
    call([] { CommandCounterIncrement(); }); // what follows in this statement sees them
}

} // namespace rcq::pg
