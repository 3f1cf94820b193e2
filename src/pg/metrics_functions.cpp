// What was counted and published, as rows for SQL.
#include "shared.hpp"
#include "values.hpp"

namespace {

using namespace rcq::pg;

// Adds rows to the set that a function returns.
class Rows {
public:
    explicit Rows(FunctionCallInfo fcinfo) {
        call([&] { InitMaterializedSRF(fcinfo, 0); });
        result_ = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    }
    void add(Datum* values, bool* nulls) {
        call([&] { tuplestore_putvalues(result_->setResult, result_->setDesc, values, nulls); });
    }

private:
    ReturnSetInfo* result_;
};

} // namespace

// -> (status, jobs)
RCQ_FUNCTION(rcq_ended_counts) {
    Rows rows(fcinfo);
    DatabaseSlot* slot = own_slot();
    constexpr std::pair<Counter, const char*> ends[] = {
        {Counter::completed, "completed"}, {Counter::failed, "failed"}, {Counter::cancelled, "cancelled"}};
    for (const auto& [counter, status] : ends) {
        Datum values[] = {text_datum(status), Int64GetDatum(0)};
        if (slot)
            values[1] = Int64GetDatum(
                static_cast<int64>(pg_atomic_read_u64(&slot->metrics.counter[static_cast<int>(counter)])));
        bool nulls[] = {false, false};
        rows.add(values, nulls);
    }
    PG_RETURN_NULL();
}

// -> (group_id, pending, held, assigned, running, oldest); group 0 stands for all that have no place of their own
RCQ_FUNCTION(rcq_group_counts) {
    Rows rows(fcinfo);
    const DatabaseSlot* slot = own_slot();
    if (!slot) PG_RETURN_NULL();
    std::vector<GroupGauges> groups;
    groups.reserve(Gauges::max_groups + 1);
    {
        LockGuard guard(slot->publish_lock, LW_SHARED);
        const Gauges& gauges = slot->metrics.gauges;
        groups.assign(gauges.group, gauges.group + gauges.groups);
    }
    for (const GroupGauges& group : groups) {
        Datum values[] = {Int32GetDatum(group.group),   Int64GetDatum(group.pending),
                          Int64GetDatum(group.held),    Int64GetDatum(group.assigned),
                          Int64GetDatum(group.running), TimestampTzGetDatum(group.oldest)};
        bool nulls[] = {false, false, false, false, false, group.oldest == 0};
        rows.add(values, nulls);
    }
    PG_RETURN_NULL();
}
