// For the audit log.
#include "../protocol/words.hpp"
#include "arrays.hpp"
#include "definitions_cache.hpp"
#include "identity.hpp"
#include "recording.hpp"
#include "relations.hpp"
#include "request_input.hpp"
#include "table.hpp"
#include "values.hpp"

extern "C" {
#include "utils/fmgrprotos.h"
}

namespace rcq::pg {

namespace {

namespace audit {
enum Column : int { id, at, user_id, actor, action, kind, object, old, changed, via, address, request_id };
constexpr const char* names[] = {"id",     "at",  "user_id", "actor", "action",  "kind",
                                 "object", "old", "new",     "via",   "address", "request_id"};
static_assert(std::size(names) == request_id + 1);
const Layout layout{"audit", names};
} // namespace audit

constexpr int longest_header = 100;        // characters
constexpr std::size_t longest_list = 2000; // of ids

// The user who acts; none for a role that is no user.
std::optional<int32> acting_user() {
    try {
        return caller().user_id;
    } catch (const SqlError& e) {
        const std::string_view code = protocol::error::unknown_role;
        if (e.code() != MAKE_SQLSTATE(code[0], code[1], code[2], code[3], code[4])) throw;
        return std::nullopt;
    }
}

// Where the session comes from; none when that is a unix socket, or no client at all.
std::optional<std::string> client_address() {
    const char* address = call([]() -> const char* {
        LOCAL_FCINFO(asked, 0);
        InitFunctionCallInfoData(*asked, nullptr, 0, InvalidOid, nullptr, nullptr);
        const Datum found = inet_client_addr(asked);
        return asked->isnull ? nullptr : TextDatumGetCString(DirectFunctionCall1(network_host, found));
    });
    if (!address) return std::nullopt;
    return address;
}

std::optional<std::string> short_header(std::string_view name) {
    const std::optional<std::string> value = request_header(name);
    if (!value) return std::nullopt;
    return std::string(first_characters(*value, longest_header));
}

} // namespace

void record_change(std::string_view action, std::string_view kind, std::string_view object, std::optional<Datum> old,
                   std::optional<Datum> changed) {
    const char* session = call([] { return GetUserNameFromId(GetSessionUserId(), true); });
    const bool over_http = session && session == std::string_view("rcq_authenticator");
    const std::optional<int32> user_id = acting_user();
    std::string actor = outer_role();
    if (over_http && user_id)
        if (const CachedUser* user = user_by_id(*user_id); user && user->email) actor = *user->email;
    const auto address = over_http ? short_header("x-real-ip") : client_address();
    const auto request_id = over_http ? short_header("x-request-id") : std::nullopt;

    Fields row;
    row.big(audit::id, call([] { return nextval_internal(relation_id("audit_id_seq"), false); }))
        .time(audit::at, GetCurrentTimestamp())
        .string(audit::actor, actor)
        .string(audit::action, action)
        .string(audit::kind, kind)
        .string(audit::object, object)
        .string(audit::via, over_http ? "http" : "sql");
    if (user_id) row.integer(audit::user_id, *user_id);
    if (old) row.set(audit::old, *old);
    if (changed) row.set(audit::changed, *changed);
    if (address) row.string(audit::address, *address);
    if (request_id) row.string(audit::request_id, *request_id);
    const Sight sight;
    Table table(audit::layout);
    table.add(row);
    table.flush();
}

std::string id_ranges(std::vector<int64> ids) {
    std::sort(ids.begin(), ids.end());
    std::string list;
    for (std::size_t first = 0, next; first < ids.size() && list.size() < longest_list; first = next) {
        for (next = first + 1; next < ids.size() && ids[next] - ids[next - 1] <= 1;) next++;
        if (!list.empty()) list += ',';
        list += std::to_string(ids[first]);
        if (ids[next - 1] != ids[first]) list += '-' + std::to_string(ids[next - 1]);
    }
    list.resize(std::min(list.size(), longest_list));
    return list;
}

} // namespace rcq::pg

RCQ_FUNCTION(rcq_is_inside_function) { PG_RETURN_BOOL(InLocalUserIdChange()); }

// (action, kind, object, old, new)
RCQ_FUNCTION(rcq_record_change) {
    using namespace rcq::pg;
    const auto values = [&](int i) { return PG_ARGISNULL(i) ? std::nullopt : std::optional(PG_GETARG_DATUM(i)); };
    record_change(text_argument(fcinfo, 0), text_argument(fcinfo, 1), text_argument(fcinfo, 2), values(3), values(4));
    PG_RETURN_VOID();
}

// (ids) -> text; NULL when there are none
RCQ_FUNCTION(rcq_id_ranges) {
    using namespace rcq::pg;
    const std::vector<int64> ids = bigs_of(PG_GETARG_DATUM(0));
    if (ids.empty()) PG_RETURN_NULL();
    return text_datum(id_ranges(ids));
}
