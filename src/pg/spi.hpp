// Statements of a worker: prepared once, kept, run with parameters; rows come out as plain values.
#pragma once
#include "guard.hpp"

namespace rcq::pg {

// Parameters for one execution. Arrays are made in the current memory context, which the transaction resets.
class Parameters {
public:
    Parameters& add(int64 value) { return push(Int64GetDatum(value)); }
    Parameters& add(int32 value) { return push(Int32GetDatum(value)); }
    Parameters& add(double value) { return push(Float8GetDatum(value)); }
    Parameters& add_boolean(bool value) { return push(BoolGetDatum(value)); }
    Parameters& add_text(std::string_view value);
    Parameters& add_time(TimestampTz value) { return push(TimestampTzGetDatum(value)); }
    Parameters& add(const std::vector<int64>& values);
    Parameters& add(const std::vector<int32>& values);
    Parameters& add(const Parameters& more) {
        values_.insert(values_.end(), more.values_.begin(), more.values_.end());
        return *this;
    }
    Datum* data() { return values_.data(); }

private:
    Parameters& push(Datum value) {
        values_.push_back(value);
        return *this;
    }
    std::vector<Datum> values_;
};

// The row under the cursor; columns count from 1.
class Row {
public:
    Row(HeapTuple tuple, TupleDesc desc) : tuple_(tuple), desc_(desc) {}
    bool is_null(int column) const { return !datum(column).has_value(); }
    int64 big(int column) const { return DatumGetInt64(*datum(column)); }
    int32 integer(int column) const { return DatumGetInt32(*datum(column)); }
    int32 small(int column) const { return DatumGetInt16(*datum(column)); }
    bool boolean(int column) const { return DatumGetBool(*datum(column)); }
    double number(int column) const { return DatumGetFloat8(*datum(column)); }
    TimestampTz time(int column) const { return DatumGetTimestampTz(*datum(column)); }
    std::string string(int column) const;
    std::vector<std::string> strings(int column) const; // NULL = empty

private:
    std::optional<Datum> datum(int column) const;
    HeapTuple tuple_;
    TupleDesc desc_;
};

class Statement {
public:
    enum class Kind {
        read, // sees what the transaction's snapshot sees
        write // takes a snapshot of its own
    };
    Statement(Kind kind, std::string sql, std::initializer_list<Oid> types)
        : kind_(kind), sql_(std::move(sql)), types_(types) {}
    // Returns the number of rows processed; calls `each` for every returned row.
    uint64 run(Parameters parameters, const std::function<void(const Row&)>& each = {});

private:
    Kind kind_;
    std::string sql_;
    std::vector<Oid> types_;
    SPIPlanPtr plan_ = nullptr;
};

} // namespace rcq::pg
