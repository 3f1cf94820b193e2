// Texts and rows between SQL and C++.
#pragma once
#include "guard.hpp"

namespace rcq::pg {

// Error for SQL objects of a version that this library does not serve.
[[noreturn]] inline void refuse_old_sql() {
    throw SqlError("0A000", "the SQL objects of rcq in this database are too old for the library of the server",
                   "ALTER EXTENSION rcq UPDATE.");
}

// Error unless the function was called with at least so many arguments: else it is declared by such SQL objects.
inline void require_arguments(FunctionCallInfo fcinfo, int count) {
    if (PG_NARGS() < count) refuse_old_sql();
}

// Argument i, as long as the call lasts; empty when it is NULL.
inline std::string_view text_argument(FunctionCallInfo fcinfo, int i) {
    if (PG_ARGISNULL(i)) return {};
    const text* value = call([&] { return PG_GETARG_TEXT_PP(i); });
    return {VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

// The beginning of a text in the database's encoding, at most so many characters. Ends in no error.
inline std::string_view first_characters(std::string_view text, int most) {
    const auto length = static_cast<int>(text.size());
    if (length <= most) return text;
    return text.substr(0, static_cast<std::size_t>(pg_mbcharcliplen(text.data(), length, most)));
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
