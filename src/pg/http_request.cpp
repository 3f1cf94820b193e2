#include "http_request.hpp"

#include "../protocol/words.hpp"
#include "http_counters.hpp"
#include "json.hpp"
#include "rate_limits.hpp"
#include "relations.hpp"
#include "request_input.hpp"
#include "spi.hpp"
#include "values.hpp"

extern "C" {
#include "utils/json.h"
}

namespace rcq::pg {

namespace {

// What a token is good for: that of a login for everything its user may do, an API token for what it was made for.
enum class Scope { none, login, read, submit, admin, metrics };

constexpr std::pair<Scope, const char*> scope_names[] = {{Scope::login, "login"},
                                                         {Scope::read, "read"},
                                                         {Scope::submit, "submit"},
                                                         {Scope::admin, "admin"},
                                                         {Scope::metrics, "metrics"}};

constexpr char metrics_path[] = "/rpc/may_read_metrics";

// Of the current transaction; plain data, because it is looked at when a transaction ends.
struct Request {
    bool noted = false;
    Scope scope = Scope::none; // none: sent without a token
    Caller caller{0, false};
    int refused = 0; // the status of our refusal
    char route[NAMEDATALEN] = "";
};
Request request;

// What a token says, as far as it is of the right kind.
struct Claims {
    std::optional<int32> user_id, token_version, secret_version;
    std::optional<double> expires;
    std::string jti;
};

// What the tables say about it.
struct Facts {
    bool user_found = false, is_admin = false, version_valid = false, secret_valid = false;
    bool token_found = false, token_revoked = false, token_expired = false;
    std::string disabled, scope;
    int rate = 0;              // requests per minute
    int statement_timeout = 0; // ms
};

struct Refusal {
    int status;
    std::string_view code;
    std::string message, hint;
    int retry_after = 0; // s
};

const char* parameter(const char* name) {
    const char* value = call([&] { return GetConfigOption(name, true, false); });
    return value ? value : "";
}

bool is_role(Oid id, std::initializer_list<std::string_view> names) {
    const char* name = call([&] { return GetUserNameFromId(id, true); });
    return name && std::find(names.begin(), names.end(), name) != names.end();
}

// Runs at the end of every transaction of a backend that ever served a request; must not fail. The parameters of the
// transaction are reset after it.
extern "C" void at_request_end(XactEvent event, void*) {
    if (!request.noted) return;
    if (event == XACT_EVENT_COMMIT) {
        const char* status = GetConfigOption("response.status", true, false);
        count_request(request.route, status && *status ? atoi(status) : 200);
    } else if (event == XACT_EVENT_ABORT)
        count_request(request.route, request.refused);
    else if (event != XACT_EVENT_PREPARE)
        return;
    request = Request();
}

// The last part of the path that PostgREST was asked for.
void note_request() {
    static bool registered = false;
    if (!registered) call([] { RegisterXactCallback(at_request_end, nullptr); });
    registered = true;
    request = Request();
    request.noted = true;
    const std::string_view path = parameter("request.path");
    path.substr(path.rfind('/') + 1).copy(request.route, sizeof request.route - 1);
}

std::optional<int32> whole(const JsonbValue& value) {
    const std::optional<double> number = json_number(value);
    if (!number || *number != std::floor(*number) || *number < 1 || *number > PG_INT32_MAX) return std::nullopt;
    return static_cast<int32>(*number);
}

Claims read_claims() {
    Claims claims;
    const char* text = parameter("request.jwt.claims"); // '' once a request of this session has had some
    if (!*text) return claims;
    Jsonb* json = call([&] { return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text))); });
    if (!JB_ROOT_IS_OBJECT(json)) return claims;
    JsonbValue value;
    const auto has = [&](std::string_view name) {
        return call([&] {
            return getKeyJsonValueFromContainer(&json->root, name.data(), static_cast<int>(name.size()), &value) !=
                   nullptr;
        });
    };
    if (has("user_id")) claims.user_id = whole(value);
    if (has("tv")) claims.token_version = whole(value);
    claims.secret_version = has("sv") ? whole(value) : 1;
    if (has("exp")) claims.expires = json_number(value);
    if (has("jti") && value.type == jbvString)
        claims.jti.assign(value.val.string.val, static_cast<std::size_t>(value.val.string.len));
    return claims;
}

