// Statements that few calls need, in functions that run with the rights of whoever calls them.
#pragma once
#include "spi.hpp"

namespace rcq::pg {

struct Argument {
    Oid type;
    Datum value;
    bool null = false;
};

// Runs a statement with the rights of the owner of rcq's tables, under whatever search_path is set: all names and
// operators in it must be qualified. `each` is called for every row, in the memory context of the caller; what it keeps
// it must copy.
void as_owner(const char* sql, std::initializer_list<Argument> arguments,
              const std::function<void(HeapTuple, TupleDesc)>& each = {});

} // namespace rcq::pg
