#include "script_directives.hpp"

#include "../core/directives.hpp"
#include "../protocol/words.hpp"
#include "request_json.hpp"

namespace rcq::pg {

namespace {

request::Field field_of(std::string_view name) {
    int field = 0;
    while (field < request::fields && name != request::columns[field].name) field++;
    if (field == request::fields) throw std::logic_error("an option of a script is no field of a request");
    return static_cast<request::Field>(field);
}

// The value as it is in JSON, converted as in any other request.
Datum value_of(request::Field field, const std::string& json) {
    const std::string list = std::string("[{\"") + request::columns[field].name + "\":" + json + "}]";
    Jsonb* jobs = call([&] { return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(list.c_str()))); });
    return parse_requests(jobs, true).front()[field];
}

std::string written(request::Field field, Datum value) {
    const Oid type = request::columns[field].type;
    return call([&] {
        Oid output;
        bool varlena;
        getTypeOutputInfo(type, &output, &varlena);
        return OidOutputFunctionCall(output, value);
    });
}

bool may_have_directives(const Request& request) {
    return request.has(request::script) && !request.has(request::type) &&
           core::may_have_directives(request.string(request::script));
}

} // namespace

void apply_directives(Request& request, const Place& place) {
    if (!may_have_directives(request)) return;
    call([] { CHECK_FOR_INTERRUPTS(); });
    core::Directives directives;
    try {
        directives = core::read_directives(request.string(request::script));
    } catch (const core::DirectiveError& error) {
        throw SqlError(protocol::error::bad_request, place.text() + error.what(), error.hint());
    }
    Datum values[request::fields];
    bool nulls[request::fields];
    request.spread(values, nulls);
    for (const auto& [name, value] : directives.fields) {
        const request::Field field = field_of(name);
        if (!nulls[field]) continue;
        try {
            values[field] = value_of(field, value.json);
        } catch (const SqlError& error) { // of what the core does not look into: times
            throw SqlError(protocol::error::bad_request,
                           place.text() + core::place_in_script(value.line) + error.what(),
                           "Write a time as 2030-01-31T08:00:00Z, \"tomorrow 08:00\" or now+2h.");
        }
        nulls[field] = false;
    }
    request = Request(values, nulls);
}

std::string place_of_directive(const Request& request, std::string_view name) {
    if (!may_have_directives(request)) return {};
    core::Directives directives;
    try {
        directives = core::read_directives(request.string(request::script));
    } catch (const core::DirectiveError&) { // of a script that was submitted before there were directives
        return {};
    }
    const auto found = directives.fields.find(name);
    if (found == directives.fields.end()) return {};
    const request::Field field = field_of(name);
    if (!request.has(field) || written(field, request[field]) != written(field, value_of(field, found->second.json)))
        return {};
    return core::place_in_script(found->second.line);
}

} // namespace rcq::pg
