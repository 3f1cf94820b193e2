// What SQL asks of the schemas of typed jobs.
#include "payload_schema.hpp"

namespace rcq::pg {

namespace {

Jsonb* json_argument(FunctionCallInfo fcinfo, int i) {
    return call([&] { return PG_GETARG_JSONB_P(i); });
}

Datum text_result(const std::string& text) {
    return call([&] { return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size()))); });
}

} // namespace

} // namespace rcq::pg

// (schema) -> what is malformed in it; NULL when nothing is
RCQ_FUNCTION(rcq_check_schema) {
    using namespace rcq::pg;
    try {
        (void)PayloadSchema::parse(json_argument(fcinfo, 0));
    } catch (const SchemaError& error) {
        return text_result(error.what());
    }
    PG_RETURN_NULL();
}

// (schema, payload, max_bytes) -> the first violation; NULL when there is none
RCQ_FUNCTION(rcq_check_payload) {
    using namespace rcq::pg;
    try {
        const PayloadSchema schema = PayloadSchema::parse(json_argument(fcinfo, 0));
        if (const auto violation = payload_violation(schema, json_argument(fcinfo, 1), PG_GETARG_INT64(2)))
            return text_result(*violation);
    } catch (const SchemaError& error) {
        throw SqlError("22023", error.what());
    }
    PG_RETURN_NULL();
}
