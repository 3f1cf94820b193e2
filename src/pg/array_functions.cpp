// What SQL asks of the tasks of an array: src/core/array_spec.
#include "../core/array_spec.hpp"

#include "../protocol/words.hpp"
#include "values.hpp"

namespace rcq::pg {

namespace {

[[noreturn]] void fail(const core::ArraySpecError& error) {
    throw SqlError(error.kind == core::ArraySpecError::Kind::no_such_task ? protocol::error::not_found
                                                                          : protocol::error::bad_request,
                   error.message, error.hint);
}

core::ArraySpec array_argument(FunctionCallInfo fcinfo) {
    auto parsed = core::ArraySpec::parse(text_argument(fcinfo, 0));
    if (const auto* error = std::get_if<core::ArraySpecError>(&parsed)) fail(*error);
    return std::get<core::ArraySpec>(std::move(parsed));
}

} // namespace

} // namespace rcq::pg

// (array) -> (canonical text without the throttle, size, throttle or NULL)
RCQ_FUNCTION(rcq_array_spec) {
    using namespace rcq;
    using namespace rcq::pg;
    const core::ArraySpec spec = array_argument(fcinfo);
    const TupleDesc desc = result_type(fcinfo);
    Datum values[3] = {text_datum(spec.text()), Int32GetDatum(spec.size()), Int32GetDatum(spec.throttle().value_or(0))};
    bool nulls[3] = {false, false, !spec.throttle()};
    return call([&] { return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)); });
}

// (array, position) -> index of the task; NULL when the array has no such position
RCQ_FUNCTION(rcq_array_index) {
    using namespace rcq::pg;
    const rcq::core::ArraySpec spec = array_argument(fcinfo);
    const int32 position = PG_GETARG_INT32(1);
    if (position < 0 || position >= spec.size()) PG_RETURN_NULL();
    PG_RETURN_INT32(spec.index_of(position));
}

// (array, selection) -> text of an int4multirange of positions
RCQ_FUNCTION(rcq_array_positions) {
    using namespace rcq;
    using namespace rcq::pg;
    const auto selected = array_argument(fcinfo).select(text_argument(fcinfo, 1));
    if (const auto* error = std::get_if<core::ArraySpecError>(&selected)) fail(*error);
    std::string text = "{";
    for (const core::PositionRange& range : std::get<std::vector<core::PositionRange>>(selected)) {
        if (text.size() > 1) text += ',';
        text += '[' + std::to_string(range.from) + ',' + std::to_string(range.until) + ')';
    }
    return text_datum(text + '}');
}
