// The text of /metrics.
#include "exposition.hpp"

#include "arrays.hpp"
#include "guc.hpp"
#include "http_counters.hpp"
#include "values.hpp"

#include "../core/states.hpp"

namespace rcq::pg {

namespace {

constexpr TimestampTz shortest_silence = 10'000'000; // us, that is taken for the end of a scheduler

uint64 read(const pg_atomic_uint64& counter) { return pg_atomic_read_u64(const_cast<pg_atomic_uint64*>(&counter)); }

// Whether the scheduler works: its process is there and went through a cycle lately.
bool is_well(const DatabaseSlot& slot, TimestampTz last_cycle_at, TimestampTz now) {
    const TimestampTz longest = std::max(shortest_silence, static_cast<TimestampTz>(guc::scheduler_interval) * 5000);
    LockGuard guard(shared->registry_lock, LW_SHARED);
    return slot.pid != 0 && slot.state == SlotState::running && last_cycle_at != 0 && now - last_cycle_at <= longest;
}

// What is read under a lock, all at once.
struct Published {
    TimestampTz last_cycle_at;
    int64 cycles, placements;
    Gauges gauges;
};

std::unique_ptr<Published> read_published(const DatabaseSlot& slot) {
    auto published = std::make_unique<Published>();
    LockGuard guard(slot.publish_lock, LW_SHARED);
    published->last_cycle_at = slot.last_cycle_at;
    published->cycles = slot.cycles;
    published->placements = slot.placements;
    published->gauges = slot.metrics.gauges;
    return published;
}

template <std::size_t N, std::size_t Cells>
void add_histogram(Exposition& out, const HistogramBounds<N>& bounds, const Histogram<Cells>& histogram) {
    static_assert(Cells == N + 1);
    uint64_t cells[Cells];
    for (std::size_t k = 0; k < Cells; k++) cells[k] = read(histogram.cell[k]);
    out.histogram(bounds.seconds, cells, static_cast<double>(read(histogram.microseconds)) / 1e6);
}

void add_up(Exposition& out, bool is_up) {
    out.family("rcq_up", "gauge", "Whether the scheduler of this database works: 1, or 0.");
    out.sample(is_up ? 1 : 0);
}

void add_scheduler(Exposition& out, const DatabaseSlot& slot, const Published& published, TimestampTz now) {
    add_up(out, is_well(slot, published.last_cycle_at, now));
    out.family("rcq_paused", "gauge", "Whether nothing is placed because the cluster is paused or rcq.enabled is off.");
    out.sample(published.gauges.paused ? 1 : 0);
    out.family("rcq_scheduler_cycles_total", "counter", "Cycles of the scheduler.");
    out.sample(published.cycles);
    if (published.last_cycle_at != 0) {
        out.family("rcq_scheduler_last_cycle_age_seconds", "gauge",
                   "Time since the last cycle of the scheduler began.");
        out.sample(static_cast<double>(std::max<TimestampTz>(now - published.last_cycle_at, 0)) / 1e6);
    }
    out.family("rcq_scheduler_cycle_duration_seconds", "histogram", "How long cycles of the scheduler took.");
    add_histogram(out, cycle_bounds, slot.metrics.cycles);
    out.family("rcq_placements_total", "counter", "Jobs that were given to an executor.");
    out.sample(published.placements);
    out.family("rcq_job_wait_seconds", "histogram", "Time from when a job could have started until it was placed.");
    add_histogram(out, wait_bounds, slot.metrics.waits);
}

void add_queue(Exposition& out, const Gauges& gauges, const std::map<int32, std::string>& names, TimestampTz now) {
    const auto name_of = [&](const GroupGauges& group) {
        if (group.group == 0) return std::string("(other)"); // which no group can be called
        const auto found = names.find(group.group);
        return found != names.end() ? found->second : std::to_string(group.group);
    };
    out.family(
        "rcq_jobs", "gauge",
        "Jobs that have not ended, but for those that wait for others and tasks of arrays that are not due yet.");
    for (int32 k = 0; k < gauges.groups; k++) {
        const GroupGauges& group = gauges.group[k];
        const std::string name = name_of(group);
        out.sample(group.pending, {{"group", name}, {"state", "pending"}});
        out.sample(group.held, {{"group", name}, {"state", "held"}});
        out.sample(group.assigned, {{"group", name}, {"state", "assigned"}});
        out.sample(group.running, {{"group", name}, {"state", "running"}});
    }
    out.family("rcq_queue_oldest_wait_seconds", "gauge",
               "How long the job has waited that has waited longest; 0 = none.");
    for (int32 k = 0; k < gauges.groups; k++) {
        const GroupGauges& group = gauges.group[k];
        const TimestampTz waited = group.oldest != 0 ? std::max<TimestampTz>(now - group.oldest, 0) : 0;
        out.sample(static_cast<double>(waited) / 1e6, {{"group", name_of(group)}});
    }
    out.family("rcq_waiting_jobs", "gauge", "Jobs that wait to be placed, by what keeps them; held ones not counted.");
    for (int k = static_cast<int>(core::Reason::priority); k <= static_cast<int>(core::Reason::restored); k++)
        out.sample(gauges.reason[k], {{"reason", core::name(static_cast<core::Reason>(k))}});
}

void add_hosts(Exposition& out, const Gauges& gauges) {
    static constexpr std::string_view names[] = {"idle", "busy", "draining", "offline"};
    static_assert(std::size(names) == static_cast<std::size_t>(HostStatus::count));
    const auto add = [&](std::string_view name, std::string_view help, auto value) {
        out.family(name, "gauge", help);
        for (std::size_t k = 0; k < std::size(names); k++) out.sample(value(gauges.hosts[k]), {{"status", names[k]}});
    };
    constexpr int64 mib = 1048576;
    add("rcq_executors", "Executors by status.", [](const HostGauges& h) { return h.executors; });
    add("rcq_executor_cpu_cores", "Cores of executors.", [](const HostGauges& h) { return h.cpu_cores; });
    add("rcq_executor_cpu_cores_used", "Cores that placed and running jobs hold.",
        [](const HostGauges& h) { return h.cpu_cores_used; });
    add("rcq_executor_memory_bytes", "Memory of executors.", [](const HostGauges& h) { return h.memory_mib * mib; });
    add("rcq_executor_memory_used_bytes", "Memory that placed and running jobs hold.",
        [](const HostGauges& h) { return h.memory_mib_used * mib; });
    add("rcq_executor_gpus", "GPUs of executors.", [](const HostGauges& h) { return h.gpus; });
    add("rcq_executor_gpus_used", "GPUs that placed and running jobs hold.",
        [](const HostGauges& h) { return h.gpus_used; });
}

void add_counters(Exposition& out, const Metrics& metrics) {
    const auto value = [&](Counter counter) { return read(metrics.counter[static_cast<int>(counter)]); };
    const auto add = [&](std::string_view name, Counter counter, std::string_view help) {
        out.family(name, "counter", help);
        out.sample(value(counter));
    };
    add("rcq_submissions_total", Counter::submitted, "Jobs that were submitted; an array counts as one.");
    out.family("jobs_executed_total", "counter", "Jobs that have run and ended, by how they ended.");
    out.sample(value(Counter::completed), {{"status", "completed"}});
    out.sample(value(Counter::failed), {{"status", "failed"}});
    out.sample(value(Counter::cancelled), {{"status", "cancelled"}});
    out.family("job_execution_duration_seconds", "histogram", "How long the runs took with which jobs ended.");
    add_histogram(out, run_bounds, metrics.runs);
    add("rcq_run_retries_total", Counter::retried, "Runs that failed and are followed by another one.");
    add("rcq_run_requeues_total", Counter::requeued, "Runs that somebody had ended to run the job again.");
    add("rcq_run_preemptions_total", Counter::preempted, "Runs that were ended for another job.");
    add("rcq_runs_lost_total", Counter::lost, "Runs that were given up because their executor was lost.");
    add("rcq_run_start_failures_total", Counter::not_started, "Runs that their executor could not start.");
    add("rcq_executor_leases_lost_total", Counter::leases_lost,
        "How often an executor fell silent without signing off.");
    add("rcq_log_bytes_total", Counter::log_bytes,
        "Output of jobs that executors sent; what they repeat counts again.");
}

void add_http(Exposition& out, const Metrics& metrics) {
    out.family("http_requests_total", "counter",
               "Requests over HTTP that reached the database, by function and status.");
    for (const RequestCell& cell : metrics.request) {
        if (pg_atomic_read_u32(const_cast<pg_atomic_uint32*>(&cell.named)) == 0) continue;
        pg_read_barrier();
        const std::string status = cell.status == 0 ? "error" : std::to_string(cell.status);
        out.sample(read(cell.requests), {{"route", cell.route}, {"status", status}});
    }
    out.sample(read(metrics.further_requests), {{"route", "(other)"}, {"status", "any"}});
    static constexpr std::string_view limits[] = {"user_rate", "login_failures", "user_parallel"};
    static_assert(sizeof limits / sizeof limits[0] == sizeof(Metrics::limit_hits) / sizeof(pg_atomic_uint64));
    out.family("rcq_http_limit_hits_total", "counter", "Requests over HTTP that a limit refused.");
    for (std::size_t k = 0; k < std::size(limits); k++) out.sample(read(metrics.limit_hits[k]), {{"limit", limits[k]}});
}

void require_as_many(std::size_t things, std::size_t said) {
    if (things != said) throw SqlError("22023", "two arrays that belong together differ in length");
}

} // namespace

} // namespace rcq::pg

