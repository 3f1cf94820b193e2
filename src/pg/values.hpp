// Texts and rows between SQL and C++.
#pragma once
#include "guard.hpp"

namespace rcq::pg {

// Error unless the function was called with at least so many arguments: it is declared by SQL objects of a version that
// this library does not serve, and has others.
inline void require_arguments(FunctionCallInfo fcinfo, int count) {
    if (PG_NARGS() >= count) return;
    call([] {
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("the SQL objects of rcq in this database are too old for the library of the server"),
                        errhint("ALTER EXTENSION rcq UPDATE.")));
    });
}

// Argument i, as long as the call lasts; empty when it is NULL.
inline std::string_view text_argument(FunctionCallInfo fcinfo, int i) {
    if (PG_ARGISNULL(i)) return {};
    const text* value = call([&] { return PG_GETARG_TEXT_PP(i); });
    return {VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

inline Datum text_datum(std::string_view s) {
    return call([&] { return PointerGetDatum(cstring_to_text_with_len(s.data(), static_cast<int>(s.size()))); });
}

// Of the row that the function returns.
inline TupleDesc result_type(FunctionCallInfo fcinfo) {
    return call([&] {
        TupleDesc desc;
        if (get_call_result_type(fcinfo, nullptr, &desc) != TYPEFUNC_COMPOSITE)
            elog(ERROR, "return type must be a row type");
        return BlessTupleDesc(desc);
    });
}

} // namespace rcq::pg
