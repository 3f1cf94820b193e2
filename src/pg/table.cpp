#include "table.hpp"

#include "relations.hpp"
#include "values.hpp"

extern "C" {
#include "catalog/index.h"
#include "storage/lmgr.h"
}

namespace rcq::pg {

namespace {

constexpr std::size_t most_added = 500; // rows that are stored together

// Where the columns of a layout stand in one table. A table's columns are added and dropped, which changes their
// number, but never renamed.
struct Mapping {
    const Layout* layout;
    int columns;
    std::vector<AttrNumber> attributes;
};

const AttrNumber* attributes_of(Relation relation, const Layout& layout) {
    static std::unordered_map<Oid, Mapping> known;
    const TupleDesc desc = RelationGetDescr(relation);
    Mapping& mapping = known[RelationGetRelid(relation)];
    if (mapping.layout == &layout && mapping.columns == desc->natts) return mapping.attributes.data();
    mapping.layout = nullptr;
    mapping.attributes.clear();
    for (const char* name : layout.columns) {
        int number = 0;
        while (number < desc->natts && (TupleDescAttr(desc, number)->attisdropped ||
                                        strcmp(NameStr(TupleDescAttr(desc, number)->attname), name) != 0))
            number++;
        if (number == desc->natts) refuse_old_sql();
        mapping.attributes.push_back(static_cast<AttrNumber>(number + 1));
    }
    mapping.columns = desc->natts;
    mapping.layout = &layout;
    return mapping.attributes.data();
}

// Behind the guard.
Relation open(Oid relation, Use use) {
    return table_open(relation, use == Use::reading ? AccessShareLock : RowExclusiveLock);
}

// As a statement would be refused in a transaction that may only read, and on a standby. Behind the guard.
CommandId writing_command([[maybe_unused]] Relation relation) {
    Assert(CheckRelationLockedByMe(relation, RowExclusiveLock, true));
    PreventCommandIfReadOnly("a change of rcq's tables");
    return GetCurrentCommandId(true);
}

// The column of which a partial index has the rows where it is not NULL, in the plainest of conditions. What is known
// of an index is known for good: its condition never changes.
AttrNumber wanted_column(Relation relation, Oid index) {
    struct Known {
        Oid table;
        AttrNumber column;
    };
    static std::unordered_map<Oid, Known> known;
    if (const auto found = known.find(index); found != known.end() && found->second.table == RelationGetRelid(relation))
        return found->second.column;
    const AttrNumber column = call([&]() -> AttrNumber {
        Relation opened = index_open(index, AccessShareLock);
        const List* conditions = RelationGetIndexPredicate(opened);
        index_close(opened, AccessShareLock);
        if (list_length(conditions) != 1 || !IsA(linitial(conditions), NullTest)) return InvalidAttrNumber;
        const auto* test = static_cast<const NullTest*>(linitial(conditions));
        if (test->nulltesttype != IS_NOT_NULL || test->argisrow || !IsA(test->arg, Var)) return InvalidAttrNumber;
        return std::max<AttrNumber>(reinterpret_cast<const Var*>(test->arg)->varattno, InvalidAttrNumber);
    });
    known[index] = {RelationGetRelid(relation), column};
    return column;
}

// The entry of a stored row in an index, if its condition wants the row. Behind the guard.
void add_entry(Relation table, const TargetIndex& target, TupleTableSlot* slot, EState* executor) {
    IndexInfo* info = target.info;
    if (!info->ii_ReadyForInserts) return;
    const MemoryContext outside = MemoryContextSwitchTo(GetPerTupleMemoryContext(executor));
    ExprContext* expressions = GetPerTupleExprContext(executor);
    expressions->ecxt_scantuple = slot;
    if (info->ii_Predicate != NIL && !info->ii_PredicateState)
        info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, executor);
    if (info->ii_Predicate == NIL || ExecQual(info->ii_PredicateState, expressions)) {
        Datum values[INDEX_MAX_KEYS];
        bool nulls[INDEX_MAX_KEYS];
        FormIndexDatum(info, slot, executor, values, nulls);
        index_insert(target.relation, values, nulls, &slot->tts_tid, table,
                     info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, info);
    }
    MemoryContextSwitchTo(outside);
    ResetPerTupleExprContext(executor);
}

// Whether nothing is on its way out that was not when `unwinding` was counted: else whatever is open is left to
// PostgreSQL, which is about to end the transaction or subtransaction.
bool ends_in_order(int unwinding) { return std::uncaught_exceptions() == unwinding; }

} // namespace

