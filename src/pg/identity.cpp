#include "identity.hpp"

#include "../protocol/words.hpp"
#include "guard.hpp"
#include "http_request.hpp"

namespace rcq::pg {

namespace {

struct Found {
    bool found;
    Caller caller;
    const char* disabled; // why, in the caller's memory context
};

// Keeps its plan; the function that calls it is SECURITY DEFINER, so the table is readable.
Found look_up(const char* role) {
    static SPIPlanPtr plan = nullptr;
    return call([&]() -> Found {
        Found result{false, {0, false}, nullptr};
        const MemoryContext outside = CurrentMemoryContext;
        SPI_connect();
        if (!plan) {
            Oid types[1] = {TEXTOID};
            // before 0.5 users have no such column: then the name means that of `before`
            SPIPlanPtr prepared =
                SPI_prepare("SELECT f.* FROM (SELECT NULL::pg_catalog.text AS disabled) before CROSS JOIN LATERAL"
                            " (SELECT u.id, u.is_admin, disabled FROM rcq_private.users u WHERE u.role_name "
                            "OPERATOR(pg_catalog.=) $1) f",
                            1, types);
            if (!prepared) elog(ERROR, "cannot prepare the look-up of users: %s", SPI_result_code_string(SPI_result));
            SPI_keepplan(prepared);
            plan = prepared;
        }
        Datum arguments[1] = {CStringGetTextDatum(role)};
        SPI_execute_plan(plan, arguments, nullptr, true, 1);
        if (SPI_processed == 1) {
            bool null;
            result.found = true;
            result.caller.user_id =
                DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
            result.caller.is_admin =
                DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &null));
            if (const char* reason = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3))
                result.disabled = MemoryContextStrdup(outside, reason);
        }
        SPI_finish();
        return result;
    });
}

} // namespace

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
    const Found found = look_up(role);
    if (!found.found)
        throw SqlError(protocol::error::unknown_role, std::string("role \"") + role + "\" is not a user of rcq",
                       std::string("An administrator can make it one: SELECT rcq.add_user('") + role +
                           "', '<group>').");
    if (found.disabled)
        throw SqlError(protocol::error::not_permitted, std::string("your account is disabled: ") + found.disabled,
                       "Ask an administrator.");
    return found.caller;
}

} // namespace rcq::pg

RCQ_FUNCTION(rcq_outer_role) {
    return rcq::pg::call([] { return CStringGetTextDatum(rcq::pg::outer_role()); });
}
RCQ_FUNCTION(rcq_caller_id) { return Int32GetDatum(rcq::pg::caller().user_id); }
RCQ_FUNCTION(rcq_caller_is_admin) { return BoolGetDatum(rcq::pg::caller().is_admin); }
