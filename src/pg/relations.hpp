// Tables of schema rcq_private by their names.
#pragma once
#include "prelude.hpp"

namespace rcq::pg {

// What refuse_old_sql (values.hpp) throws, behind the guard.
[[noreturn]] inline void report_old_sql() {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("the SQL objects of rcq in this database are too old for the library of the server"),
                    errhint("ALTER EXTENSION rcq UPDATE.")));
    pg_unreachable();
}

// Call it behind the guard: it raises an error when there is no such relation.
inline Oid relation_id(const char* name) {
    const Oid id = get_relname_relid(name, get_namespace_oid("rcq_private", false));
    if (!OidIsValid(id)) report_old_sql();
    return id;
}

// The same of a column.
inline AttrNumber column_number(Oid relation, const char* name) {
    const AttrNumber number = get_attnum(relation, name);
    if (number == InvalidAttrNumber) report_old_sql();
    return number;
}

} // namespace rcq::pg