Sight::Sight() {
    call([] {
        CommandCounterIncrement();
        PushActiveSnapshot(GetTransactionSnapshot());
    });
}

Sight::~Sight() {
    if (ActiveSnapshotSet()) PopActiveSnapshot();
}

void Sight::renew() {
    call([] {
        PopActiveSnapshot();
        CommandCounterIncrement();
        PushActiveSnapshot(GetTransactionSnapshot());
    });
}

std::string_view FoundRow::string(int column) const {
    const Datum value = datum(column);
    const auto* found = call([&] { return DatumGetTextPP(value); });
    return {VARDATA_ANY(found), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(found))};
}

Fields& Fields::string(int column, std::string_view value) { return set(column, text_datum(value)); }

Table::Table(const Layout& layout, Use use, Oid relation)
    : relation_(call([&] { return open(OidIsValid(relation) ? relation : relation_id(layout.table), use); })),
      attributes_(attributes_of(relation_, layout)) {}

Table::~Table() {
    if (!ends_in_order(unwinding_)) return;
    if (changed_) ExecDropSingleTupleTableSlot(changed_);
    for (TupleTableSlot* slot : added_) ExecDropSingleTupleTableSlot(slot);
    for (TargetIndex* target = targets_; target; target = target->next) {
#if PG_VERSION_NUM >= 170000
        index_insert_cleanup(target->relation, target->info);
#endif
        index_close(target->relation, RowExclusiveLock);
    }
    if (executor_) FreeExecutorState(executor_);
    table_close(relation_, NoLock);
}

Oid Table::primary_key() const {
    return call([&] {
        list_free(RelationGetIndexList(relation_));
        return relation_->rd_pkindex;
    });
}

// Virtual values of a new row in a slot.
void Table::fill(TupleTableSlot* slot, const Fields& fields) const {
    const TupleDesc desc = RelationGetDescr(relation_);
    ExecClearTuple(slot);
    std::fill_n(slot->tts_isnull, desc->natts, true);
    for (const Fields::Field& field : fields.all()) {
        const int at = attributes_[field.column] - 1;
        slot->tts_isnull[at] = field.null;
        slot->tts_values[at] = field.value;
    }
    for (int at = 0; at < desc->natts; at++)
        if (slot->tts_isnull[at] && TupleDescAttr(desc, at)->attnotnull && !TupleDescAttr(desc, at)->attisdropped)
            elog(ERROR, "column %s of table %s is missing", NameStr(TupleDescAttr(desc, at)->attname),
                 RelationGetRelationName(relation_));
    ExecStoreVirtualTuple(slot);
}

// Makes the entries of stored rows in all indexes, one index after the other. Behind the guard.
void Table::index(TupleTableSlot** slots, int count) {
    if (!executor_) executor_ = CreateExecutorState();
    List* indexes = RelationGetIndexList(relation_);
    ListCell* cell;
    foreach (cell, indexes) {
        const AttrNumber wanted = wanted_column(relation_, lfirst_oid(cell));
        TargetIndex* target = nullptr;
        for (int k = 0; k < count; k++) {
            if (wanted != InvalidAttrNumber && slots[k]->tts_isnull[wanted - 1]) continue;
            if (!target) target = target_of(lfirst_oid(cell));
            add_entry(relation_, *target, slots[k], executor_);
        }
    }
    list_free(indexes);
}

