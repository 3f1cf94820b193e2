#include "submission.hpp"

#include "../core/array_spec.hpp"
#include "../protocol/words.hpp"
#include "arrays.hpp"
#include "as_owner.hpp"
#include "changes.hpp"
#include "definitions_cache.hpp"
#include "identity.hpp"
#include "job_ids.hpp"
#include "limits.hpp"
#include "metrics_counting.hpp"
#include "points.hpp"
#include "recording.hpp"
#include "relations.hpp"
#include "request_checks.hpp"
#include "storing.hpp"
#include "values.hpp"

namespace rcq::pg {

namespace {

using request::bit;
using request::bits;

struct Rules {
    core::RequestLimits limits;
    std::optional<double> time_limit_s; // of jobs that state none
    int64 max_pending;
    int64 submit_rate;
};

Rules rules_for(const Submitter& submitter) {
    const auto unless_zero = [](double value) { return value == 0 ? std::nullopt : std::optional(value); };
    Rules rules;
    rules.limits.max_priority = submitter.max_priority;
    rules.limits.max_script_bytes = static_cast<int64>(setting_number("max_script_bytes"));
    rules.limits.max_time_limit_s = unless_zero(setting_number("max_time_limit"));
    rules.time_limit_s = unless_zero(setting_number("default_time_limit"));
    rules.max_pending =
        submitter.max_pending ? *submitter.max_pending : static_cast<int64>(setting_number("max_pending_per_user"));
    rules.submit_rate = static_cast<int64>(setting_number("submit_rate_per_user"));
    return rules;
}

Place place_of(const Submission& submission, std::size_t index) {
    const auto number = static_cast<int64>(index) + 1;
    if (submission.rows_before >= 0) return {submission.rows_before + number, true};
    return {submission.requests.size() > 1 ? number : 0, false};
}

int64 number_in(HeapTuple row, TupleDesc desc, int column) {
    bool null;
    return DatumGetInt64(SPI_getbinval(row, desc, column, &null));
}

std::string text_in(HeapTuple row, TupleDesc desc, int column) {
    bool null;
    const Datum value = SPI_getbinval(row, desc, column, &null);
    return call([&] { return TextDatumGetCString(value); });
}

// What SQL says of a list names the job by its place there; among rows it is a row with another number.
template <class F> void with_places(const Submission& submission, F f) {
    try {
        f();
    } catch (const PgError& error) {
        constexpr std::string_view begin = "job ", end = " of the list: ";
        const std::string_view message = error.what();
        const auto ends_at = message.find(end);
        if (submission.rows_before < 0 || strncmp(unpack_sql_state(error.sqlstate()), "RC", 2) != 0) throw;
        if (submission.requests.size() == 1 || !message.starts_with(begin) || ends_at == std::string_view::npos)
            throw SqlError(unpack_sql_state(error.sqlstate()),
                           (submission.requests.size() == 1 ? place_of(submission, 0).text() : std::string()) +
                               std::string(message),
                           error.hint());
        const int64 number = std::stoll(std::string(message.substr(begin.size(), ends_at - begin.size())));
        throw SqlError(unpack_sql_state(error.sqlstate()),
                       place_of(submission, static_cast<std::size_t>(number - 1)).text() +
                           std::string(message.substr(ends_at + end.size())),
                       error.hint());
    }
}

// Jobs of types get what their types say.
void apply_types(Submission& submission) {
    with_places(submission, [&] {
        Datum applied = 0;
        as_owner("SELECT rcq_private.apply_type($1)", {{requests_type(), requests_datum(submission.requests)}},
                 [&](HeapTuple row, TupleDesc desc) {
                     bool null;
                     const Datum value = SPI_getbinval(row, desc, 1, &null);
                     applied = call([&] { return PointerGetDatum(DatumGetArrayTypePCopy(value)); });
                 });
        submission.requests = requests_of(applied);
    });
}

void check_names(const Submission& submission) {
    std::vector<Request> naming;
    for (const Request& request : submission.requests)
        if (request.given() & bits(request::features, request::constraints, request::gpu_type, request::consumables))
            naming.push_back(request);
    as_owner("SELECT rcq_private.check_names($1)", {{requests_type(), requests_datum(naming)}});
}

void read_array(NewJob& job, const Request& request, const Place& place) {
    const auto parsed = core::ArraySpec::parse(request.string(request::array));
    if (const auto* error = std::get_if<core::ArraySpecError>(&parsed))
        throw SqlError(protocol::error::bad_request, place.text() + error->message, error->hint);
    const auto& spec = std::get<core::ArraySpec>(parsed);
    job.array_spec = spec.text();
    job.array_size = spec.size();
    job.array_throttle = spec.throttle();
}

// Who was there before with an idempotency key is found, and gets no second job.
void claim_keys(const Submission& submission, std::vector<NewJob>& jobs) {
    std::vector<std::string> keys;
    for (const Request& request : submission.requests)
        if (request.has(request::idempotency_key)) keys.emplace_back(request.string(request::idempotency_key));
    struct Claimed {
        int64 id;
        bool taken; // by an earlier job
    };
    std::map<std::string, Claimed, std::less<>> claimed;
    as_owner("SELECT k.key, k.job_id, k.fresh FROM rcq_private.claim_keys($1, $2) k",
             {{INT4OID, Int32GetDatum(submission.submitter.user_id)}, {TEXTARRAYOID, texts_datum(keys)}},
             [&](HeapTuple row, TupleDesc desc) {
                 bool null;
                 const bool fresh = DatumGetBool(SPI_getbinval(row, desc, 3, &null));
                 claimed[text_in(row, desc, 1)] = {number_in(row, desc, 2), !fresh};
             });
    for (std::size_t k = 0; k < jobs.size(); k++) {
        const Request& request = submission.requests[k];
        if (!request.has(request::idempotency_key)) continue;
        const auto found = claimed.find(request.string(request::idempotency_key));
        if (found == claimed.end()) continue;
        jobs[k].id = found->second.id;
        jobs[k].known = found->second.taken;
        found->second.taken = true;
    }
}

// Waits at most 2 s for other submissions of the same user.
void wait_for_submissions(int32 user_id) {
    if (try_lock_submissions(user_id)) return;
    try {
        const int level = call([] {
            const int nesting = NewGUCNestLevel();
            set_config_option("lock_timeout", "2s", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
            return nesting;
        });
        lock_submissions(user_id);
        call([&] { AtEOXact_GUC(true, level); });
    } catch (const PgError& error) {
        if (error.sqlstate() != ERRCODE_LOCK_NOT_AVAILABLE && error.sqlstate() != ERRCODE_T_R_DEADLOCK_DETECTED) throw;
        throw SqlError(protocol::error::busy, "another transaction of yours that submitted jobs is still open",
                       "Your jobs are limited, so they are counted one transaction at a time: end the other one, or "
                       "try again in a moment.");
    }
}

// RC007 when so many more jobs would exceed a limit of the user. Submissions of one user wait for each other from here
// on, so that the limits are exact.
void check_limits(const Submitter& submitter, int64 more, const Rules& rules) {
    if (more == 0 || (rules.max_pending == 0 && rules.submit_rate == 0)) return;
    wait_for_submissions(submitter.user_id);
    if (rules.max_pending > 0) {
        const int64 count = count_pending(submitter.user_id, rules.max_pending);
        if (count + more > rules.max_pending)
            throw SqlError(
                protocol::error::limit_reached,
                "pending jobs of yours: " + std::to_string(count) + "; " + std::to_string(more) +
                    " more would exceed your limit of " + std::to_string(rules.max_pending),
                std::string("Submit fewer, wait until some have started, or cancel some. An administrator "
                            "can raise the limit: ") +
                    (submitter.max_pending ? "max_pending of your user." : "the setting max_pending_per_user."));
    }
    if (rules.submit_rate > 0) {
        constexpr int64 minute = 60 * USECS_PER_SEC;
        const int64 count = count_submitted(submitter.user_id, GetCurrentTimestamp() - minute, rules.submit_rate);
        if (count + more > rules.submit_rate)
            throw SqlError(protocol::error::limit_reached,
                           "jobs that you submitted within the last minute: " + std::to_string(count) + "; " +
                               std::to_string(more) + " more would exceed the limit of " +
                               std::to_string(rules.submit_rate) + " per minute",
                           "Submit fewer, or wait a minute. An administrator can raise the limit: the setting "
                           "submit_rate_per_user.");
    }
}

// Draws the ids that are missing, and sees to it that there are partitions for them: before any of the tables is in
// use.
void draw_ids(std::vector<NewJob>& jobs) {
    const Oid sequence = call([] { return relation_id("job_id"); });
    int64 greatest = 0;
    for (NewJob& job : jobs) {
        if (job.id == 0) job.id = call([&] { return nextval_internal(sequence, false); });
        greatest = std::max(greatest, job.id);
    }
    if (greatest >= partitioned_to())
        as_owner("SELECT rcq_private.ensure_partitions($1)", {{INT8OID, Int64GetDatum(greatest)}});
}

struct Wanted {
    int32 place; // from 1
    int64 on_id;
    std::string kind;
    auto operator<=>(const Wanted&) const = default;
};

// Dependencies on jobs that are there already.
std::set<Wanted> named_dependencies(const Submission& submission) {
    std::set<Wanted> wanted;
    with_places(submission, [&] {
        as_owner("SELECT w.place::pg_catalog.int8, w.on_id, w.kind FROM rcq_private.wanted_dependencies($1, $2) w",
                 {{INT4OID, Int32GetDatum(submission.submitter.user_id)},
                  {requests_type(), requests_datum(submission.requests)}},
                 [&](HeapTuple row, TupleDesc desc) {
                     wanted.insert(
                         {static_cast<int32>(number_in(row, desc, 1)), number_in(row, desc, 2), text_in(row, desc, 3)});
                 });
    });
    return wanted;
}

Datum bigs(const std::vector<int64>& values) {
    return call([&] {
        auto* datums = static_cast<Datum*>(palloc(sizeof(Datum) * std::max<Size>(values.size(), 1)));
        for (std::size_t k = 0; k < values.size(); k++) datums[k] = Int64GetDatum(values[k]);
        return PointerGetDatum(
            construct_array(datums, static_cast<int>(values.size()), INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE));
    });
}

void store_dependencies(const std::set<Wanted>& wanted, std::span<const NewJob> jobs) {
    std::vector<int64> ids, on_ids;
    std::vector<std::string> kinds;
    for (const Wanted& dependency : wanted) {
        ids.push_back(jobs[static_cast<std::size_t>(dependency.place - 1)].id);
        on_ids.push_back(dependency.on_id);
        kinds.push_back(dependency.kind);
    }
    if (ids.empty()) return;
    as_owner("INSERT INTO rcq_private.dependency (job_id, on_id, kind) SELECT d.job_id, d.on_id, d.kind"
             " FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3)) d(job_id, on_id, "
             "kind)",
             {{INT8ARRAYOID, bigs(ids)}, {INT8ARRAYOID, bigs(on_ids)}, {TEXTARRAYOID, texts_datum(kinds)}});
}

void store_arrays(int32 user_id, std::span<const NewJob> jobs) {
    std::vector<int64> ids;
    std::vector<int32> sizes, throttles; // 0 = none
    for (const NewJob& job : jobs) {
        if (job.array_size == 0 || job.known) continue;
        ids.push_back(job.id);
        sizes.push_back(job.array_size);
        throttles.push_back(job.array_throttle.value_or(0));
    }
    if (ids.empty()) return;
    as_owner("INSERT INTO rcq_private.array (job_id, user_id, size, throttle, waiting)"
             " SELECT a.job_id, $1, a.size, CASE WHEN a.throttle OPERATOR(pg_catalog.>) 0 THEN a.throttle END,"
             " pg_catalog.int4multirange(pg_catalog.int4range(0, a.size))"
             " FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4)) a(job_id, size, "
             "throttle)",
             {{INT4OID, Int32GetDatum(user_id)},
              {INT8ARRAYOID, bigs(ids)},
              {INT4ARRAYOID, integers_datum(sizes)},
              {INT4ARRAYOID, integers_datum(throttles)}});
}

std::vector<NewJob> submit(Submission& submission) {
    if (submission.requests.empty()) return {};
    const auto is_place = [&](int32 place) {
        return place >= 1 && static_cast<std::size_t>(place) <= submission.requests.size();
    };
    for (const Edge& edge : submission.edges)
        if (!is_place(edge.job) || !is_place(edge.on) || edge.kind.empty())
            throw SqlError("22023", "a dependency leads out of the list");
    (void)own_slot(); // RC011 instead of silence when nobody would ever learn of the jobs
    const Rules rules = rules_for(submission.submitter);
    // most jobs are plain: what they do not use costs them nothing
    uint64 used = 0;
    for (const Request& request : submission.requests) used |= request.given();
    if (used & bits(request::type, request::payload)) {
        apply_types(submission);
        for (const Request& request : submission.requests) used |= request.given();
    }
    const std::vector<Request>& requests = submission.requests;
    if (used & bits(request::features, request::constraints, request::gpu_type, request::consumables))
        check_names(submission);
    std::vector<NewJob> jobs(requests.size());
    const TimestampTz now = GetCurrentTimestamp();
    for (std::size_t k = 0; k < requests.size(); k++) {
        const Place place = place_of(submission, k);
        if (requests[k].given() & option_fields) check_options(requests[k], now, place);
        check_request(requests[k], time_limit_of(requests[k], rules.time_limit_s), rules.limits, place);
        if (requests[k].has(request::array)) read_array(jobs[k], requests[k], place);
    }
    std::set<Wanted> wanted;
    if (used & bit(request::depends_on)) wanted = named_dependencies(submission);
    if (used & bit(request::idempotency_key)) claim_keys(submission, jobs);
    // what a key stands for already is not submitted again, and fits any limit
    const int64 fresh = std::count_if(jobs.begin(), jobs.end(), [](const NewJob& job) { return !job.known; });
    check_limits(submission.submitter, fresh, rules);
    draw_ids(jobs);
    RCQ_POINT("submit.ids");
    for (const Edge& edge : submission.edges)
        wanted.insert({edge.job, jobs[static_cast<std::size_t>(edge.on - 1)].id, edge.kind});
    std::erase_if(wanted, [&](const Wanted& w) { return jobs[static_cast<std::size_t>(w.place - 1)].known; });
    for (const Wanted& w : wanted) jobs[static_cast<std::size_t>(w.place - 1)].unmet++;
    count(Counter::submitted, static_cast<uint64>(fresh));
    store_jobs(submission, jobs, rules.time_limit_s);
    RCQ_POINT("submit.jobs");
    store_arrays(submission.submitter.user_id, jobs);
    RCQ_POINT("submit.arrays");
    store_dependencies(wanted, jobs);
    RCQ_POINT("submit.dependencies");
    return jobs;
}

std::vector<int64> ids_of(const std::vector<NewJob>& jobs, bool fresh_only) {
    std::vector<int64> ids;
    ids.reserve(jobs.size());
    for (const NewJob& job : jobs)
        if (!fresh_only || !job.known) ids.push_back(job.id);
    return ids;
}

} // namespace

Submitter acting_submitter() {
    const CachedUser* user = user_by_id(caller().user_id);
    if (!user) throw std::logic_error("the user who acts has no row");
    return {user->id, user->group_id, user->max_priority, user->max_pending};
}

std::vector<int64> enqueue(Submission& submission) { return ids_of(submit(submission), false); }

std::vector<int64> enqueue_acting(Submission& submission) {
    submission.submitter = acting_submitter();
    const std::vector<NewJob> jobs = submit(submission);
    const char* session = call([] { return GetUserNameFromId(GetSessionUserId(), true); });
    if (session && strcmp(session, "rcq_authenticator") == 0)
        if (const std::vector<int64> fresh = ids_of(jobs, true); !fresh.empty())
            record_change("job.submit", "job", id_ranges(fresh));
    return ids_of(jobs, false);
}

} // namespace rcq::pg
