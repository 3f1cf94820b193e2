// How far jobs are: rcq.job_states, for whoever follows some and asks again and again.
#include "../core/plan.hpp"
#include "arrays.hpp"
#include "definitions_cache.hpp"
#include "identity.hpp"
#include "job_state.hpp"
#include "values.hpp"

namespace rcq::pg {

namespace {

enum Column : int {
    id,
    status,
    reason,
    exit_code,
    signal,
    attempt,
    executor,
    started_at,
    ended_at,
    progress_percent,
    progress_message,
    message,
    column_count
};

// One row of the answer.
class Answer {
public:
    Answer() { std::fill(std::begin(nulls_), std::end(nulls_), true); }
    Answer& set(Column column, Datum value) {
        values_[column] = value;
        nulls_[column] = false;
        return *this;
    }
    Answer& text(Column column, std::string_view value) { return set(column, text_datum(value)); }
    // What the row has there; nothing where it is NULL.
    Answer& copy(Column column, const FoundRow& row, int from) {
        return row.is_null(from) ? *this : set(column, row.datum(from));
    }
    void executor_of(const FoundRow& row, int from) {
        if (row.is_null(from)) return;
        if (const std::string* name = executor_name(row.integer(from))) text(executor, *name);
    }
    void put(ReturnSetInfo* result) {
        call([&] { tuplestore_putvalues(result->setResult, result->setDesc, values_, nulls_); });
    }

private:
    Datum values_[column_count] = {};
    bool nulls_[column_count];
};

// Of the row that was found last, which is good until the next is: so each answer is given before the next look.
class StateReader {
public:
    StateReader(int32 of_user, ReturnSetInfo* result)
        : of_user_(of_user), result_(result), live_(live::layout, Use::reading), live_rows_(live_, sight_, 1),
          outcomes_(outcome::layout, Use::reading), runs_(sight_), arrays_(sight_) {}

    void answer(int64 job_id) {
        if (live_rows_.find({equals(job_id)}))
            of_live(job_id, live_rows_.row());
        else if (Scan* ended = outcomes_.find(sight_, job_id, {equals(job_id)}))
            of_outcome(job_id, ended->row());
        else
            of_restored(job_id);
    }

private:
    bool visible(int32 user_id) const { return of_user_ == 0 || user_id == of_user_; }

    void of_live(int64 job_id, const FoundRow& row) {
        if (!visible(row.integer(live::user_id))) return;
        const bool array = !row.is_null(live::tasks_waiting);
        Answer answer;
        answer.set(id, Int64GetDatum(job_id)).copy(attempt, row, live::attempt).copy(started_at, row, live::claimed_at);
        answer.executor_of(row, live::executor_id);
        if (row.is_null(live::placed_at)) {
            answer.text(status, "pending");
            if (const auto why = core::name(pending_state(row).reason); !why.empty()) answer.text(reason, why);
        } else if (row.is_null(live::claimed_at)) {
            answer.text(status, "assigned");
        } else {
            answer.text(status, "running");
            if (const auto why = running_reason(row); !why.empty()) answer.text(reason, why);
            if (!array && !row.is_null(live::token))
                if (const auto said = runs_.of(job_id, row.big(live::token))) {
                    answer.set(progress_percent, Int32GetDatum(said->percent));
                    if (said->message) answer.text(progress_message, *said->message);
                }
        }
        if (array) of_array(answer, job_id);
        answer.put(result_);
    }

    void of_outcome(int64 job_id, const FoundRow& row) {
        if (!visible(row.integer(outcome::user_id))) return;
        Answer answer;
        answer.set(id, Int64GetDatum(job_id))
            .copy(status, row, outcome::status)
            .copy(reason, row, outcome::reason)
            .copy(exit_code, row, outcome::exit_code)
            .copy(signal, row, outcome::signal)
            .copy(attempt, row, outcome::attempt)
            .copy(started_at, row, outcome::claimed_at)
            .copy(ended_at, row, outcome::ended_at)
            .copy(message, row, outcome::message);
        answer.executor_of(row, outcome::executor_id);
        if (row.is_null(outcome::executor_id)) of_array(answer, job_id);
        answer.put(result_);
    }

    void of_restored(int64 job_id) {
        const auto restored = restored_job(sight_, job_id);
        if (!restored || !visible(restored->user_id)) return;
        Answer answer;
        answer.set(id, Int64GetDatum(job_id)).text(status, "pending").text(reason, "restored");
        answer.set(attempt, Int32GetDatum(0));
        of_array(answer, job_id);
        answer.put(result_);
    }

    void of_array(Answer& answer, int64 job_id) {
        if (const auto percent = arrays_.of(job_id)) answer.set(progress_percent, Int32GetDatum(*percent));
    }

    const int32 of_user_;
    ReturnSetInfo* const result_;
    const Sight sight_;
    const Table live_;
    Scan live_rows_;
    PartitionedTable outcomes_;
    ProgressReader runs_;
    ArrayProgressReader arrays_;
};

} // namespace

} // namespace rcq::pg

// (array_id) -> percent of its tasks that have ended
RCQ_FUNCTION(rcq_array_progress) {
    using namespace rcq::pg;
    const Sight sight;
    ArrayProgressReader arrays(sight);
    if (const auto percent = arrays.of(PG_GETARG_INT64(0))) PG_RETURN_INT32(*percent);
    PG_RETURN_NULL();
}

// (job_ids) -> (id, status, reason, exit_code, signal, attempt, executor, started_at, ended_at, progress,
// progress_message, message)
RCQ_FUNCTION(rcq_job_states) {
    using namespace rcq::pg;
    const Caller acting = caller();
    call([&] { InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC); });
    StateReader reader(acting.is_admin ? 0 : acting.user_id, reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo));
    for (const int64 job_id : bigs_of(PG_GETARG_DATUM(0))) {
        call([] { CHECK_FOR_INTERRUPTS(); });
        reader.answer(job_id);
    }
    return Datum{0};
}
