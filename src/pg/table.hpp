// Rows of our own tables without SQL: found by key, written in place, added many at a time. For the paths that every
// job takes several times, where starting a statement costs more than what it does.
//
// What SQL would see to and this does not: privileges and row security (the callers act for the owner), triggers,
// CHECK constraints (the tables written here have none), defaults. NOT NULL is checked, indexes are kept, columns are
// found by name, so tables may have been made by any version.
#pragma once
#include "guard.hpp"

#include <span>

namespace rcq::pg {

// A table and its columns as the library knows them; a column is then spoken of by its place in `columns`.
struct Layout {
    const char* table;
    std::span<const char* const> columns;
};

// One condition on an index column, in the order of the index; two bounds in a row are of one column.
struct Key {
    Datum value;
    StrategyNumber strategy;
    RegProcedure compare;
};
inline Key equals(int64 value) { return {Int64GetDatum(value), BTEqualStrategyNumber, F_INT8EQ}; }
inline Key equals(int32 value) { return {Int32GetDatum(value), BTEqualStrategyNumber, F_INT4EQ}; }
inline Key at_least(int64 value) { return {Int64GetDatum(value), BTGreaterEqualStrategyNumber, F_INT8GE}; }
inline Key at_most(int64 value) { return {Int64GetDatum(value), BTLessEqualStrategyNumber, F_INT8LE}; }
inline Key above(int64 value) { return {Int64GetDatum(value), BTGreaterStrategyNumber, F_INT8GT}; }

// What is committed now, and what this transaction has written: to be taken after any lock that a decision rests on.
class Sight {
public:
    Sight();
    ~Sight();
    Sight(const Sight&) = delete;
    Sight& operator=(const Sight&) = delete;
    // From here on it shows what was written since.
    void renew();
    Snapshot snapshot() const { return GetActiveSnapshot(); }
};

// A row that was found; good until the next one is.
class FoundRow {
public:
    FoundRow(TupleTableSlot* slot, const AttrNumber* attributes) : slot_(slot), attributes_(attributes) {}
    bool is_null(int column) const { return slot_->tts_isnull[attributes_[column] - 1]; }
    Datum datum(int column) const { return slot_->tts_values[attributes_[column] - 1]; }
    int64 big(int column) const { return DatumGetInt64(datum(column)); }
    int32 integer(int column) const { return DatumGetInt32(datum(column)); }
    int32 small(int column) const { return DatumGetInt16(datum(column)); }
    bool boolean(int column) const { return DatumGetBool(datum(column)); }
    float real(int column) const { return DatumGetFloat4(datum(column)); }
    double number(int column) const { return DatumGetFloat8(datum(column)); }
    TimestampTz time(int column) const { return DatumGetTimestampTz(datum(column)); }
    // Of a text that is not NULL; points into the row, or into the current memory context when it was compressed.
    std::string_view string(int column) const;

    TupleTableSlot* slot() const { return slot_; }

private:
    TupleTableSlot* slot_;
    const AttrNumber* attributes_;
};

// Values for columns: of a new row, where what is not set is NULL, or to be changed in one that is there.
class Fields {
public:
    struct Field {
        int column;
        bool null;
        Datum value;
    };
    Fields& set(int column, Datum value) {
        fields_.push_back({column, false, value});
        return *this;
    }
    Fields& set_null(int column) {
        fields_.push_back({column, true, Datum(0)});
        return *this;
    }
    Fields& big(int column, int64 value) { return set(column, Int64GetDatum(value)); }
    Fields& integer(int column, int32 value) { return set(column, Int32GetDatum(value)); }
    Fields& small(int column, int32 value) { return set(column, Int16GetDatum(static_cast<int16>(value))); }
    Fields& boolean(int column, bool value) { return set(column, BoolGetDatum(value)); }
    Fields& real(int column, float value) { return set(column, Float4GetDatum(value)); }
    Fields& number(int column, double value) { return set(column, Float8GetDatum(value)); }
    Fields& time(int column, TimestampTz value) { return set(column, TimestampTzGetDatum(value)); }
    // Copied into the current memory context.
    Fields& string(int column, std::string_view value);
    // What the row has there, NULL or not.
    Fields& copy(int column, const FoundRow& row, int from) {
        return row.is_null(from) ? set_null(column) : set(column, row.datum(from));
    }
    void clear() { fields_.clear(); }
    std::span<const Field> all() const { return fields_; }

private:
    std::vector<Field> fields_;
};

// An index that entries are made in, open.
struct TargetIndex {
    Relation relation;
    IndexInfo* info;
    TargetIndex* next;
};

// What a table is opened for: who only reads waits for nobody who merely keeps writers out.
enum class Use { reading, writing };

// An open table, locked for its use until the transaction ends. Objects of this and the next class end with the
// statement; when an error ends them, PostgreSQL closes what they have open.
class Table {
public:
    // The table of the layout, or a partition of it.
    explicit Table(const Layout& layout, Use use = Use::writing, Oid relation = InvalidOid);
    ~Table();
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    // Writes a row anew, or deletes it. Never waits: false, and nothing is done, when somebody holds a lock on the row,
    // is changing it, or has changed it since the Sight in which it was found.
    bool update(const FoundRow& row, const Fields& changes);
    bool remove(const FoundRow& row);

