#include "job_state.hpp"

#include "arrays.hpp"
#include "pending_answer.hpp"
#include "relations.hpp"

namespace rcq::pg {

namespace {

constexpr const char* restored_columns[] = {"job_id", "user_id", "priority"};
const Layout restored_layout{"restored", restored_columns};
constexpr const char* array_columns[] = {"job_id", "size", "completed", "failed", "cancelled"};
const Layout array_layout{"array", array_columns};
enum ArrayColumn : int { array_job_id, array_size, array_completed, array_failed, array_cancelled };

} // namespace

std::string_view text_or_none(const FoundRow& row, int column) {
    return row.is_null(column) ? std::string_view() : row.string(column);
}

PendingState pending_state(const FoundRow& row) {
    PendingColumns columns;
    columns.job_id = row.big(live::job_id);
    columns.group_id = row.integer(live::group_id);
    columns.user_id = row.integer(live::user_id);
    columns.priority = row.small(live::priority);
    columns.shape.cpu_cores = row.integer(live::cpu_cores);
    columns.shape.memory_mib = row.integer(live::memory_mib);
    columns.shape.gpu_count = row.integer(live::gpu_count);
    if (!row.is_null(live::features)) columns.shape.features = texts_of(row.datum(live::features));
    columns.held = row.boolean(live::held);
    columns.eligible_at = row.time(live::eligible_at);
    if (!row.is_null(live::cpu_cores_min)) columns.shape.cpu_cores_min = row.integer(live::cpu_cores_min);
    columns.shape.gpu_type = text_or_none(row, live::gpu_type);
    columns.shape.constraints = text_or_none(row, live::constraints);
    if (!row.is_null(live::consumables))
        columns.shape.consumables = json_amounts(call([&] { return DatumGetJsonbP(row.datum(live::consumables)); }));
    columns.shape.exclusive = row.boolean(live::exclusive);
    columns.preemptible = row.boolean(live::preemptible);
    columns.concurrency_key = text_or_none(row, live::concurrency_key);
    if (!row.is_null(live::array_id)) columns.array_id = row.big(live::array_id);
    if (!row.is_null(live::array_throttle)) columns.array_throttle = row.integer(live::array_throttle);
    columns.unmet = row.integer(live::unmet);
    columns.failures = std::max(row.small(live::failures), row.small(live::losses));
    return pending_answer(std::move(columns));
}

std::string_view running_reason(const FoundRow& live) {
    if (!live.is_null(live::cancel_requested_at)) return "cancelling";
    if (!live.is_null(live::preempt_requested_at)) return "preempting";
    if (!live.is_null(live::requeue_requested_at)) return "requeueing";
    return {};
}

std::optional<RestoredJob> restored_job(const Sight& sight, int64 job_id) {
    const Table table(restored_layout, Use::reading);
    Scan scan(table, sight, 1);
    if (!scan.find({equals(job_id)})) return std::nullopt;
    return RestoredJob{scan.row().integer(1), scan.row().small(2)};
}

std::optional<RunProgress> ProgressReader::of(int64 job_id, int64 token) {
    if (!rows_) rows_.emplace(sight_);
    if (!rows_->by_job.find({equals(job_id)})) return std::nullopt;
    const FoundRow row = rows_->by_job.row();
    if (row.big(progress::token) != token) return std::nullopt;
    RunProgress found{row.small(progress::percent), std::nullopt};
    if (!row.is_null(progress::message)) found.message = row.string(progress::message);
    return found;
}

ArrayProgressReader::Tables::Tables(const Sight& sight)
    : arrays(array_layout, Use::reading), ends(array_end::layout, Use::reading), array(arrays, sight, 1),
      lately(ends, sight, 1, call([] { return relation_id("array_end_array"); })) {}

std::optional<int32> ArrayProgressReader::of(int64 array_id) {
    if (!tables_) tables_.emplace(sight_);
    if (!tables_->array.find({equals(array_id)})) return std::nullopt;
    const FoundRow array = tables_->array.row();
    const int64 size = array.integer(array_size);
    int64 ended = int64{array.integer(array_completed)} + array.integer(array_failed) + array.integer(array_cancelled);
    tables_->lately.start({equals(array_id)});
    while (tables_->lately.next()) {
        const FoundRow more = tables_->lately.row();
        ended += int64{more.integer(array_end::completed)} + more.integer(array_end::failed) +
                 more.integer(array_end::cancelled);
    }
    return static_cast<int32>(std::min(ended, size) * 100 / std::max<int64>(size, 1));
}

} // namespace rcq::pg
