// SQL functions that submit jobs.
#include "../protocol/words.hpp"
#include "arrays.hpp"
#include "request_json.hpp"
#include "script_directives.hpp"
#include "submission.hpp"
#include "values.hpp"

#include <array>

extern "C" {
#include "utils/typcache.h"
}

namespace rcq::pg {

namespace {

// Of the value of an argument, which may be a number of any size where the field is a float.
Datum field_value(Datum argument, request::Field field) {
    if (request::columns[field].type != FLOAT8OID) return argument;
    return float_of(call([&] { return DatumGetNumeric(argument); }));
}

// The request whose field at each place is the argument at the same place; a field `fields` is none.
Request request_of_arguments(FunctionCallInfo fcinfo, std::span<const request::Field> places) {
    require_arguments(fcinfo, static_cast<int>(places.size()));
    Datum values[request::fields];
    bool nulls[request::fields];
    std::fill_n(nulls, int{request::fields}, true);
    for (std::size_t k = 0; k < places.size(); k++) {
        const auto argument = static_cast<int>(k);
        if (PG_ARGISNULL(argument)) continue;
        nulls[places[k]] = false;
        values[places[k]] = field_value(PG_GETARG_DATUM(argument), places[k]);
    }
    return {values, nulls};
}

int64 submit_one(Request request) {
    apply_directives(request, {});
    Submission submission;
    submission.requests.push_back(request);
    return enqueue_acting(submission).front();
}

// The result of a function that returns a set of ids. It is not to be spilled to disk on its way.
Datum ids_result(FunctionCallInfo fcinfo, const std::vector<int64>& ids) {
    constexpr int kilobytes = 256 * 1024;
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    const int64* first = ids.data();
    const std::size_t count = ids.size();
    call([&] {
        if (!result || !IsA(result, ReturnSetInfo) || !(result->allowedModes & SFRM_Materialize))
            elog(ERROR, "a set of ids is returned where none is wanted");
        const MemoryContext before = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
        result->returnMode = SFRM_Materialize;
        result->setDesc = CreateTupleDescCopy(result->expectedDesc);
        result->setResult =
            tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0, false, kilobytes);
        MemoryContextSwitchTo(before);
        bool null = false;
        for (std::size_t k = 0; k < count; k++) {
            Datum id = Int64GetDatum(first[k]);
            tuplestore_putvalues(result->setResult, result->setDesc, &id, &null);
        }
    });
    return Datum{0};
}

// Of an array of rcq_private.edge.
std::vector<Edge> edges_of(Datum array) {
    const Elements elements = elements_of(array);
    std::vector<Edge> edges;
    edges.reserve(static_cast<std::size_t>(elements.count));
    for (int k = 0; k < elements.count; k++) {
        struct Plain {
            int32 job, on;
            const char* kind;
        };
        if (elements.nulls[k]) throw SqlError("22004", "an edge is NULL");
        const Plain edge = call([&] {
            HeapTupleHeader row = DatumGetHeapTupleHeader(elements.data[k]);
            bool null[3];
            const Datum job = GetAttributeByName(row, "job_place", &null[0]);
            const Datum on = GetAttributeByName(row, "on_place", &null[1]);
            const Datum kind = GetAttributeByName(row, "kind", &null[2]);
            return Plain{null[0] ? 0 : DatumGetInt32(job), null[1] ? 0 : DatumGetInt32(on),
                         null[2] ? "" : TextDatumGetCString(kind)};
        });
        edges.push_back({edge.job, edge.on, edge.kind});
    }
    return edges;
}

// Of a row of rcq_private.users.
Submitter submitter_of(Datum row) {
    struct Found {
        int32 value;
        bool null;
    };
    const auto attribute = [&](const char* name) {
        return call([&] {
            Found found;
            const Datum value = GetAttributeByName(DatumGetHeapTupleHeader(row), name, &found.null);
            found.value = DatumGetInt32(value);
            return found;
        });
    };
    Submitter submitter;
    submitter.user_id = attribute("id").value;
    submitter.group_id = attribute("group_id").value;
    submitter.max_priority = static_cast<int16>(attribute("max_priority").value);
    if (const Found most = attribute("max_pending"); !most.null) submitter.max_pending = most.value;
    return submitter;
}

} // namespace

} // namespace rcq::pg

