#include "request_json.hpp"

#include "../protocol/words.hpp"
#include "script_directives.hpp"
#include "values.hpp"

#include <array>

extern "C" {
#include "utils/numeric.h"
}

namespace rcq::pg {

namespace {

constexpr char hint[] =
    "Fields are the arguments of rcq.submit under their names: texts, numbers, booleans; intervals as \"4h\" or "
    "seconds, times as \"2030-01-31T08:00:00Z\", env and consumables as objects, features, tags and retry_on as arrays "
    "of texts.";

// What was found to be wrong with an element, before any of its values was converted.
struct Fault {
    enum class Kind { none, no_object, unknown_field, wrong_type } kind = Kind::none;
    const char* name = nullptr; // of the field
    int length = 0;
    const char* expected = nullptr;
};

struct Element {
    Datum values[request::fields];
    bool nulls[request::fields];
    int converting = 0; // the field whose value is being converted
};

int compare_names(const char* a, int a_length, const char* b, int b_length) {
    return a_length != b_length ? a_length - b_length : memcmp(a, b, static_cast<std::size_t>(a_length));
}

struct Known {
    const char* name;
    int length;
    request::Field field;
};

// All fields in the order in which JSONB keeps the keys of an object.
const Known* known_fields() {
    static const auto sorted = [] {
        std::array<Known, request::fields> known;
        for (int field = 0; field < request::fields; field++)
            known[static_cast<std::size_t>(field)] = {request::columns[field].name,
                                                      static_cast<int>(strlen(request::columns[field].name)),
                                                      static_cast<request::Field>(field)};
        std::sort(known.begin(), known.end(),
                  [](const Known& a, const Known& b) { return compare_names(a.name, a.length, b.name, b.length) < 0; });
        return known;
    }();
    return sorted.data();
}

const char* json_type(const JsonbValue& value) {
    switch (value.type) {
    case jbvString:
        return "string";
    case jbvNumeric:
        return "number";
    case jbvBool:
        return "boolean";
    case jbvBinary:
        return JsonContainerIsObject(value.val.binary.data) ? "object" : "array";
    default:
        return "null";
    }
}

// From here to read_element(): behind the guard.

char* text_of(const JsonbValue& value) {
    switch (value.type) {
    case jbvString:
        return pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len));
    case jbvNumeric:
        return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
    case jbvBool:
        return pstrdup(value.val.boolean ? "true" : "false");
    default:
        ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("an array of texts is wanted")));
    }
    pg_unreachable();
}

bool is_small(Numeric number, int32& value) {
    if (DatumGetInt32(DirectFunctionCall1(numeric_scale, NumericGetDatum(number))) != 0) return false;
    bool too_large = false;
    value = numeric_int4_opt_error(number, &too_large);
    return !too_large;
}

Datum texts_of_array(JsonbContainer* array) {
    const auto most = static_cast<Size>(JsonContainerSize(array));
    if (most == 0) return PointerGetDatum(construct_empty_array(TEXTOID));
    auto* texts = static_cast<Datum*>(palloc(sizeof(Datum) * most));
    auto* nulls = static_cast<bool*>(palloc(sizeof(bool) * most));
    int count = 0;
    JsonbIterator* iterator = JsonbIteratorInit(array);
    JsonbValue value;
    for (;;) {
        const JsonbIteratorToken token = JsonbIteratorNext(&iterator, &value, true);
        if (token == WJB_DONE) break;
        if (token != WJB_ELEM) continue;
        nulls[count] = value.type == jbvNull;
        texts[count] = nulls[count] ? Datum(0) : CStringGetTextDatum(text_of(value));
        count++;
    }
    int lower = 1;
    return PointerGetDatum(construct_md_array(texts, nulls, 1, &count, &lower, TEXTOID, -1, false, TYPALIGN_INT));
}

// A time, also as one from now: "now+2h".
Datum time_of(const JsonbValue& value) {
    constexpr char from_now[] = "now+";
    const char* written = text_of(value);
    if (strncmp(written, from_now, strlen(from_now)) != 0)
        return DirectFunctionCall3(timestamptz_in, CStringGetDatum(written), ObjectIdGetDatum(InvalidOid),
                                   Int32GetDatum(-1));
    const Datum interval = DirectFunctionCall3(interval_in, CStringGetDatum(written + strlen(from_now)),
                                               ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
    return DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(GetCurrentTimestamp()), interval);
}

Datum converted(JsonbValue& value, Oid type) {
    int32 small;
    switch (type) {
    case TEXTOID:
        return PointerGetDatum(cstring_to_text_with_len(value.val.string.val, value.val.string.len));
    case BOOLOID:
        return BoolGetDatum(value.val.boolean);
    case INT4OID:
        if (is_small(value.val.numeric, small)) return Int32GetDatum(small);
        return DirectFunctionCall1(int4in, CStringGetDatum(text_of(value)));
    case FLOAT8OID:
        if (is_small(value.val.numeric, small)) return Float8GetDatum(small);
        return DirectFunctionCall1(numeric_float8, NumericGetDatum(value.val.numeric));
    case TEXTARRAYOID:
        return texts_of_array(value.val.binary.data);
    case JSONBOID:
        return JsonbPGetDatum(JsonbValueToJsonb(&value));
    case TIMESTAMPTZOID:
        return time_of(value);
    default:
        Oid input, parameter;
        getTypeInputInfo(type, &input, &parameter);
        return OidInputFunctionCall(input, text_of(value), parameter, -1);
    }
}

