#include "spi.hpp"

namespace rcq::pg {

namespace {

template <class T> Datum array_of(const std::vector<T>& values, Oid type, Datum (*convert)(T)) {
    std::vector<Datum> datums;
    datums.reserve(values.size());
    for (T value : values) datums.push_back(convert(value));
    Datum* data = datums.data();
    const int count = static_cast<int>(datums.size());
    return call([&] {
        return PointerGetDatum(
            construct_array(data, count, type, sizeof(T), true, sizeof(T) == 8 ? TYPALIGN_DOUBLE : TYPALIGN_INT));
    });
}

} // namespace

Parameters& Parameters::add(const std::vector<int64>& values) {
    return push(array_of<int64>(values, INT8OID, [](int64 v) { return Int64GetDatum(v); }));
}

Parameters& Parameters::add(const std::vector<int32>& values) {
    return push(array_of<int32>(values, INT4OID, [](int32 v) { return Int32GetDatum(v); }));
}

std::optional<Datum> Row::datum(int column) const {
    bool null = false;
    const Datum value = SPI_getbinval(tuple_, desc_, column, &null);
    if (null) return std::nullopt;
    return value;
}

std::string Row::string(int column) const {
    const Datum value = *datum(column);
    const char* copy = call([&] { return text_to_cstring(DatumGetTextPP(value)); });
    return copy;
}

std::vector<std::string> Row::strings(int column) const {
    const std::optional<Datum> value = datum(column);
    if (!value) return {};
    struct Elements {
        Datum* data;
        bool* nulls;
        int count;
    };
    const Elements elements = call([&] {
        Elements e;
        deconstruct_array(DatumGetArrayTypeP(*value), TEXTOID, -1, false, TYPALIGN_INT, &e.data, &e.nulls, &e.count);
        return e;
    });
    std::vector<std::string> result;
    result.reserve(elements.count);
    for (int i = 0; i < elements.count; i++)
        if (!elements.nulls[i])
            result.emplace_back(call([&] { return text_to_cstring(DatumGetTextPP(elements.data[i])); }));
    return result;
}

uint64 Statement::run(Parameters parameters, const std::function<void(const Row&)>& each) {
    Datum* values = parameters.data();
    call([&] {
        if (!plan_) {
            SPIPlanPtr prepared = SPI_prepare(sql_, static_cast<int>(types_.size()), types_.data());
            if (!prepared) elog(ERROR, "cannot prepare \"%s\": %s", sql_, SPI_result_code_string(SPI_result));
            SPI_keepplan(prepared);
            plan_ = prepared;
        }
        const int code = SPI_execute_plan(plan_, values, nullptr, kind_ == Kind::read, 0);
        if (code < 0) elog(ERROR, "cannot execute \"%s\": %s", sql_, SPI_result_code_string(code));
    });
    const uint64 processed = SPI_processed;
    SPITupleTable* table = SPI_tuptable;
    if (each && table)
        for (uint64 i = 0; i < processed; i++) each(Row(table->vals[i], table->tupdesc));
    if (table) SPI_freetuptable(table);
    return processed;
}

} // namespace rcq::pg