// One row, whoever asks.
Facts look_up(const Claims& claims) {
    static Statement statement(
        Statement::Kind::read,
        "SELECT u.is_admin, u.disabled, c.token_version OPERATOR(pg_catalog.=) $2, s.id IS NOT NULL, t.scope, "
        "t.revoked_at IS NOT NULL,"
        "       t.expires_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp(), f.rate::pg_catalog.float8, "
        "f.timeout::pg_catalog.float8"
        "  FROM (SELECT pg_catalog.max(COALESCE(v.parsed, d.parsed)) FILTER (WHERE d.name OPERATOR(pg_catalog.=) "
        "'request_rate_per_user') AS rate,"
        "               pg_catalog.max(COALESCE(v.parsed, d.parsed)) FILTER (WHERE d.name OPERATOR(pg_catalog.=) "
        "'http_statement_timeout') AS timeout"
        "          FROM rcq_private.setting_definition d LEFT JOIN rcq_private.setting v ON v.name "
        "OPERATOR(pg_catalog.=) d.name"
        "         WHERE d.name OPERATOR(pg_catalog.=) ANY "
        "('{request_rate_per_user,http_statement_timeout}'::pg_catalog.text[])) f"
        "  LEFT JOIN rcq_private.users u ON u.id OPERATOR(pg_catalog.=) $1"
        "  LEFT JOIN rcq_private.credential c ON c.user_id OPERATOR(pg_catalog.=) u.id"
        "  LEFT JOIN rcq_private.jwt_secret s ON s.id OPERATOR(pg_catalog.=) $3"
        "       AND (s.valid_until IS NULL OR s.valid_until OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp())"
        "  LEFT JOIN rcq_private.api_token t ON t.jti_hash OPERATOR(pg_catalog.=) "
        "pg_catalog.sha256(pg_catalog.convert_to($4, 'UTF8'))"
        "       AND t.user_id OPERATOR(pg_catalog.=) u.id",
        {INT4OID, INT4OID, INT4OID, TEXTOID});
    Facts facts;
    call([] { SPI_connect(); });
    statement.run(Parameters()
                      .add(claims.user_id.value_or(0))
                      .add(claims.token_version.value_or(0))
                      .add(claims.secret_version.value_or(0))
                      .add_text(claims.jti),
                  [&](const Row& row) {
                      const auto holds = [&](int column) { return !row.is_null(column) && row.boolean(column); };
                      facts.user_found = !row.is_null(1);
                      facts.is_admin = holds(1);
                      if (!row.is_null(2)) facts.disabled = row.string(2);
                      facts.version_valid = holds(3);
                      facts.secret_valid = holds(4);
                      facts.token_found = !row.is_null(5);
                      if (facts.token_found) facts.scope = row.string(5);
                      facts.token_revoked = holds(6);
                      facts.token_expired = holds(7);
                      facts.rate = static_cast<int>(row.number(8));
                      facts.statement_timeout = static_cast<int>(row.number(9) * 1000);
                  });
    call([] { SPI_finish(); });
    return facts;
}

Refusal unauthorized(std::string message, std::string hint = "Log in again.") {
    return {401, protocol::error::unknown_role, std::move(message), std::move(hint)};
}

// Why a token is not accepted.
std::optional<Refusal> fault(const Claims& claims, const Facts& facts) {
    const bool api_token = !claims.jti.empty();
    if (!claims.user_id || (!api_token && !claims.token_version))
        return unauthorized("the token is not one that this queue made");
    if (!claims.expires) return unauthorized("the token does not say when it expires");
    if (*claims.expires <= static_cast<double>(time(nullptr))) return unauthorized("the token has expired");
    if (!facts.secret_valid) return unauthorized("the token was signed with a secret that is not valid any more");
    if (!facts.user_found) return unauthorized("the user of this token does not exist");
    if (!facts.disabled.empty())
        return unauthorized("this account is disabled: " + facts.disabled, "Ask an administrator.");
    if (!api_token) {
        if (!facts.version_valid)
            return unauthorized("the token is not valid any more: its user logged out or has a new password");
        return std::nullopt;
    }
    if (!facts.token_found) return unauthorized("there is no such API token", "Make one.");
    if (facts.token_revoked) return unauthorized("the API token was revoked", "Make another one.");
    if (facts.token_expired) return unauthorized("the API token has expired", "Make another one.");
    return std::nullopt;
}

// PostgREST makes an answer of an error in this form, and escapes what is in it. For routes of the REST interface the
// web server puts the body in the header X-Rcq-Answer in the place of PostgREST's.
[[noreturn]] void refuse(const Refusal& refusal) {
    request.refused = refusal.status;
    const std::string sentence = refusal.message + (refusal.hint.empty() ? "" : ". " + refusal.hint);
    call([&] {
        StringInfoData message, body, detail;
        initStringInfo(&message);
        appendStringInfo(&message, R"({"code": "%.5s", "message": )", refusal.code.data());
        escape_json(&message, refusal.message.c_str());
        appendStringInfoString(&message, R"(, "details": null, "hint": )");
        if (refusal.hint.empty())
            appendStringInfoString(&message, "null");
        else
            escape_json(&message, refusal.hint.c_str());
        appendStringInfoChar(&message, '}');
        initStringInfo(&body);
        appendStringInfoString(&body, R"({"error": )");
        escape_json(&body, sentence.c_str());
        appendStringInfoChar(&body, '}');
        initStringInfo(&detail);
        appendStringInfo(&detail, R"({"status": %d, "headers": {"X-Rcq-Answer": )", refusal.status);
        escape_json(&detail, body.data);
        if (refusal.status == 401) appendStringInfoString(&detail, R"(, "WWW-Authenticate": "Bearer")");
        if (refusal.retry_after > 0) appendStringInfo(&detail, R"(, "Retry-After": "%d")", refusal.retry_after);
        appendStringInfoString(&detail, "}}");
        ereport(ERROR, (errcode(MAKE_SQLSTATE('P', 'G', 'R', 'S', 'T')), errmsg_internal("%s", message.data),
                        errdetail_internal("%s", detail.data)));
    });
    pg_unreachable();
}

