#include "metrics_counting.hpp"

#include "arrays.hpp"
#include "shared.hpp"

namespace rcq::pg {

namespace {

// Counted by one level of (sub)transactions.
struct Tally {
    int level = 0;
    uint64 counter[counters] = {};
    uint64 run[run_bounds.cells] = {};
    uint64 run_microseconds = 0;

    void add(const Tally& other) {
        for (int k = 0; k < counters; k++) counter[k] += other.counter[k];
        for (std::size_t k = 0; k < run_bounds.cells; k++) run[k] += other.run[k];
        run_microseconds += other.run_microseconds;
    }
};
std::vector<Tally> tallies; // of the levels that counted something, ascending

void apply(Metrics& metrics, const Tally& tally) {
    const auto add = [](pg_atomic_uint64& to, uint64 by) {
        if (by > 0) pg_atomic_fetch_add_u64(&to, static_cast<int64>(by));
    };
    for (int k = 0; k < counters; k++) add(metrics.counter[k], tally.counter[k]);
    for (std::size_t k = 0; k < run_bounds.cells; k++) add(metrics.runs.cell[k], tally.run[k]);
    add(metrics.runs.microseconds, tally.run_microseconds);
}

extern "C" void at_end(XactEvent event, void*) {
    switch (event) {
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_PARALLEL_COMMIT:
        if (!tallies.empty() && shared)
            if (DatabaseSlot* slot = own_slot()) apply(slot->metrics, tallies.front());
        [[fallthrough]];
    case XACT_EVENT_ABORT:
    case XACT_EVENT_PARALLEL_ABORT:
    case XACT_EVENT_PREPARE:
        tallies.clear();
        break;
    default:
        break;
    }
}

extern "C" void at_sub_end(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
    if (tallies.empty()) return;
    const int level = GetCurrentTransactionNestLevel();
    if (event == SUBXACT_EVENT_ABORT_SUB) {
        while (!tallies.empty() && tallies.back().level >= level) tallies.pop_back();
    } else if (event == SUBXACT_EVENT_COMMIT_SUB && tallies.back().level == level) {
        tallies.back().level = level - 1;
        if (tallies.size() > 1 && tallies[tallies.size() - 2].level == level - 1) {
            tallies[tallies.size() - 2].add(tallies.back());
            tallies.pop_back();
        }
    }
}

Tally& tally() {
    static bool registered = false;
    if (!registered) {
        call([] {
            RegisterXactCallback(at_end, nullptr);
            RegisterSubXactCallback(at_sub_end, nullptr);
        });
        registered = true;
    }
    const int level = GetCurrentTransactionNestLevel();
    if (tallies.empty() || tallies.back().level < level) {
        tallies.emplace_back();
        tallies.back().level = level;
    }
    return tallies.back();
}

} // namespace

void count(Counter counter, uint64 by) { tally().counter[static_cast<int>(counter)] += by; }

void count_run(double seconds) {
    Tally& own = tally();
    own.run[run_bounds.cell_of(seconds)]++;
    own.run_microseconds += static_cast<uint64>(std::max(seconds, 0.0) * 1e6);
}

void count_end(std::string_view end, std::string_view status, std::optional<double> seconds) {
    if (end == "executor_lost")
        count(Counter::lost, 1);
    else if (end == "not_started")
        count(Counter::not_started, 1);
    if (status == "pending") {
        if (end == "preempted")
            count(Counter::preempted, 1);
        else if (end == "requeued")
            count(Counter::requeued, 1);
        else if (end != "executor_lost" && end != "not_started")
            count(Counter::retried, 1);
        return;
    }
    count(status == "completed" ? Counter::completed : status == "cancelled" ? Counter::cancelled : Counter::failed, 1);
    if (seconds) count_run(*seconds);
}

} // namespace rcq::pg

RCQ_FUNCTION(rcq_count_submissions) {
    rcq::pg::count(rcq::pg::Counter::submitted, static_cast<uint64>(std::max<int64>(PG_GETARG_INT64(0), 0)));
    PG_RETURN_INT64(PG_GETARG_INT64(0));
}

RCQ_FUNCTION(rcq_count_log_bytes) {
    rcq::pg::count(rcq::pg::Counter::log_bytes, static_cast<uint64>(std::max<int64>(PG_GETARG_INT64(0), 0)));
    PG_RETURN_INT64(PG_GETARG_INT64(0));
}

// (statuses, ends, seconds): of runs, one element each; NULL when there are none. For the SQL objects of 0.5.
RCQ_FUNCTION(rcq_count_ends) {
    using namespace rcq::pg;
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2)) PG_RETURN_INT32(0);
    const std::vector<std::string> statuses = texts_of(PG_GETARG_DATUM(0)), ends = texts_of(PG_GETARG_DATUM(1));
    struct Numbers {
        Datum* data;
        bool* nulls;
        int count;
    };
    const Numbers seconds = call([&] {
        Numbers n;
        deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
                          &n.data, &n.nulls, &n.count);
        return n;
    });
    if (statuses.size() != ends.size() || ends.size() != static_cast<std::size_t>(seconds.count))
        throw SqlError("22023", "arrays of one length are wanted");
    for (std::size_t k = 0; k < ends.size(); k++)
        count_end(ends[k], statuses[k],
                  seconds.nulls[k] ? std::nullopt : std::optional(DatumGetFloat8(seconds.data[k])));
    PG_RETURN_INT32(static_cast<int32>(ends.size()));
}
