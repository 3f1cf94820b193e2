// Times before which pending jobs must not start, where a clock that was ahead has written them.
#include "changes.hpp"
#include "layouts.hpp"
#include "store.hpp"

#include <optional>

namespace rcq::pg::store {

namespace {

class Delays {
public:
    Delays(const Sight& sight, TimestampTz now) : sight_(sight), now_(now) {}

    // When a job that has not started may: as long after now as it was to wait after its last run, if that ended by a
    // clock that was ahead; or when its owner says; or now. A wait that is longer than the clock was ahead may come out
    // shorter when this is asked again.
    TimestampTz due(const FoundRow& live) {
        const int64 id = live.big(live::job_id);
        const TimestampTz written = live.time(live::eligible_at);
        if (const auto ended = last_end(id))
            return *ended > now_ && written >= *ended ? now_ + (written - *ended) : written;
        std::optional<TimestampTz> begin = begin_time(id);
        if (!begin && !live.is_null(live::array_id)) begin = begin_time(live.big(live::array_id));
        return std::max(now_, begin.value_or(now_));
    }

private:
    std::optional<TimestampTz> last_end(int64 id) {
        std::optional<TimestampTz> last;
        Scan* runs = runs_.find(sight_, id, {equals(id)});
        for (bool found = runs != nullptr; found; found = runs->next()) last = runs->row().time(superseded::ended_at);
        return last;
    }

    std::optional<TimestampTz> begin_time(int64 id) {
        Scan* job = jobs_.find(sight_, id, {equals(id)});
        if (!job || job->row().is_null(job::begin_time)) return std::nullopt;
        return job->row().time(job::begin_time);
    }

    const Sight& sight_;
    TimestampTz now_;
    PartitionedTable runs_{superseded::layout, Use::reading}, jobs_{job::layout, Use::reading};
};

} // namespace

void correct_delays(Sight& sight, const std::vector<int64>& jobs, TimestampTz now) {
    sight.renew();
    Table table(live::layout);
    Scan scan(table, sight, 1);
    Delays delays(sight, now);
    Fields fields;
    for (const int64 id : jobs) {
        if (!scan.find({equals(id)})) continue;
        const FoundRow row = scan.row();
        if (!row.is_null(live::placed_at) && row.is_null(live::tasks_waiting)) continue;
        const TimestampTz due = delays.due(row);
        if (due >= row.time(live::eligible_at)) continue;
        fields.clear();
        if (table.update(row, fields.time(live::eligible_at, due))) note_job(id, true);
    }
}

} // namespace rcq::pg::store
