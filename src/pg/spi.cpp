#include "spi.hpp"

#include "arrays.hpp"
#include "transaction.hpp"
#include "values.hpp"

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

Parameters& Parameters::add_text(std::string_view value) { return push(text_datum(value)); }

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
    return value ? texts_of(*value) : std::vector<std::string>();
}

uint64 Statement::run(Parameters parameters, const std::function<void(const Row&)>& each) {
    Datum* values = parameters.data();
    if (kind_ == Kind::write) Transaction::must_last();
    call([&] {
        if (!plan_) {
            SPIPlanPtr prepared = SPI_prepare(sql_.c_str(), static_cast<int>(types_.size()), types_.data());
            if (!prepared) elog(ERROR, "cannot prepare \"%s\": %s", sql_.c_str(), SPI_result_code_string(SPI_result));
            SPI_keepplan(prepared);
            plan_ = prepared;
        }
        const int code = SPI_execute_plan(plan_, values, nullptr, kind_ == Kind::read, 0);
        if (code < 0) elog(ERROR, "cannot execute \"%s\": %s", sql_.c_str(), SPI_result_code_string(code));
    });
    const uint64 processed = SPI_processed;
    SPITupleTable* table = SPI_tuptable;
    if (each && table)
        for (uint64 i = 0; i < processed; i++) each(Row(table->vals[i], table->tupdesc));
    if (table) SPI_freetuptable(table);
    return processed;
}

} // namespace rcq::pg