// Opens an index, once. Behind the guard.
TargetIndex* Table::target_of(Oid index) {
    for (TargetIndex* target = targets_; target; target = target->next)
        if (RelationGetRelid(target->relation) == index) return target;
    const MemoryContext outside = MemoryContextSwitchTo(executor_->es_query_cxt);
    auto* target = static_cast<TargetIndex*>(palloc(sizeof(TargetIndex)));
    target->relation = index_open(index, RowExclusiveLock);
    target->info = BuildIndexInfo(target->relation);
    target->next = targets_;
    if (target->info->ii_ExclusionOps || (target->info->ii_Unique && !target->relation->rd_index->indimmediate))
        elog(ERROR, "index %s is of a constraint that is deferrable or excludes",
             RelationGetRelationName(target->relation));
    targets_ = target;
    MemoryContextSwitchTo(outside);
    return target;
}

bool Table::update(const FoundRow& row, const Fields& changes) {
    return call([&] {
        TupleTableSlot* const old = row.slot();
        if (!changed_) changed_ = table_slot_create(relation_, nullptr);
        ExecClearTuple(changed_);
        const auto columns = static_cast<std::size_t>(RelationGetDescr(relation_)->natts);
        memcpy(changed_->tts_values, old->tts_values, columns * sizeof(Datum));
        memcpy(changed_->tts_isnull, old->tts_isnull, columns * sizeof(bool));
        for (const Fields::Field& field : changes.all()) {
            const int at = attributes_[field.column] - 1;
            changed_->tts_values[at] = field.value;
            changed_->tts_isnull[at] = field.null;
        }
        ExecStoreVirtualTuple(changed_);
        TM_FailureData failure;
        LockTupleMode mode;
#if PG_VERSION_NUM >= 160000
        TU_UpdateIndexes indexes = TU_None;
#else
        bool indexes = false;
#endif
        const TM_Result result =
            table_tuple_update(relation_, &old->tts_tid, changed_, writing_command(relation_), GetActiveSnapshot(),
                               InvalidSnapshot, false, &failure, &mode, &indexes);
        if (result == TM_Invisible) elog(ERROR, "attempted to update invisible tuple");
#if PG_VERSION_NUM >= 160000
        if (result == TM_Ok && indexes != TU_None) index(&changed_, 1); // no index here only summarises
#else
        if (result == TM_Ok && indexes) index(&changed_, 1);
#endif
        ExecClearTuple(changed_);
        return result == TM_Ok;
    });
}

bool Table::remove(const FoundRow& row) {
    return call([&] {
        TM_FailureData failure;
        const TM_Result result = table_tuple_delete(relation_, &row.slot()->tts_tid, writing_command(relation_),
                                                    GetActiveSnapshot(), InvalidSnapshot, false, &failure, false);
        if (result == TM_Invisible) elog(ERROR, "attempted to delete invisible tuple");
        return result == TM_Ok;
    });
}

void Table::add(const Fields& fields) {
    if (waiting_ == added_.size()) {
        added_.reserve(waiting_ + 1);
        added_.push_back(call([&] { return table_slot_create(relation_, nullptr); }));
    }
    TupleTableSlot* const slot = added_[waiting_];
    call([&] { fill(slot, fields); });
    if (++waiting_ == most_added) flush();
}

void Table::flush() {
    if (waiting_ == 0) return;
    TupleTableSlot** const slots = added_.data();
    const auto count = static_cast<int>(waiting_);
    call([&] {
        const CommandId command = writing_command(relation_);
        if (count == 1)
            table_tuple_insert(relation_, slots[0], command, 0, nullptr);
        else
            table_multi_insert(relation_, slots, count, command, 0, nullptr);
        index(slots, count);
        for (int k = 0; k < count; k++) ExecClearTuple(slots[k]);
    });
    waiting_ = 0;
}

