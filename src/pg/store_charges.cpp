// What runs that have ended used, by what became of them.
#include "layouts.hpp"
#include "store.hpp"

namespace rcq::pg::store {

namespace {

// How a run ended, if it was not lost and did start.
struct End {
    TimestampTz claimed_at, ended_at;
    bool by_itself;
};

class Ends {
public:
    explicit Ends(const Sight& sight) : sight_(sight) {}

    // None: the run is not to be charged.
    std::optional<End> find(const EndedRun& run) {
        if (Scan* found = in(outcomes_, outcome::layout).find(sight_, run.job, {equals(run.job)})) {
            const FoundRow row = found->row();
            if (!row.is_null(outcome::token) && row.big(outcome::token) == run.token) {
                const bool completed = row.string(outcome::status) == "completed";
                return end(row, outcome::reason, outcome::claimed_at, outcome::ended_at, completed);
            }
        }
        Scan* found = in(superseded_, superseded::layout).find(sight_, run.job, {equals(run.job)});
        for (bool is_there = found != nullptr; is_there; is_there = found->next()) {
            const FoundRow row = found->row();
            if (row.big(superseded::token) == run.token)
                return end(row, superseded::reason, superseded::claimed_at, superseded::ended_at, false);
        }
        return std::nullopt;
    }

    // What the job's owner had estimated.
    std::optional<core::Micros> estimate(int64 id) {
        Scan* found = in(jobs_, job::layout).find(sight_, id, {equals(id)});
        if (!found || found->row().is_null(job::estimate)) return std::nullopt;
        const Datum estimate = found->row().datum(job::estimate);
        const Interval* interval = DatumGetIntervalP(estimate);
        const int years = interval->month / MONTHS_PER_YEAR;
        const int months = interval->month % MONTHS_PER_YEAR;
        const double days = interval->day + years * DAYS_PER_YEAR + static_cast<double>(months) * DAYS_PER_MONTH;
        return interval->time + static_cast<core::Micros>(days * static_cast<double>(core::day));
    }

private:
    static std::optional<End> end(const FoundRow& row, int reason_column, int claimed_at, int ended_at,
                                  bool completed) {
        const std::string reason = row.is_null(reason_column) ? "" : std::string(row.string(reason_column));
        if (reason == "executor_lost" || reason == "not_started" || row.is_null(claimed_at)) return std::nullopt;
        return End{row.time(claimed_at), row.time(ended_at), completed || reason == "exit_code" || reason == "signal"};
    }

    // Opened when it is first looked at.
    static PartitionedTable& in(std::optional<PartitionedTable>& table, const Layout& layout) {
        return table ? *table : table.emplace(layout, Use::reading);
    }

    const Sight& sight_;
    std::optional<PartitionedTable> outcomes_, superseded_, jobs_;
};

} // namespace

void read_charges(const Sight& sight, const std::vector<EndedRun>& runs,
                  const std::function<void(const EndedRun&, const Used&)>& each,
                  const std::function<void(const Duration&)>& took) {
    Ends ends(sight);
    for (const EndedRun& run : runs) {
        const std::optional<End> end = ends.find(run);
        if (!end) continue;
        const double seconds = static_cast<double>(end->ended_at - end->claimed_at) / core::second;
        each(run, {run.group, run.user, end->claimed_at, end->ended_at, run.granted.cpu_cores * seconds,
                   static_cast<double>(run.granted.memory_mib) / 1024.0 * seconds,
                   run.granted.gpu_milli / 1000.0 * seconds, run.gpu_type});
        if (!run.may_have_estimate || !end->by_itself) continue;
        if (const std::optional<core::Micros> estimate = ends.estimate(run.job))
            took({run.user, *estimate, end->ended_at - end->claimed_at});
    }
}

} // namespace rcq::pg::store