// convert: also fills values and nulls of the element.
Fault read_element(JsonbValue& object, const Known* known, bool convert, Element& element) {
    if (object.type != jbvBinary || !JsonContainerIsObject(object.val.binary.data))
        return {Fault::Kind::no_object, nullptr, 0, nullptr};
    if (convert) memset(element.nulls, true, sizeof element.nulls);
    JsonbIterator* iterator = JsonbIteratorInit(object.val.binary.data);
    JsonbValue item;
    int at = 0; // keys ascend as the known ones do
    for (;;) {
        const JsonbIteratorToken token = JsonbIteratorNext(&iterator, &item, true);
        if (token == WJB_DONE) return {};
        if (token == WJB_KEY) {
            const char* name = item.val.string.val;
            const int length = item.val.string.len;
            int order = -1;
            while (at < request::fields && (order = compare_names(known[at].name, known[at].length, name, length)) < 0)
                at++;
            if (at == request::fields || order != 0) return {Fault::Kind::unknown_field, name, length, nullptr};
        } else if (token == WJB_VALUE && item.type != jbvNull) {
            const request::Field field = known[at].field;
            const request::Column& column = request::columns[field];
            if (!strstr(column.expected, json_type(item)))
                return {Fault::Kind::wrong_type, known[at].name, known[at].length, column.expected};
            if (!convert) continue;
            element.converting = field;
            element.values[field] = converted(item, column.type);
            element.nulls[field] = false;
        }
    }
}

[[noreturn]] void refuse(const Fault& fault, std::size_t place, bool single) {
    constexpr int shown = 100;
    std::string name;
    if (fault.name)
        name.assign(fault.name,
                    static_cast<std::size_t>(call([&] { return pg_mbcharcliplen(fault.name, fault.length, shown); })));
    const std::string job = single ? std::string() : "job " + std::to_string(place) + " of the list";
    switch (fault.kind) {
    case Fault::Kind::unknown_field:
        throw SqlError(protocol::error::bad_request,
                       (single ? "a job has no field \"" : job + " has an unknown field \"") + name + "\"", hint);
    case Fault::Kind::wrong_type:
        throw SqlError(protocol::error::bad_request,
                       job + (single ? "" : ": ") + name + " is not of type " + fault.expected, hint);
    default:
        throw SqlError(protocol::error::bad_request, (single ? "the job" : job) + " is not an object", hint);
    }
}

// Calls `each` with every element of the array and its place, counted from 1; an object is its own only element.
template <class Each> void for_elements(Jsonb* jobs, Each each) {
    if (JB_ROOT_IS_OBJECT(jobs)) {
        JsonbValue whole;
        whole.type = jbvBinary;
        whole.val.binary.data = &jobs->root;
        whole.val.binary.len = static_cast<int>(VARSIZE_ANY_EXHDR(jobs));
        return each(whole, std::size_t{1});
    }
    JsonbIterator* iterator = call([&] { return JsonbIteratorInit(&jobs->root); });
    JsonbValue value;
    for (std::size_t place = 0;;) {
        const JsonbIteratorToken token = call([&] { return JsonbIteratorNext(&iterator, &value, true); });
        if (token == WJB_DONE) return;
        if (token == WJB_ELEM) each(value, ++place);
    }
}

// A value could not be converted; a fault that shows without that comes first.
[[noreturn]] void refuse_value(const PgError& error, Jsonb* jobs, bool single, int field) {
    if (ERRCODE_TO_CATEGORY(error.sqlstate()) != ERRCODE_DATA_EXCEPTION) throw error;
    Element unused;
    for_elements(jobs, [&](JsonbValue& value, std::size_t place) {
        const Fault fault = call([&] { return read_element(value, known_fields(), false, unused); });
        if (fault.kind != Fault::Kind::none) refuse(fault, place, single);
    });
    throw SqlError(protocol::error::bad_request,
                   std::string(single ? request::columns[field].name : "a field of a job") +
                       " has the wrong type: " + error.what(),
                   hint);
}

} // namespace

void refuse_no_list() {
    throw SqlError(protocol::error::bad_request, "jobs is not a JSON array",
                   R"(Write it as [{"script": "...", "cpu_cores": 1}, ...].)");
}

std::vector<Request> parse_requests(Jsonb* jobs, bool single) {
    const bool alone = single && JB_ROOT_IS_OBJECT(jobs);
    if (!alone && (!JB_ROOT_IS_ARRAY(jobs) || JB_ROOT_IS_SCALAR(jobs))) refuse_no_list();
    const Known* const known = known_fields();
    std::vector<Request> requests;
    requests.reserve(alone ? 1 : JB_ROOT_COUNT(jobs));
    Element element;
    try {
        for_elements(jobs, [&](JsonbValue& value, std::size_t place) {
            const Fault fault = call([&] { return read_element(value, known, true, element); });
            if (fault.kind != Fault::Kind::none) refuse(fault, place, single);
            requests.emplace_back(element.values, element.nulls);
            apply_directives(requests.back(), {single ? 0 : static_cast<int64>(place), false});
        });
    } catch (const PgError& error) {
        refuse_value(error, jobs, single, element.converting);
    }
    return requests;
}

} // namespace rcq::pg
