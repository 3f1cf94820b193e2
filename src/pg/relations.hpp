// Tables of schema rcq_private by their names.
#pragma once
#include "prelude.hpp"

namespace rcq::pg {

// Call it behind the guard: it raises an error when there is no such relation.
inline Oid relation_id(const char* name) {
    const Oid id = get_relname_relid(name, get_namespace_oid("rcq_private", false));
    if (!OidIsValid(id)) elog(ERROR, "relation rcq_private.%s does not exist", name);
    return id;
}

} // namespace rcq::pg
