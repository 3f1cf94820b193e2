// Arrays between SQL and C++.
#pragma once
#include "guard.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

namespace rcq::pg {

// What an array holds, in the current memory context.
struct Elements {
    Datum* data;
    bool* nulls;
    int count;
};

// Of an array of any type.
inline Elements elements_of(Datum array) {
    return call([&] {
        ArrayType* given = DatumGetArrayTypeP(array);
        int16 length;
        bool by_value;
        char alignment;
        get_typlenbyvalalign(ARR_ELEMTYPE(given), &length, &by_value, &alignment);
        Elements e;
        deconstruct_array(given, ARR_ELEMTYPE(given), length, by_value, alignment, &e.data, &e.nulls, &e.count);
        return e;
    });
}

// The elements of a text[]; one that is NULL comes out empty.
inline std::vector<std::string> texts_of(Datum array) {
    const Elements elements = elements_of(array);
    std::vector<std::string> result;
    for (int k = 0; k < elements.count; k++) {
        if (elements.nulls[k]) {
            result.emplace_back();
            continue;
        }
        const text* value = call([&] { return DatumGetTextPP(elements.data[k]); });
        result.emplace_back(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
    }
    return result;
}

// Of argument i; none when it is NULL.
inline std::vector<std::string> texts_argument(FunctionCallInfo fcinfo, int i) {
    if (PG_ARGISNULL(i)) return {};
    return texts_of(PG_GETARG_DATUM(i));
}

inline Datum texts_datum(const std::vector<std::string>& texts) {
    return call([&] {
        auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * std::max<std::size_t>(texts.size(), 1)));
        for (std::size_t k = 0; k < texts.size(); k++)
            values[k] = PointerGetDatum(cstring_to_text_with_len(texts[k].data(), static_cast<int>(texts[k].size())));
        const auto count = static_cast<int>(texts.size());
        return PointerGetDatum(construct_array(values, count, TEXTOID, -1, false, TYPALIGN_INT));
    });
}

// The elements of an integer[], none of which may be NULL.
inline std::vector<int32> integers_of(Datum array) {
    const ArrayType* given = call([&] {
        ArrayType* a = DatumGetArrayTypeP(array);
        if (ARR_ELEMTYPE(a) != INT4OID || array_contains_nulls(a))
            ereport(ERROR,
                    (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("an array of integers without NULL is wanted")));
        return a;
    });
    const auto* first = reinterpret_cast<const int32*>(ARR_DATA_PTR(given));
    return {first, first + ArrayGetNItems(ARR_NDIM(given), ARR_DIMS(given))};
}

// The elements of a bigint[] that are not NULL.
inline std::vector<int64> bigs_of(Datum array) {
    const Elements elements = elements_of(array);
    std::vector<int64> result;
    for (int k = 0; k < elements.count; k++)
        if (!elements.nulls[k]) result.push_back(DatumGetInt64(elements.data[k]));
    return result;
}

inline Datum integers_datum(const std::vector<int32>& integers) {
    return call([&] {
        auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * std::max<std::size_t>(integers.size(), 1)));
        for (std::size_t k = 0; k < integers.size(); k++) values[k] = Int32GetDatum(integers[k]);
        const auto count = static_cast<int>(integers.size());
        return PointerGetDatum(construct_array(values, count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
    });
}

} // namespace rcq::pg
