#include "request_input.hpp"

#include "../core/query_string.hpp"
#include "../protocol/words.hpp"
#include "values.hpp"

extern "C" {
#include "utils/datum.h"
}

namespace rcq::pg {

namespace {

[[noreturn]] void refuse(std::string message, std::string hint = {}) {
    throw SqlError(protocol::error::bad_request, std::move(message), std::move(hint));
}

// What a body may hold, however few bytes it has: as JSONB, and in the copies that are made of it on the way to a job,
// a value of two bytes takes several hundred.
constexpr std::size_t most_values = 500'000;

void check_values(std::string_view json) {
    if (core::count_json_values(json) <= most_values) return;
    refuse("the body has more than " + std::to_string(most_values) + " JSON values",
           "Send jobs in several requests, and what is large as one text or as the path of a file.");
}

// Text of the client, UTF-8, as the server writes it.
std::string_view server_text(std::string_view sent) {
    const char* text = call([&] { return pg_any_to_server(sent.data(), static_cast<int>(sent.size()), PG_UTF8); });
    return {text, text == sent.data() ? sent.size() : strlen(text)};
}

// What the parser leaves behind, several times what it gives, goes before anything is made of that. (After an error it
// goes with the context around it.)
Jsonb* parse_json(std::string_view text) {
    return call([&] {
        const MemoryContext parsing =
            AllocSetContextCreate(CurrentMemoryContext, "rcq request", ALLOCSET_DEFAULT_SIZES);
        const MemoryContext before = MemoryContextSwitchTo(parsing);
        char* copy = pnstrdup(text.data(), text.size());
        const Datum parsed = DirectFunctionCall1(jsonb_in, CStringGetDatum(copy));
        MemoryContextSwitchTo(before);
        const Datum json = datumCopy(parsed, false, -1);
        MemoryContextDelete(parsing);
        return DatumGetJsonbP(json);
    });
}

std::size_t count_members(Jsonb* json) {
    std::size_t members = 0;
    JsonbIterator* iterator = call([&] { return JsonbIteratorInit(&json->root); });
    JsonbValue item;
    JsonbIteratorToken token;
    while ((token = call([&] { return JsonbIteratorNext(&iterator, &item, false); })) != WJB_DONE)
        if (token == WJB_KEY) members++;
    return members;
}

Jsonb* read_body(std::string_view sent) {
    constexpr std::string_view space = " \t\r\n";
    std::string_view text = server_text(sent);
    if (text.find_first_not_of(space) == std::string_view::npos) text = "{}";
    check_values(text);
    Jsonb* json = parse_json(text);
    if (!JB_ROOT_IS_OBJECT(json)) refuse("the body is no JSON object", R"(Write it as {"name": value, ...}.)");
    // of fields with the same name, jsonb keeps the last one
    if (core::count_json_members(text) != count_members(json)) refuse("an object in the body names a field twice");
    return json;
}

Jsonb* read_query(std::string_view sent) {
    const auto parsed = core::parse_query(server_text(sent));
    if (const auto* fault = std::get_if<std::string>(&parsed)) refuse(*fault, "Write parameters as a=1&b=2.");
    JsonbParseState* state = nullptr;
    const auto push = [&](JsonbIteratorToken token, JsonbValue* value) {
        return call([&] { return pushJsonbValue(&state, token, value); });
    };
    const auto push_text = [&](JsonbIteratorToken token, const std::string& text) {
        const std::string_view bytes = server_text(text);
        JsonbValue value;
        value.type = jbvString;
        value.val.string.len = static_cast<int>(bytes.size());
        value.val.string.val = call([&] { return pnstrdup(bytes.data(), bytes.size()); });
        push(token, &value);
    };
    push(WJB_BEGIN_OBJECT, nullptr);
    for (const auto& [name, value] : std::get<core::QueryParameters>(parsed)) {
        push_text(WJB_KEY, name);
        push_text(WJB_VALUE, value);
    }
    JsonbValue* object = push(WJB_END_OBJECT, nullptr);
    return call([&] { return JsonbValueToJsonb(object); });
}

Jsonb* merge(Jsonb* request, Jsonb* path) {
    JsonbIterator* iterator = call([&] { return JsonbIteratorInit(&path->root); });
    JsonbValue item, found;
    JsonbIteratorToken token;
    while ((token = call([&] { return JsonbIteratorNext(&iterator, &item, true); })) != WJB_DONE) {
        if (token != WJB_KEY) continue;
        const std::string name(item.val.string.val, static_cast<std::size_t>(item.val.string.len));
        if (call([&] {
                return getKeyJsonValueFromContainer(&request->root, item.val.string.val, item.val.string.len, &found) !=
                       nullptr;
            }))
            refuse(name + " stands in the path already", "Leave it out.");
    }
    return call([&] {
        return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(request), JsonbPGetDatum(path)));
    });
}