RCQ_FUNCTION(rcq_scheduler_is_well) {
    using namespace rcq::pg;
    const DatabaseSlot* slot = own_slot();
    if (!slot) PG_RETURN_BOOL(false);
    TimestampTz last_cycle_at;
    {
        LockGuard guard(slot->publish_lock, LW_SHARED);
        last_cycle_at = slot->last_cycle_at;
    }
    PG_RETURN_BOOL(is_well(*slot, last_cycle_at, GetCurrentTimestamp()));
}

// (version, group_ids, group_names, tables, table_bytes) -> text
RCQ_FUNCTION(rcq_metrics_text) {
    using namespace rcq::pg;
    const TimestampTz now = GetCurrentTimestamp();
    Exposition out;
    out.family("rcq_build_info", "gauge", "Version of rcq and of the server; always 1.");
    out.sample(1, {{"version", text_argument(fcinfo, 0)}, {"postgresql", PG_VERSION}});
    if (const DatabaseSlot* slot = own_slot()) {
        const std::vector<int32> ids = integers_of(PG_GETARG_DATUM(1));
        const std::vector<std::string> names = texts_of(PG_GETARG_DATUM(2));
        std::map<int32, std::string> groups;
        require_as_many(ids.size(), names.size());
        for (std::size_t k = 0; k < ids.size(); k++) groups.emplace(ids[k], names[k]);
        const auto published = read_published(*slot);
        add_scheduler(out, *slot, *published, now);
        add_queue(out, published->gauges, groups, now);
        add_hosts(out, published->gauges);
        add_counters(out, slot->metrics);
        add_http(out, slot->metrics);
    } else { // a standby, or a database beyond rcq.max_databases
        add_up(out, false);
    }
    out.family("rcq_notify_queue_usage_ratio", "gauge", "Part of the server's queue of notifications that is in use.");
    out.sample(call([] { return DatumGetFloat8(DirectFunctionCall1(pg_notification_queue_usage, 0)); }));
    out.family("rcq_table_bytes", "gauge", "Size of tables that hold what has not ended, with their indexes.");
    const std::vector<std::string> tables = texts_of(PG_GETARG_DATUM(3)), bytes = texts_of(PG_GETARG_DATUM(4));
    require_as_many(tables.size(), bytes.size());
    for (std::size_t k = 0; k < tables.size(); k++) {
        const char* size = bytes[k].c_str();
        out.sample(call([&] { return DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(size))); }),
                   {{"table", tables[k]}});
    }
    return text_datum(out.text());
}
