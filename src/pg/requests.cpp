#include "requests.hpp"

#include "arrays.hpp"
#include "relations.hpp"
#include "values.hpp"

extern "C" {
#include "utils/float.h"
#include "utils/numeric.h"
#include "utils/typcache.h"
}

namespace rcq::pg {

namespace request {

constexpr char text_only[] = "string", number[] = "number", truth[] = "boolean", object[] = "object",
               array_only[] = "array", span_of_time[] = "string or number",
               anything[] = "object, array, string, number or boolean";

const Column columns[fields] = {
    {"script", TEXTOID, text_only},
    {"cpu_cores", INT4OID, number},
    {"memory_gb", FLOAT8OID, number},
    {"gpu_count", INT4OID, number},
    {"estimated_hours", FLOAT8OID, number},
    {"time_limit", INTERVALOID, span_of_time},
    {"priority", INT4OID, number},
    {"max_retries", INT4OID, number},
    {"name", TEXTOID, text_only},
    {"workdir", TEXTOID, text_only},
    {"env", JSONBOID, object},
    {"features", TEXTARRAYOID, array_only},
    {"hold", BOOLOID, truth},
    {"requeue", BOOLOID, truth},
    {"on_disconnect", TEXTOID, text_only},
    {"cpu_cores_min", INT4OID, number},
    {"gpu_type", TEXTOID, text_only},
    {"constraints", TEXTOID, text_only},
    {"consumables", JSONBOID, object},
    {"exclusive", BOOLOID, truth},
    {"preemptible", BOOLOID, truth},
    {"concurrency_key", TEXTOID, text_only},
    {"array", TEXTOID, text_only},
    {"depends_on", TEXTOID, text_only},
    {"begin_time", TIMESTAMPTZOID, text_only},
    {"deadline", TIMESTAMPTZOID, text_only},
    {"idempotency_key", TEXTOID, text_only},
    {"project", TEXTOID, text_only},
    {"tags", TEXTARRAYOID, array_only},
    {"external_id", UUIDOID, text_only},
    {"on_dependency_failed", TEXTOID, text_only},
    {"retry_on", TEXTARRAYOID, array_only},
    {"retry_delay", INTERVALOID, span_of_time},
    {"retry_backoff", TEXTOID, text_only},
    {"retry_max_delay", INTERVALOID, span_of_time},
    {"retry_jitter", FLOAT8OID, number},
    {"retry_memory_factor", FLOAT8OID, number},
    {"type", TEXTOID, text_only},
    {"payload", JSONBOID, anything},
};

} // namespace request

Request::Request(const Datum* values, const bool* nulls) {
    int count = 0;
    for (int field = 0; field < request::fields; field++) count += !nulls[field];
    values_ = call([&] { return static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(std::max(count, 1)))); });
    count = 0;
    for (int field = 0; field < request::fields; field++) {
        if (nulls[field]) continue;
        given_ |= request::bit(static_cast<request::Field>(field));
        values_[count++] = values[field];
    }
}

std::string_view Request::string(request::Field field) const {
    Datum& value = at(field);
    const auto* found = reinterpret_cast<const text*>(DatumGetPointer(value));
    if (VARATT_IS_EXTENDED(found) && !VARATT_IS_SHORT(found)) {
        found = call([&] { return DatumGetTextPP(value); });
        value = PointerGetDatum(found);
    }
    return {VARDATA_ANY(found), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(found))};
}

void Request::spread(Datum* values, bool* nulls) const {
    int count = 0;
    for (int field = 0; field < request::fields; field++) {
        nulls[field] = !has(static_cast<request::Field>(field));
        values[field] = nulls[field] ? Datum(0) : values_[count++];
    }
}

Datum float_of(Numeric number) {
    constexpr double greatest = 1e15;
    return call([&] {
        const bool special = numeric_is_nan(number) || numeric_is_inf(number); // these have no scale
        if (!special && DatumGetInt32(DirectFunctionCall1(numeric_scale, NumericGetDatum(number))) == 0) {
            bool too_large = false;
            const int32 whole = numeric_int4_opt_error(number, &too_large);
            if (!too_large) return Float8GetDatum(whole);
        }
        const double value = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(number)));
        if (value < -greatest) return Float8GetDatum(-get_float8_infinity());
        if (!(value <= greatest)) return Float8GetDatum(get_float8_infinity()); // NaN, too
        return Float8GetDatum(value);
    });
}

namespace {

Oid request_type() {
    return call([] { return get_rel_type_id(relation_id("request")); });
}

TupleDesc request_columns(Oid type) {
    const TupleDesc desc = call([&] { return lookup_rowtype_tupdesc_copy(type, -1); });
    if (desc->natts != request::fields) refuse_old_sql();
    return desc;
}

} // namespace

Oid requests_type() {
    const Oid type = request_type();
    return call([&] { return get_array_type(type); });
}

std::vector<Request> requests_of(Datum array) {
    const Oid type = request_type();
    const TupleDesc desc = request_columns(type);
    const Elements elements = elements_of(array);
    std::vector<Request> requests;
    requests.reserve(static_cast<std::size_t>(elements.count));
    for (int k = 0; k < elements.count; k++) {
        Datum values[request::fields];
        bool nulls[request::fields];
        std::fill_n(nulls, int{request::fields}, true);
        if (!elements.nulls[k])
            call([&] {
                HeapTupleHeader header = DatumGetHeapTupleHeader(elements.data[k]);
                HeapTupleData tuple;
                tuple.t_len = HeapTupleHeaderGetDatumLength(header);
                ItemPointerSetInvalid(&tuple.t_self);
                tuple.t_tableOid = InvalidOid;
                tuple.t_data = header;
                heap_deform_tuple(&tuple, desc, values, nulls);
            });
        requests.emplace_back(values, nulls);
    }
    return requests;
}

Datum requests_datum(std::span<const Request> requests) {
    const Oid type = request_type();
    const TupleDesc desc = request_columns(type);
    auto* rows = call([&] {
        return static_cast<Datum*>(
            palloc_extended(sizeof(Datum) * std::max<Size>(requests.size(), 1), MCXT_ALLOC_HUGE));
    });
    for (std::size_t k = 0; k < requests.size(); k++) {
        Datum values[request::fields];
        bool nulls[request::fields];
        requests[k].spread(values, nulls);
        rows[k] = call([&] { return heap_copy_tuple_as_datum(heap_form_tuple(desc, values, nulls), desc); });
    }
    return call([&] {
        return PointerGetDatum(
            construct_array(rows, static_cast<int>(requests.size()), type, -1, false, TYPALIGN_DOUBLE));
    });
}

} // namespace rcq::pg