// For the rest of the transaction.
void set(const char* name, const std::string& value) {
    const char* text = value.c_str();
    call([&] { set_config_option(name, text, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false); });
}

// What the session is called meanwhile: by the number that the web server gave the request, when it looks like one.
std::string session_name() {
    const std::string id = request_header("x-request-id").value_or("");
    constexpr std::string_view allowed = "0123456789abcdefABCDEF-";
    const bool good = !id.empty() && id.size() <= 40 && id.find_first_not_of(allowed) == std::string::npos;
    return good ? "rcq " + id : "rcq";
}

void admit(const Facts& facts, bool api_token, int32 user_id) {
    Scope scope = Scope::login;
    if (api_token)
        for (const auto& [each, name] : scope_names)
            if (facts.scope == name) scope = each;
    if (scope == Scope::metrics && parameter("request.path") != std::string_view(metrics_path))
        refuse({403, protocol::error::not_permitted, "a token of scope metrics may read the metrics and nothing else",
                "Make one of scope read, submit or admin."});
    if (scope == Scope::metrics && !facts.is_admin)
        refuse({403, protocol::error::not_permitted,
                "a token of scope metrics is for administrators, and its user is none any more",
                "Make one of scope read or submit."});
    if (const int wait = request_must_wait(user_id, facts.rate)) {
        count_limit(HttpLimit::user_rate);
        refuse({429, protocol::error::limit_reached,
                "you sent more than " + std::to_string(facts.rate) + " requests per minute",
                "Wait " + std::to_string(wait) + " s.", wait});
    }
    if (scope == Scope::read) set("transaction_read_only", "on");
    request.scope = scope;
    request.caller = {user_id, facts.is_admin && (scope == Scope::login || scope == Scope::admin)};
}

} // namespace

bool serves_http(const char* role) {
    constexpr std::string_view taken[] = {"rcq_anon", "rcq_user", "rcq_admin"};
    return std::find(std::begin(taken), std::end(taken), role) != std::end(taken) &&
           is_role(GetSessionUserId(), {"rcq_authenticator"});
}

Caller requester() {
    if (!request.noted)
        throw SqlError(protocol::error::unknown_role, "this request was not looked at by rcq.http_pre_request()",
                       "PostgREST needs the setting db-pre-request = \"rcq.http_pre_request\".");
    if (request.scope == Scope::none)
        throw SqlError(protocol::error::unknown_role, "this request came without a token", "Log in first.");
    return request.caller;
}

} // namespace rcq::pg

RCQ_FUNCTION(rcq_http_pre_request) {
    using namespace rcq;
    using namespace rcq::pg;
    if (!serves_http(outer_role()))
        throw SqlError(protocol::error::not_permitted, "rcq.http_pre_request() is for PostgREST alone");
    note_request();
    const Claims claims = read_claims();
    const Facts facts = look_up(claims);
    set("statement_timeout", std::to_string(facts.statement_timeout));
    set("application_name", session_name());
    // rcq_anon is whoever sends no token; no token says so
    if (!is_role(GetOuterUserId(), {"rcq_anon"})) {
        if (const std::optional<Refusal> refusal = fault(claims, facts)) refuse(*refusal);
        admit(facts, !claims.jti.empty(), *claims.user_id);
    }
    PG_RETURN_VOID();
}

// What the token of this request is good for; NULL outside HTTP and without a token.
RCQ_FUNCTION(rcq_request_scope) {
    using namespace rcq::pg;
    for (const auto& [scope, name] : scope_names)
        if (request.noted && request.scope == scope) return text_datum(name);
    PG_RETURN_NULL();
}

RCQ_FUNCTION(rcq_count_login_refusal) {
    rcq::pg::count_limit(rcq::pg::HttpLimit::login_failures);
    PG_RETURN_VOID();
}

// (email): until the transaction ends, others wait here for the same address. No advisory lock, because anybody may
// take those.
RCQ_FUNCTION(rcq_lock_login) {
    using namespace rcq::pg;
    const std::string_view email = text_argument(fcinfo, 0);
    call([&] {
        const uint32 hash =
            hash_bytes(reinterpret_cast<const unsigned char*>(email.data()), static_cast<int>(email.size()));
        LockDatabaseObject(relation_id("login_failure"), static_cast<Oid>(hash), 0, ExclusiveLock);
    });
    PG_RETURN_VOID();
}
