// rcq_private.published_plan(): who is before whom, and what is promised, as the scheduler last published it.
#include "guard.hpp"
#include "shared.hpp"

namespace rcq::pg {

namespace {

Datum array_datum(std::vector<Datum> elements, Oid type, int16 size, bool by_value, char alignment) {
    return call([&] {
        const auto count = static_cast<int>(elements.size());
        return PointerGetDatum(construct_array(elements.data(), count, type, size, by_value, alignment));
    });
}

Datum bigints_datum(std::vector<Datum> elements) {
    return array_datum(std::move(elements), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

} // namespace

} // namespace rcq::pg

// -> (ranked: jobs in the order of their positions, reserved_jobs, reserved_executors, reserved_starts)
RCQ_FUNCTION(rcq_published_plan) {
    using namespace rcq::pg;
    std::vector<PublishedRank> ranks;
    std::vector<PublishedReservation> reservations;
    if (const DatabaseSlot* slot = own_slot()) {
        ranks.reserve(Published::max_ranks);
        reservations.reserve(Published::max_reservations);
        LockGuard guard(slot->publish_lock, LW_SHARED);
        const Published& published = slot->published;
        ranks.assign(published.rank, published.rank + published.ranks);
        reservations.assign(published.reservation, published.reservation + published.reservations);
    }
    std::sort(ranks.begin(), ranks.end(), [](const auto& a, const auto& b) { return a.position < b.position; });
    std::vector<Datum> ranked, jobs, executors, starts;
    for (const PublishedRank& rank : ranks) ranked.push_back(Int64GetDatum(rank.job_id));
    for (const PublishedReservation& reservation : reservations) {
        jobs.push_back(Int64GetDatum(reservation.job_id));
        executors.push_back(Int32GetDatum(reservation.executor));
        starts.push_back(TimestampTzGetDatum(reservation.start));
    }
    Datum values[] = {bigints_datum(std::move(ranked)), bigints_datum(std::move(jobs)),
                      array_datum(std::move(executors), INT4OID, sizeof(int32), true, TYPALIGN_INT),
                      array_datum(std::move(starts), TIMESTAMPTZOID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)};
    bool nulls[4] = {};
    return call([&] {
        TupleDesc desc;
        if (get_call_result_type(fcinfo, nullptr, &desc) != TYPEFUNC_COMPOSITE)
            elog(ERROR, "return type must be a row type");
        return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
    });
}