Jsonb* read(Source source, std::string_view sent) {
    Jsonb* request = source == Source::body ? read_body(sent) : read_query(sent);
    if (const auto path = request_header("x-rcq-path"); path && !path->empty())
        request = merge(request, read_query(*path));
    return request;
}

using Headers = std::map<std::string, std::string, std::less<>>;

Headers read_headers(std::string_view text) {
    Headers headers;
    Jsonb* json = parse_json(text);
    if (!JB_ROOT_IS_OBJECT(json)) return headers;
    const auto as_string = [](const JsonbValue& value) {
        return std::string(value.val.string.val, static_cast<std::size_t>(value.val.string.len));
    };
    JsonbIterator* iterator = call([&] { return JsonbIteratorInit(&json->root); });
    JsonbValue item;
    JsonbIteratorToken token;
    std::string name;
    while ((token = call([&] { return JsonbIteratorNext(&iterator, &item, true); })) != WJB_DONE)
        if (token == WJB_KEY)
            name = as_string(item);
        else if (token == WJB_VALUE && item.type == jbvString)
            headers[name] = as_string(item);
    return headers;
}

} // namespace

Jsonb* read_request(Source source, std::string_view sent) {
    try {
        return read(source, sent);
    } catch (const PgError& e) {
        const std::string detail = *e.detail() ? e.detail() : e.what();
        switch (e.sqlstate()) {
        case ERRCODE_CHARACTER_NOT_IN_REPERTOIRE:
            refuse(std::string("the request is not written in UTF-8, or has a NUL in it: ") + e.what());
        case ERRCODE_UNTRANSLATABLE_CHARACTER:
            refuse("the request has a character that cannot be stored: " + detail);
        case ERRCODE_STATEMENT_TOO_COMPLEX:
            refuse("the body is nested too deeply");
        case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
            refuse(std::string("a value in the request is too long: ") + e.what());
        default:
            if (ERRCODE_TO_CATEGORY(e.sqlstate()) == ERRCODE_DATA_EXCEPTION)
                refuse("the body is no valid JSON: " + detail);
            throw;
        }
    }
}

std::optional<std::string> request_header(std::string_view name) {
    const char* session = call([] { return GetUserNameFromId(GetSessionUserId(), true); });
    if (!session || session != std::string_view("rcq_authenticator")) return std::nullopt;
    const char* text = call([] { return GetConfigOption("request.headers", true, false); });
    if (!text || !*text) return std::nullopt; // '' once a request of this session has had some
    static std::string read;
    static Headers headers; // that `read` says
    if (read != text) {
        headers = read_headers(text);
        read = text;
    }
    const auto found = headers.find(name);
    if (found == headers.end()) return std::nullopt;
    return found->second;
}

} // namespace rcq::pg

RCQ_FUNCTION(rcq_request_header) {
    using namespace rcq::pg;
    const auto value = request_header(text_argument(fcinfo, 0));
    if (!value) PG_RETURN_NULL();
    return text_datum(*value);
}

// (body) -> true. Error RC001 when it holds too much to be made JSONB.
RCQ_FUNCTION(rcq_check_body) {
    rcq::pg::check_values(rcq::pg::text_argument(fcinfo, 0));
    PG_RETURN_BOOL(true);
}