    // Adds a row. It is stored at the latest by flush(), with others that were added; what its fields point to must
    // stay until then.
    void add(const Fields& fields);
    void flush();

    Relation relation() const { return relation_; }
    const AttrNumber* attributes() const { return attributes_; }
    Oid primary_key() const;

private:
    void fill(TupleTableSlot* slot, const Fields& fields) const;
    void index(TupleTableSlot** slots, int count);
    TargetIndex* target_of(Oid index);

    Relation relation_;
    const AttrNumber* attributes_;
    TupleTableSlot* changed_ = nullptr;
    std::vector<TupleTableSlot*> added_; // slots, of which the first waiting_ are filled
    std::size_t waiting_ = 0;
    EState* executor_ = nullptr;     // what conditions and expressions of indexes are worked out in
    TargetIndex* targets_ = nullptr; // indexes that were needed so far, in its memory
    int unwinding_ = std::uncaught_exceptions();
};

// Look-ups in one index of a table, as many as are wanted, one after the other.
class Scan {
public:
    // keys: how many conditions each look-up has. index: the primary key unless given.
    Scan(const Table& table, const Sight& sight, int keys, Oid index = InvalidOid);
    ~Scan();
    Scan(const Scan&) = delete;
    Scan& operator=(const Scan&) = delete;

    void start(std::initializer_list<Key> keys);
    // The next row in the order of the index; false at the end.
    bool next();
    // The same, but passing over `most` entries of the index in all, counted down: those of rows that are gone stay
    // there for as long as somebody's snapshot might see them. False: no more may be passed, or there is no other row.
    // `last` is the first column, a bigint, of the entry that was passed last. For scans begun with start_by_entry().
    bool next_within(int& most, int64& last);
    void start_by_entry(std::initializer_list<Key> keys) {
        scan_->xs_want_itup = true;
        start(keys);
    }
    // Both together, where there is one row at most.
    bool find(std::initializer_list<Key> keys) {
        start(keys);
        return next();
    }
    FoundRow row() const { return {slot_, attributes_}; }

private:
    Relation index_ = nullptr;
    IndexScanDesc scan_ = nullptr;
    TupleTableSlot* slot_ = nullptr;
    const AttrNumber* attributes_;
    int unwinding_ = std::uncaught_exceptions();
};

// A table that is partitioned by ranges of job ids: its partitions are opened as ids ask for them.
class PartitionedTable {
public:
    explicit PartitionedTable(const Layout& layout, Use use = Use::writing);
    ~PartitionedTable();
    PartitionedTable(const PartitionedTable&) = delete;
    PartitionedTable& operator=(const PartitionedTable&) = delete;

    // The partition that takes this id; none when there is none.
    Table* of(int64 id);
    // Looks a row up in its partition, by the primary key.
    Scan* find(const Sight& sight, int64 id, std::initializer_list<Key> keys);
    // Adds a row to its partition, which must be there, as Table::add does.
    void add(int64 id, const Fields& fields);
    void flush();

private:
    struct Part {
        std::unique_ptr<Table> table;
        std::unique_ptr<Scan> scan;
    };
    Part* part_of(int64 id);

    const Layout& layout_;
    const Use use_;
    Relation parent_;
    std::map<Oid, Part> parts_;
    int unwinding_ = std::uncaught_exceptions();
};

} // namespace rcq::pg
