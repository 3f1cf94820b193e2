// The scheduling cycle of one database: read what changed, repair what timed out, plan, place, publish.
// The state it keeps is a cache: after any error it is thrown away and read again from the tables.
#pragma once
#include "../core/forecast.hpp"
#include "../core/plan.hpp"
#include "changes.hpp"
#include "deadlines.hpp"
#include "dependencies.hpp"
#include "store.hpp"
#include "task_feed.hpp"
#include "transaction.hpp"

namespace rcq::pg {

class Scheduler {
public:
    // When its process started: by the clock, and by the one that nobody sets.
    struct Start {
        TimestampTz at, tick;
    };
    Scheduler(DatabaseSlot& slot, const Start& start);

    enum class Outcome {
        rest,         // nothing more to do until woken
        again,        // the budget ended the plan: go on at once
        no_extension, // the extension is gone
    };
    // One cycle. Throws PgError; after that the object must be discarded.
    Outcome cycle();
    // Milliseconds after which the next cycle is due even if nobody wakes it.
    long rest_ms() const;
    // Why it does not schedule here; empty while it does.
    const std::string& idle_reason() const { return idle_reason_; }
    // Whether it has found that it is to schedule here, even if its cycle failed then.
    bool is_at_work() const { return is_at_work_; }
    // Whether it has read settings and the like since this was last asked.
    bool took_definitions() { return std::exchange(took_definitions_, false); }

private:
    struct Held { // a run that holds capacity
        int64 token;
        core::ExecutorId executor;
        TimestampTz since; // when it was placed, or found by this scheduler; a tick
        bool claimed;
        bool cancelling; // or to be run again
        bool may_requeue;
        bool cancel_sent; // or that it is to be preempted
    };

    TimestampTz now();
    bool load(const Sight& sight, const TakenChanges& changes);
    bool reload(const Sight& sight);
    void apply_definitions(store::Definitions&& definitions);
    store::EndedRun ended_run(core::JobId id, int64 token) const;
    void absorb(const Sight& sight, const std::vector<JobRange>& ranges);
    void put(store::LiveRow&& row);
    void sweep(const Sight& sight);
    void notice_pause();
    void refresh_executors();
    void notify(const std::set<core::ExecutorId>& executors);
    TimestampTz last_sign(core::ExecutorId id) const;
    void tell_to_end(const std::vector<int64>& jobs);
    void reconcile(Sight& sight, TimestampTz now);
    void fire_schedules(TimestampTz now);
    void settle_arrays(TimestampTz now);
    void materialise(TimestampTz now);
    void settle_dependencies(Sight& sight, TimestampTz now);
    void expire(TimestampTz now);
    void charge(const store::Used& used);
    void record(const store::Duration& duration);
    core::Plan plan(TimestampTz now);
    std::size_t place(Sight& sight, const core::Plan& plan, TimestampTz now);
    void preempt(const std::vector<core::Preemption>& preemptions, TimestampTz now);
    std::optional<TimestampTz> next_due() const;
    bool is_publishing_due() const;
    bool is_forecast_due() const;
    bool is_paused() const;
    void begin_forecast(const core::Plan& plan, TimestampTz now);
    void forecast();
    void publish_state(TimestampTz now, std::size_t placed);
    void count_cycle();

    DatabaseSlot& slot_;
    TimestampTz started_at_;
    TimestampTz latest_;
    TimestampTz clock_ = 0, clock_tick_ = 0; // what the clock showed when it was last looked at, and when that was
    std::unique_ptr<core::Cluster> cluster_; // empty until loaded
    core::PlanState plan_state_;
    store::Definitions definitions_;
    std::map<core::ExecutorId, store::ExecutorRow> executors_;
    std::unordered_map<core::JobId, Held> runs_;
    TaskFeed tasks_;
    Dependencies dependencies_;
    Deadlines deadlines_;
    std::string idle_reason_;
    bool is_at_work_ = false;
    bool took_definitions_ = false;
    bool plan_needed_ = true;
    bool reconcile_needed_ = true; // an executor's state has changed, or an end was asked for
    TimestampTz reconciled_at_ = 0;
    std::optional<TimestampTz> next_eligible_; // when a delayed job may start
    TimestampTz tick_ = 0;    // of this cycle, by a clock that nobody sets; the times below are compared with it
    TimestampTz leases_from_; // leases and claim timeouts count from here at the earliest
    int patience_ = 1;        // times rcq.plan_budget that the next plan may take
    TimestampTz planned_at_ = 0, published_at_ = 0, forecast_at_ = 0, forecast_slice_at_ = 0;
    std::unique_ptr<core::Forecast> forecast_; // being made
    bool publish_needed_ = true;
    int64 sweep_from_ = 0;
    TimestampTz swept_at_ = 0, notify_checked_at_ = 0;
    bool may_notify_ = true;
    std::vector<core::Micros> waits_; // of the jobs that this cycle places
    uint64 leases_lost_ = 0;          // noticed in this cycle
    std::vector<int64> delayed_;      // jobs that were read and may not start for some time
    std::vector<JobRange> set_aside_; // could not be placed because somebody holds their rows
    TimestampTz set_aside_at_ = 0;
    Oid extension_ = InvalidOid;
};

} // namespace rcq::pg
