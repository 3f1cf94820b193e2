#include "http_request.hpp"

#include "../protocol/words.hpp"
#include "definitions_cache.hpp"
#include "http_counters.hpp"
#include "json.hpp"
#include "parallel_requests.hpp"
#include "rate_limits.hpp"
#include "relations.hpp"
#include "request_input.hpp"
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

// What is known about it.
struct Facts {
    bool user_found = false, is_admin = false, version_valid = false, secret_valid = false;
    bool token_found = false, token_revoked = false, token_expired = false;
    std::string disabled, scope;
    int rate = 0;              // requests per minute
    int parallel = 0;          // requests at the same time
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

Claims parse_claims(const char* text) {
    Claims claims;
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

// A session often serves the same client again: what the claims of the last request said is kept beside their text.
const Claims& read_claims() {
    static std::string last;
    static Claims claims;
    const char* text = parameter("request.jwt.claims"); // '' once a request of this session has had some
    if (last == text) return claims;
    claims = parse_claims(text);
    last = text;
    return claims;
}

// Whoever asks.
Facts look_up(const Claims& claims) {
    Facts facts;
    facts.rate = static_cast<int>(setting_number("request_rate_per_user"));
    if (const std::string* parallel = find_setting("parallel_requests_per_user")) // SQL objects of 0.5 have none
        facts.parallel = static_cast<int>(std::stod(*parallel));
    facts.statement_timeout = static_cast<int>(setting_number("http_statement_timeout") * 1000);
    const TimestampTz now = GetCurrentTimestamp();
    if (claims.secret_version) facts.secret_valid = secret_end(*claims.secret_version).value_or(DT_NOBEGIN) > now;
    if (!claims.user_id) return facts;
    const CachedUser* user = user_by_id(*claims.user_id);
    if (!user) return facts;
    facts.user_found = true;
    facts.is_admin = user->is_admin;
    facts.disabled = user->disabled.value_or("");
    if (claims.jti.empty())
        facts.version_valid = claims.token_version && token_version(*claims.user_id) == claims.token_version;
    else if (const CachedToken* token = api_token(claims.jti); token && token->user_id == *claims.user_id) {
        facts.token_found = true;
        facts.scope = token->scope;
        facts.token_revoked = token->revoked;
        facts.token_expired = token->expires_at <= now;
    }
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
    if (!take_request_place(user_id, facts.parallel)) {
        count_limit(HttpLimit::user_parallel);
        refuse({429, protocol::error::limit_reached,
                std::to_string(facts.parallel) + " other requests of yours are still worked on",
                "Send fewer at the same time.", 1});
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
    const Claims& claims = read_claims();
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
