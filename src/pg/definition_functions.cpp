// SQL functions over definitions that are kept in memory, and the trigger that says that they have changed.
#include "changes.hpp"
#include "definitions_cache.hpp"
#include "values.hpp"

extern "C" {
#include "commands/trigger.h"
}

// Before statements, so that the statement's own triggers find nothing that was kept.
RCQ_FUNCTION(rcq_definitions_trigger) {
    using namespace rcq::pg;
    if (!CALLED_AS_TRIGGER(fcinfo)) throw SqlError("39P01", "rcq_private.note_definitions() is a trigger");
    note_definitions_kept();
    return PointerGetDatum(nullptr);
}

RCQ_FUNCTION(rcq_user_name) {
    using namespace rcq::pg;
    const CachedUser* user = user_by_id(PG_GETARG_INT32(0));
    if (!user) PG_RETURN_NULL();
    return text_datum(user->role_name ? *user->role_name : *user->email);
}

RCQ_FUNCTION(rcq_group_name) {
    using namespace rcq::pg;
    const std::string* name = group_name(PG_GETARG_INT32(0));
    if (!name) PG_RETURN_NULL();
    return text_datum(*name);
}

RCQ_FUNCTION(rcq_executor_name) {
    using namespace rcq::pg;
    const std::string* name = executor_name(PG_GETARG_INT32(0));
    if (!name) PG_RETURN_NULL();
    return text_datum(*name);
}

// NULL when there is no such setting.
RCQ_FUNCTION(rcq_setting_text) {
    using namespace rcq::pg;
    const std::string* value = find_setting(text_argument(fcinfo, 0));
    if (!value) PG_RETURN_NULL();
    return text_datum(*value);
}