// The arguments are the fields of a request up to retry_memory_factor, in their order.
RCQ_FUNCTION(rcq_submit) {
    using namespace rcq::pg;
    static constexpr auto places = [] {
        std::array<request::Field, request::type> all{};
        for (int k = 0; k < request::type; k++) all[static_cast<std::size_t>(k)] = static_cast<request::Field>(k);
        return all;
    }();
    PG_RETURN_INT64(submit_one(request_of_arguments(fcinfo, places)));
}

// The same with type and payload in front, and without script and array.
RCQ_FUNCTION(rcq_submit_task) {
    using namespace rcq::pg;
    static const auto places = [] {
        std::vector<request::Field> some{request::type, request::payload};
        for (int k = 0; k < request::type; k++)
            if (k != request::script && k != request::array) some.push_back(static_cast<request::Field>(k));
        return some;
    }();
    if (PG_ARGISNULL(0))
        throw SqlError(rcq::protocol::error::bad_request, "type is NULL",
                       "Name one of the types in the view rcq.types.");
    PG_RETURN_INT64(submit_one(request_of_arguments(fcinfo, places)));
}

// (jobs) -> ids
RCQ_FUNCTION(rcq_submit_many) {
    using namespace rcq::pg;
    if (PG_ARGISNULL(0)) refuse_no_list();
    Submission submission;
    submission.requests = parse_requests(call([&] { return PG_GETARG_JSONB_P(0); }), false);
    return ids_result(fcinfo, enqueue_acting(submission));
}

// (jobs, single) -> requests; NULL when there are none
RCQ_FUNCTION(rcq_parse_requests) {
    using namespace rcq::pg;
    if (PG_ARGISNULL(0)) refuse_no_list();
    const std::vector<Request> requests =
        parse_requests(call([&] { return PG_GETARG_JSONB_P(0); }), !PG_ARGISNULL(1) && PG_GETARG_BOOL(1));
    if (requests.empty()) PG_RETURN_NULL();
    return requests_datum(requests);
}

// (requests) -> the same with what the directives of their scripts add
RCQ_FUNCTION(rcq_with_directives) {
    using namespace rcq::pg;
    std::vector<Request> requests = requests_of(PG_GETARG_DATUM(0));
    for (std::size_t k = 0; k < requests.size(); k++)
        apply_directives(requests[k], {requests.size() > 1 ? static_cast<int64>(k) + 1 : 0, false});
    return requests_datum(requests);
}

// (requests, edges or NULL) -> ids
RCQ_FUNCTION(rcq_enqueue) {
    using namespace rcq::pg;
    Submission submission;
    if (!PG_ARGISNULL(0)) submission.requests = requests_of(PG_GETARG_DATUM(0));
    if (!PG_ARGISNULL(1)) submission.edges = edges_of(PG_GETARG_DATUM(1));
    return ids_result(fcinfo, enqueue_acting(submission));
}

// (user, requests, schedule or NULL, edges or NULL) -> ids
RCQ_FUNCTION(rcq_enqueue_for) {
    using namespace rcq::pg;
    if (PG_ARGISNULL(0)) throw SqlError("22004", "nobody is said to submit");
    Submission submission;
    submission.submitter = submitter_of(PG_GETARG_DATUM(0));
    if (!PG_ARGISNULL(1)) submission.requests = requests_of(PG_GETARG_DATUM(1));
    if (!PG_ARGISNULL(2)) submission.schedule = PG_GETARG_INT32(2);
    if (!PG_ARGISNULL(3)) submission.edges = edges_of(PG_GETARG_DATUM(3));
    return ids_result(fcinfo, enqueue(submission));
}
