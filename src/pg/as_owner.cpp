#include "as_owner.hpp"

#include "relations.hpp"

extern "C" {
#include "utils/rel.h"
#include "utils/syscache.h"
}

namespace rcq::pg {

namespace {

// Acts for the owner of the tables until it ends.
class Owner {
public:
    Owner() {
        call([&] {
            GetUserIdAndSecContext(&before_, &context_);
            HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(relation_id("job")));
            if (!HeapTupleIsValid(row)) elog(ERROR, "there is no table rcq_private.job");
            const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->relowner;
            ReleaseSysCache(row);
            SetUserIdAndSecContext(owner, context_ | SECURITY_LOCAL_USERID_CHANGE);
        });
    }
    ~Owner() { SetUserIdAndSecContext(before_, context_); }
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;

private:
    Oid before_ = InvalidOid;
    int context_ = 0;
};

} // namespace

void as_owner(const char* sql, std::initializer_list<Argument> arguments,
              const std::function<void(HeapTuple, TupleDesc)>& each) {
    constexpr int most = 8;
    Oid types[most];
    Datum values[most];
    char nulls[most];
    int count = 0;
    for (const Argument& argument : arguments) {
        types[count] = argument.type;
        values[count] = argument.value;
        nulls[count++] = argument.null ? 'n' : ' ';
    }
    const Owner owner;
    const MemoryContext outside = CurrentMemoryContext;
    call([&] {
        SPI_connect();
        const int code = SPI_execute_with_args(sql, count, types, values, nulls, false, 0);
        if (code < 0) elog(ERROR, "cannot execute \"%s\": %s", sql, SPI_result_code_string(code));
    });
    const SPITupleTable* table = SPI_tuptable;
    const uint64 rows = SPI_processed;
    MemoryContextSwitchTo(outside);
    if (each && table)
        for (uint64 i = 0; i < rows; i++) each(table->vals[i], table->tupdesc);
    call([] { SPI_finish(); });
}

} // namespace rcq::pg
