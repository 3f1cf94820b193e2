// Live rows as the scheduler reads them: by key, without a statement.
#include "arrays.hpp"
#include "json.hpp"
#include "layouts.hpp"
#include "shapes.hpp"
#include "store.hpp"

namespace rcq::pg::store {

namespace {

std::string text_or_empty(const FoundRow& row, int column) {
    return row.is_null(column) ? std::string() : std::string(row.string(column));
}

int32 granted_or(const FoundRow& row, int granted, int wanted) {
    return row.integer(row.is_null(granted) ? wanted : granted);
}

// A value of variable length as it is stored: equal images are equal values.
std::string_view image(const FoundRow& row, int column) {
    if (row.is_null(column)) return {};
    const char* stored = DatumGetPointer(row.datum(column));
    return {stored, static_cast<std::size_t>(VARSIZE_ANY(stored))};
}

} // namespace

LiveRows::LiveRows(const Sight& sight)
    : table_(live::layout, Use::reading), scan_(table_, sight, 2),
      scratch_(call([] { return AllocSetContextCreate(CurrentMemoryContext, "rcq live row", ALLOCSET_SMALL_SIZES); })) {
}

void LiveRows::in(const JobRange& range, const Each& each) {
    scan_.start({at_least(range.first), at_most(range.last)});
    uint64 seen = 0;
    while (scan_.next()) {
        each(convert(scan_.row()));
        if (++seen % 1024 == 0) call([] { CHECK_FOR_INTERRUPTS(); });
    }
}

std::optional<int64> LiveRows::last_of(int64 first, int rows, int entries) {
    int64 last = first;
    int left = entries;
    scan_.start_by_entry({at_least(first), at_most((std::numeric_limits<int64>::max)())});
    while (rows-- > 0 && scan_.next_within(left, last)) {
    }
    if (left == entries) return {};
    return last;
}

// What executors must offer, by the columns that say so, or as it was said for the row before if that is the same.
const core::Constraint& LiveRows::constraint_of(const FoundRow& row) {
    const std::string_view features = image(row, live::features), constraints = image(row, live::constraints);
    if (features == known_features_ && constraints == known_constraints_) return known_constraint_;
    ShapeColumns columns;
    if (!features.empty()) columns.features = texts_of(row.datum(live::features));
    columns.constraints = text_or_empty(row, live::constraints);
    known_constraint_ = make_shape(std::move(columns)).constraint;
    known_features_ = features;
    known_constraints_ = constraints;
    return known_constraint_;
}

LiveRow LiveRows::convert(const FoundRow& row) {
    using namespace live;
    LiveRow live;
    core::Job& job = live.job;
    job.id = row.big(job_id);
    job.user = row.integer(user_id);
    job.group = row.integer(group_id);
    job.priority = row.small(priority);
    job.preemptible = row.boolean(preemptible);
    job.eligible_at = row.time(eligible_at);
    job.held = row.boolean(held);
    if (!row.is_null(planned_s)) job.estimate = row.integer(planned_s) * core::second;
    if (!row.is_null(time_limit_s)) job.time_limit = row.integer(time_limit_s) * core::second;
    if (!row.is_null(tasks_waiting)) live.tasks_waiting = row.integer(tasks_waiting);
    if (!row.is_null(array_id))
        job.array = row.big(array_id);
    else if (live.tasks_waiting)
        job.array = job.id; // as its tasks have it
    if (!row.is_null(array_throttle)) job.array_throttle = row.integer(array_throttle);

    ShapeColumns columns;
    columns.cpu_cores = row.integer(cpu_cores);
    columns.memory_mib = row.integer(memory_mib);
    columns.gpu_count = row.integer(gpu_count);
    columns.exclusive = row.boolean(exclusive);
    if (!row.is_null(cpu_cores_min)) columns.cpu_cores_min = row.integer(cpu_cores_min);
    if (!row.is_null(gpu_type) || !row.is_null(concurrency_key) || !row.is_null(features) ||
        !row.is_null(constraints) || !row.is_null(consumables)) { // what few jobs have may be copied to be read
        const MemoryContext outside = MemoryContextSwitchTo(scratch_);
        columns.gpu_type = text_or_empty(row, gpu_type);
        job.concurrency_key = text_or_empty(row, concurrency_key);
        if (!row.is_null(consumables))
            columns.consumables = json_amounts(call([&] { return DatumGetJsonbP(row.datum(consumables)); }));
        const core::Constraint constraint = constraint_of(row);
        job.shape = make_shape(std::move(columns));
        job.shape.constraint = constraint;
        MemoryContextSwitchTo(outside);
        call([&] { MemoryContextReset(scratch_); });
    } else {
        job.shape = make_shape(std::move(columns));
    }

    if (!row.is_null(placed_at)) {
        if (!row.is_null(executor_id)) {
            live.executor = row.integer(executor_id);
            live.token = row.big(token);
        }
        live.placed_at = row.time(placed_at);
        if (!row.is_null(claimed_at)) live.claimed_at = row.time(claimed_at);
        live.cancelling = !row.is_null(cancel_requested_at);
        live.preempting = !row.is_null(preempt_requested_at);
        live.granted = {granted_or(row, granted_cores, cpu_cores), granted_or(row, granted_memory_mib, memory_mib),
                        granted_or(row, granted_gpus, gpu_count) * 1000};
    }
    live.requeueing = !row.is_null(requeue_requested_at);
    live.may_requeue = row.boolean(requeue);
    if (!row.is_null(deadline) && (!live.claimed_at || live.tasks_waiting)) live.deadline = row.time(deadline);
    live.preempted = row.small(preempted);
    live.unmet = row.integer(unmet);
    return live;
}

} // namespace rcq::pg::store
