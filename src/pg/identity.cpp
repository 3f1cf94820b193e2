#include "identity.hpp"

#include "../protocol/words.hpp"
#include "definitions_cache.hpp"
#include "guard.hpp"
#include "http_request.hpp"

namespace rcq::pg {

// ANALYZE, index builds and REFRESH run the code of a table's owner in the session of somebody else, autovacuum even in
// a superuser's: whoever acts there is not who the session says.
const char* outer_role() {
    if (InSecurityRestrictedOperation())
        throw SqlError(protocol::error::not_permitted, "rcq cannot be used inside ANALYZE, an index build or REFRESH");
    return call([] { return GetUserNameFromId(GetOuterUserId(), false); });
}

Caller caller() {
    const char* role = outer_role();
    if (serves_http(role)) return requester();
    const CachedUser* user = user_by_role(role);
    if (!user)
        throw SqlError(protocol::error::unknown_role, std::string("role \"") + role + "\" is not a user of rcq",
                       std::string("An administrator can make it one: SELECT rcq.add_user('") + role +
                           "', '<group>').");
    if (user->disabled)
        throw SqlError(protocol::error::not_permitted, "your account is disabled: " + *user->disabled,
                       "Ask an administrator.");
    return {user->id, user->is_admin};
}

namespace {

// The one user whose jobs the caller sees by row security; none: those of everybody, or an error is row security's to
// raise.
std::optional<int32> only_visible_user() {
    if (call([] { return has_bypassrls_privilege(GetUserId()); })) return std::nullopt;
    const char* role = outer_role();
    if (serves_http(role)) {
        const Caller acting = requester();
        return acting.is_admin ? std::nullopt : std::optional(acting.user_id);
    }
    const CachedUser* user = user_by_role(role);
    return !user || user->is_admin ? std::nullopt : std::optional(user->id);
}

} // namespace

} // namespace rcq::pg

RCQ_FUNCTION(rcq_first_visible_user) { PG_RETURN_INT32(rcq::pg::only_visible_user().value_or(PG_INT32_MIN)); }
RCQ_FUNCTION(rcq_last_visible_user) { PG_RETURN_INT32(rcq::pg::only_visible_user().value_or(PG_INT32_MAX)); }
RCQ_FUNCTION(rcq_outer_role) {
    return rcq::pg::call([] { return CStringGetTextDatum(rcq::pg::outer_role()); });
}
RCQ_FUNCTION(rcq_caller_id) { return Int32GetDatum(rcq::pg::caller().user_id); }
RCQ_FUNCTION(rcq_caller_is_admin) { return BoolGetDatum(rcq::pg::caller().is_admin); }