Scan::Scan(const Table& table, const Sight& sight, int keys, Oid index) : attributes_(table.attributes()) {
    const Oid wanted = OidIsValid(index) ? index : table.primary_key();
    const Snapshot snapshot = sight.snapshot();
    const Relation relation = table.relation();
    call([&] {
        slot_ = table_slot_create(relation, nullptr);
        index_ = index_open(wanted, AccessShareLock);
#if PG_VERSION_NUM >= 180000
        scan_ = index_beginscan(relation, index_, snapshot, nullptr, keys, 0);
#else
        scan_ = index_beginscan(relation, index_, snapshot, keys, 0);
#endif
    });
}

Scan::~Scan() {
    if (!scan_ || !ends_in_order(unwinding_)) return;
    index_endscan(scan_);
    index_close(index_, NoLock);
    ExecDropSingleTupleTableSlot(slot_);
}

void Scan::start(std::initializer_list<Key> keys) {
    ScanKeyData wanted[4];
    int count = 0;
    AttrNumber column = 1;
    for (const Key& key : keys) {
        call([&] { ScanKeyInit(&wanted[count], column, key.strategy, key.compare, key.value); });
        count++;
        if (key.strategy == BTEqualStrategyNumber) column++; // what follows a bound is the other one
    }
    call([&] { index_rescan(scan_, wanted, count, nullptr, 0); });
}

bool Scan::next() {
    return call([&] {
        if (!index_getnext_slot(scan_, ForwardScanDirection, slot_)) return false;
        slot_getallattrs(slot_);
        return true;
    });
}

bool Scan::next_within(int& most, int64& last) {
    return call([&] {
        while (most > 0 && index_getnext_tid(scan_, ForwardScanDirection)) {
            most--;
            bool null;
            last = DatumGetInt64(index_getattr(scan_->xs_itup, 1, scan_->xs_itupdesc, &null));
            if (!index_fetch_heap(scan_, slot_)) continue;
            slot_getallattrs(slot_);
            return true;
        }
        return false;
    });
}

PartitionedTable::PartitionedTable(const Layout& layout, Use use)
    : layout_(layout), use_(use), parent_(call([&] { return open(relation_id(layout.table), use); })) {}

PartitionedTable::~PartitionedTable() {
    if (!ends_in_order(unwinding_)) return;
    parts_.clear();
    table_close(parent_, NoLock);
}

PartitionedTable::Part* PartitionedTable::part_of(int64 id) {
    const Oid partition = call([&]() -> Oid {
        const PartitionDesc partitions = RelationGetPartitionDesc(parent_, true);
        if (partitions->nparts == 0) return InvalidOid;
        const PartitionKey key = RelationGetPartitionKey(parent_);
        Datum value = Int64GetDatum(id);
        bool equal;
        const int bound = partition_range_datum_bsearch(key->partsupfunc, key->partcollation, partitions->boundinfo, 1,
                                                        &value, &equal);
        const int index = partitions->boundinfo->indexes[bound + 1];
        return index < 0 ? InvalidOid : partitions->oids[index];
    });
    if (!OidIsValid(partition)) return nullptr;
    Part& part = parts_[partition];
    if (!part.table) part.table = std::make_unique<Table>(layout_, use_, partition);
    return &part;
}

Table* PartitionedTable::of(int64 id) {
    Part* const part = part_of(id);
    return part ? part->table.get() : nullptr;
}

Scan* PartitionedTable::find(const Sight& sight, int64 id, std::initializer_list<Key> keys) {
    Part* const part = part_of(id);
    if (!part) return nullptr;
    if (!part->scan) part->scan = std::make_unique<Scan>(*part->table, sight, static_cast<int>(keys.size()));
    return part->scan->find(keys) ? part->scan.get() : nullptr;
}

void PartitionedTable::add(int64 id, const Fields& fields) {
    Part* const part = part_of(id);
    if (!part) throw std::logic_error("there is no partition for job " + std::to_string(id));
    part->table->add(fields);
}

void PartitionedTable::flush() {
    for (auto& [oid, part] : parts_) part.table->flush();
}

} // namespace rcq::pg
