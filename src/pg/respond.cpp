#include "respond.hpp"

#include "../protocol/words.hpp"
#include "values.hpp"

extern "C" {
#include "catalog/pg_proc.h"
#include "utils/json.h"
#include "utils/syscache.h"
}

namespace rcq::pg {

namespace {

// Of the route that is being answered: what its handler said with set_status() and set_header().
struct Saying {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
};
Saying saying;

bool is_code(int sqlstate, std::string_view code) {
    return sqlstate == MAKE_SQLSTATE(code[0], code[1], code[2], code[3], code[4]);
}

bool is_class(int sqlstate, std::string_view two) {
    return ERRCODE_TO_CATEGORY(sqlstate) == MAKE_SQLSTATE(two[0], two[1], '0', '0', '0');
}

// "message. Hint.", of which an error may have any length. A hint for people who speak SQL is none for clients.
std::string sentence(std::string_view message, std::string_view hint) {
    constexpr int most = 2000;
    std::string text(message);
    if (!hint.empty() && hint.find("SELECT ") == std::string_view::npos)
        text += (text.ends_with('.') ? " " : ". ") + std::string(hint);
    if (text.size() > most) text.resize(pg_mbcliplen(text.data(), static_cast<int>(text.size()), most));
    return text;
}

Datum error_body(const std::string& text) {
    const char* message = text.c_str();
    return call([&] {
        StringInfoData body;
        initStringInfo(&body);
        appendStringInfoString(&body, "{\"error\": ");
        escape_json(&body, message);
        appendStringInfoChar(&body, '}');
        return PointerGetDatum(cstring_to_text_with_len(body.data, body.len));
    });
}

// How the log names the request: by the number that the web server gave it, when it looks like one.
std::string request_name() {
    const std::string id = request_header("x-request-id").value_or("");
    constexpr std::string_view allowed = "0123456789abcdefABCDEF-";
    if (!id.empty() && id.size() <= 64 && id.find_first_not_of(allowed) == std::string::npos) return "request " + id;
    return "process " + std::to_string(MyProcPid);
}

// rcq_rest.NAME, as which we were called, and the function that does its work: looked up every time, which the caches
// of the catalog make cheap, because the extension may have been dropped and made again since the last time.
struct Handler {
    const char* route;
    Oid function;
    Oid result; // jsonb, json or text
};

Handler find_handler(FunctionCallInfo fcinfo) {
    return call([&]() -> Handler {
        const char* route = get_func_name(fcinfo->flinfo->fn_oid);
        if (!route) elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
        Oid type = JSONBOID;
        const oidvector* arguments = buildoidvector(&type, 1);
        const Oid function =
            GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(psprintf("rest_%s", route)),
                            PointerGetDatum(arguments), ObjectIdGetDatum(get_namespace_oid("rcq_private", false)));
        if (!OidIsValid(function)) elog(ERROR, "route %s has no handler", route);
        return {route, function, get_func_rettype(function)};
    });
}

Datum call_handler(const Handler& handler, Jsonb* request) {
    return call([&] {
        FmgrInfo function;
        fmgr_info(handler.function, &function);
        LOCAL_FCINFO(handed, 1);
        InitFunctionCallInfoData(*handed, &function, 1, InvalidOid, nullptr, nullptr);
        handed->args[0] = {JsonbPGetDatum(request), false};
        const Datum result = FunctionCallInvoke(handed);
        if (handed->isnull) elog(ERROR, "the handler of route %s returned nothing", handler.route);
        if (handler.result != JSONBOID) return result;
        Jsonb* json = DatumGetJsonbP(result);
        return CStringGetTextDatum(JsonbToCString(nullptr, &json->root, VARSIZE(json)));
    });
}

// Whatever happened inside is undone, unless it is kept.
class Subtransaction {
public:
    Subtransaction() {
        call([&] {
            BeginInternalSubTransaction(nullptr);
            MemoryContextSwitchTo(context_);
        });
        open_ = true;
    }
    void keep() {
        open_ = false;
        call([&] {
            ReleaseCurrentSubTransaction();
            MemoryContextSwitchTo(context_);
            CurrentResourceOwner = owner_;
        });
    }
    void undo() {
        open_ = false;
        call([&] {
            RollbackAndReleaseCurrentSubTransaction();
            MemoryContextSwitchTo(context_);
            CurrentResourceOwner = owner_;
        });
    }
    bool open() const { return open_; }

private:
    const MemoryContext context_ = CurrentMemoryContext;
    const ResourceOwner owner_ = CurrentResourceOwner;
    bool open_ = false;
};

// For the rest of the transaction, where PostgREST looks for them.
void set_parameter(const char* name, const char* value) {
    call([&] { set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false); });
}

void say(const Saying& what) {
    set_parameter("response.status", std::to_string(what.status).c_str());
    const char* text = call([&] {
        StringInfoData list;
        initStringInfo(&list);
        for (const auto& [name, value] : what.headers) {
            appendStringInfoString(&list, list.len == 0 ? "[{" : ", {");
            escape_json(&list, name.c_str());
            appendStringInfoString(&list, ": ");
            escape_json(&list, value.c_str());
            appendStringInfoChar(&list, '}');
        }
        if (list.len > 0) appendStringInfoChar(&list, ']');
        return list.data;
    });
    set_parameter("response.headers", text);
}

// The answer to an error, and what the server's log says of it when it is not the client's.
Datum refuse(const char* route, int sqlstate, const char* message, const char* detail, const char* hint,
             const char* context) {
    std::optional<Problem> problem = problem_for_client(sqlstate, message, hint);
    if (!problem || problem->status >= 500) {
        const std::string id = request_name();
        if (!problem)
            problem = {500, "internal error; ask an administrator to look for " + id + " in the server's log"};
        call([&] {
            ereport(LOG_SERVER_ONLY,
                    (errcode(sqlstate), errmsg("rcq: %s to route \"%s\" failed: %s", id.c_str(), route, message),
                     *detail ? errdetail_internal("%s", detail) : 0, *hint ? errhint("%s", hint) : 0,
                     *context ? errcontext("%s", context) : 0));
        });
    }
    saying = Saying();
    saying.status = problem->status;
    if (problem->status == 429) saying.headers.emplace_back("Retry-After", "60");
    return error_body(problem->text);
}

// The web server throws away the body of every error, because PostgREST's tell of the database; ours comes in a header,
// too.
std::string one_line(Datum body) {
    std::string line = call([&] { return TextDatumGetCString(body); });
    for (char& c : line)
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    return line;
}

Datum answer(FunctionCallInfo fcinfo, Source source, bool as_text) {
    saying = Saying();
    const char* route = "";
    Datum result = 0;
    bool failed = false;
    Subtransaction subtransaction;
    try {
        const Handler handler = find_handler(fcinfo);
        route = handler.route;
        result = call_handler(handler, read_request(source, text_argument(fcinfo, 0)));
        subtransaction.keep();
    } catch (const PgError& e) {
        if (!subtransaction.open()) throw;
        subtransaction.undo();
        failed = true;
        result = refuse(route, e.sqlstate(), e.what(), e.detail(), e.hint(), e.context());
    } catch (const SqlError& e) {
        subtransaction.undo();
        failed = true;
        result = refuse(route, e.code(), e.what(), "", e.hint().c_str(), "");
    } catch (const std::exception& e) {
        subtransaction.undo();
        failed = true;
        result = refuse(route, ERRCODE_INTERNAL_ERROR, e.what(), "", "", "");
    }
    if (failed && as_text) saying.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
    if (saying.status >= 400) saying.headers.emplace_back("X-Rcq-Answer", one_line(result));
    say(saying);
    return result;
}

} // namespace

std::optional<Problem> problem_for_client(int sqlstate, std::string_view message, std::string_view hint) {
    using namespace protocol;
    const auto own = [&](int status) { return Problem{status, sentence(message, hint)}; };
    const auto is = [&](std::string_view code) { return is_code(sqlstate, code); };
    if (is(error::bad_request) || is_class(sqlstate, "22")) return own(400);
    if (is(error::not_found)) return own(404);
    if (is(error::wrong_state) || is(error::busy) || is(error::already_exists)) return own(409);
    if (is(error::not_permitted) || is(error::unknown_role)) return own(403);
    if (is(error::limit_reached)) return own(429);
    if (is("40001") || is("40P01") || is("55P03"))
        return Problem{409, "somebody else is changing the same at this moment. Try again."};
    if (is("42501")) return Problem{403, "you may not do this. Ask an administrator."};
    if (is("25006"))
        return Problem{403,
                       "this changes something, and your token may only read. Use a token of scope submit, or log in."};
    if (is("57014")) return Problem{503, "this took too long, or was cancelled. Ask for less, or try again later."};
    if (is_class(sqlstate, "53") || is_class(sqlstate, "57"))
        return Problem{503, "the database cannot do this now. Try again later."};
    return std::nullopt;
}

void set_status(int status) { saying.status = status; }

} // namespace rcq::pg

RCQ_FUNCTION(rcq_answer_body) { return rcq::pg::answer(fcinfo, rcq::pg::Source::body, false); }
RCQ_FUNCTION(rcq_answer_query) { return rcq::pg::answer(fcinfo, rcq::pg::Source::query, false); }
RCQ_FUNCTION(rcq_answer_text) { return rcq::pg::answer(fcinfo, rcq::pg::Source::query, true); }

RCQ_FUNCTION(rcq_set_status) {
    rcq::pg::set_status(PG_GETARG_INT32(0));
    PG_RETURN_VOID();
}

// (name, value); what could end the line of a header is refused.
RCQ_FUNCTION(rcq_set_header) {
    using namespace rcq::pg;
    const std::string name(text_argument(fcinfo, 0)), value(text_argument(fcinfo, 1));
    const auto printable = [](unsigned char c) { return c >= 0x20 && c < 0x7f; };
    if (name.empty() || !std::all_of(name.begin(), name.end(), printable) ||
        !std::all_of(value.begin(), value.end(), printable))
        throw SqlError("XX000", "a header is empty or has characters that no header may have");
    saying.headers.emplace_back(name, value);
    PG_RETURN_VOID();
}

// (status, message, seconds after which to try again) -> the answer
RCQ_FUNCTION(rcq_refuse) {
    using namespace rcq::pg;
    const std::string message(text_argument(fcinfo, 1));
    saying.status = PG_GETARG_INT32(0);
    if (!PG_ARGISNULL(2)) saying.headers.emplace_back("Retry-After", std::to_string(PG_GETARG_INT32(2)));
    const Datum body = error_body(message);
    return call([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(body))); });
}
