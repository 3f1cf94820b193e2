#include "scheduler.hpp"

#include "../protocol/words.hpp"
#include "cached_run.hpp"
#include "guc.hpp"
#include "heartbeats.hpp"
#include "metrics_gauges.hpp"
#include "monotonic.hpp"
#include "points.hpp"
#include "publishing.hpp"

namespace rcq::pg {

namespace {

constexpr std::size_t max_placements_per_cycle = 2000;
constexpr int32 max_fired_at_once = 10'000;         // jobs of schedules, generously
constexpr TimestampTz fire_again_after = 1'000'000; // us, while they could not be stored
constexpr int most_patience = 256;
constexpr TimestampTz publish_interval = 200'000;  // us
constexpr TimestampTz replan_interval = 1'000'000; // waiting alone changes ranks and frees quotas
constexpr TimestampTz sweep_interval = 1'000'000;
constexpr TimestampTz reconcile_interval = 100'000; // looks at all runs, for what only the clock announces
constexpr TimestampTz forecast_interval = 5'000'000;
constexpr TimestampTz forecast_slice = 1'000; // us of a cycle, and not of every one, so that it delays no placement
constexpr TimestampTz forecast_slice_interval = 40'000;
constexpr std::size_t max_expired_per_cycle = 2000;
constexpr TimestampTz expire_again_after = 1'000'000; // us, for what somebody held
constexpr TimestampTz longest_cycle = 5'000'000;      // a longer gap between two cycles is a pause of the whole server

// The latest time that is known to have been committed: by the scheduler before this one or, where a standby was
// promoted, by the primary whose place it takes. The clock may be behind theirs.
TimestampTz latest_committed(const DatabaseSlot& slot) {
    LockGuard guard(slot.publish_lock, LW_SHARED);
    return std::max(slot.last_cycle_at, GetLatestXTime());
}

// Whether an administrator's drain of the executor has begun, or its process asked for one.
bool is_draining(const store::ExecutorRow& row, TimestampTz now) {
    return row.draining || (row.drain_at && *row.drain_at <= now);
}

TimestampTz seconds(double value) { return static_cast<TimestampTz>(value * core::second); }

// 63 random bits, never 0.
int64 draw_token() {
    for (;;) {
        uint64 bits;
        if (!pg_strong_random(&bits, sizeof bits)) throw std::runtime_error("no random numbers for run tokens");
        bits >>= 1;
        if (bits != 0) return static_cast<int64>(bits);
    }
}

} // namespace

Scheduler::Scheduler(DatabaseSlot& slot, const Start& start)
    : slot_(slot), started_at_(start.at), latest_(std::max(start.at, latest_committed(slot))),
      leases_from_(start.tick) {}

// Time never runs backwards for us, whatever the clock does. Where it was set back, others have gone by the time before
// until that moment, which is later than when we last looked. From then on ours passes at half the pace until the clock
// has caught up: what is to happen a while later does.
TimestampTz Scheduler::now() {
    const TimestampTz clock = GetCurrentTimestamp(), tick = monotonic();
    if (clock < clock_)
        latest_ = std::max(latest_, clock_ + (tick - clock_tick_));
    else if (clock < latest_ && clock_ != 0)
        latest_ += (tick - clock_tick_) / 2;
    clock_ = clock;
    clock_tick_ = tick;
    return latest_ = std::max(latest_, clock);
}

// When an executor was last heard of, as far as leases are concerned: time during which there was no scheduler (server
// down, failover) expires nothing.
TimestampTz Scheduler::last_sign(core::ExecutorId id) const { return std::max(heartbeat_of(slot_, id), leases_from_); }

// A server that stood still has heard of no executor in that time, which expires no lease either. Begins a cycle's
// tick.
void Scheduler::notice_pause() {
    const TimestampTz before = std::exchange(tick_, monotonic());
    const TimestampTz longest_sleep = static_cast<TimestampTz>(guc::scheduler_interval) * 1000 + longest_cycle;
    if (before != 0 && tick_ - before > longest_sleep) leases_from_ = tick_;
}

void Scheduler::refresh_executors() {
    for (const auto& [id, row] : executors_) {
        const TimestampTz seen = heartbeat_of(slot_, id);
        core::Executor executor;
        executor.id = id;
        executor.capacity = row.capacity;
        executor.gpu_type = row.gpu_type;
        executor.features = row.features;
        executor.consumables = row.consumables;
        executor.accepting = row.registered && seen != 0 && tick_ - seen <= seconds(definitions_.lease_s);
        executor.draining = is_draining(row, latest_);
        const core::Executor* known = cluster_->find_executor(id);
        if (known && *known == executor) continue;
        if (known && known->accepting && !executor.accepting && row.registered) leases_lost_++;
        cluster_->put_executor(executor);
        plan_needed_ = publish_needed_ = reconcile_needed_ = true;
    }
}

// Takes back placements that nobody claimed, ends runs whose executor is lost, passes on requests to cancel, sends back
// to the queue what runs where a drain wants that.
void Scheduler::reconcile(Sight& sight, TimestampTz now) {
    if (!reconcile_needed_ && tick_ - reconciled_at_ < reconcile_interval) return;
    reconcile_needed_ = false;
    reconciled_at_ = tick_;
    struct State {
        bool leaving, draining, lost, requeues;
    };
    std::unordered_map<core::ExecutorId, State> states;
    const auto state_of = [&](core::ExecutorId id) -> const State& {
        const auto [known, fresh] = states.try_emplace(id);
        if (!fresh) return known->second;
        const auto row = executors_.find(id);
        const bool leaving = row == executors_.end() || !row->second.registered;
        known->second = {leaving, !leaving && is_draining(row->second, now),
                         leaving || tick_ - last_sign(id) > seconds(definitions_.lost_after_s),
                         !leaving && row->second.drain_requeues &&
                             (!row->second.drain_at || *row->second.drain_at <= now)};
        return known->second;
    };
    std::vector<store::RunKey> unclaimed, cancels, requeues;
    std::map<core::ExecutorId, std::vector<store::RunKey>> lost;
    for (auto& [job, held] : runs_) {
        const State& state = state_of(held.executor);
        if (!held.claimed) {
            if (state.leaving || state.draining ||
                tick_ - std::max(held.since, leases_from_) > seconds(definitions_.claim_timeout_s))
                unclaimed.push_back({job, held.token});
        } else if (state.lost) {
            lost[held.executor].push_back({job, held.token});
        } else if (held.cancelling && !held.cancel_sent) {
            cancels.push_back({job, held.token});
        } else if (held.may_requeue && !held.cancelling && !held.cancel_sent && state.requeues) {
            requeues.push_back({job, held.token});
        }
    }
    if (!unclaimed.empty()) store::unplace(sight, unclaimed);
    if (!lost.empty()) Transaction::must_last();
    for (const auto& [executor, runs] : lost) {
        store::lose(executor, runs);
        RCQ_POINT("lose.executor");
    }
    if (!cancels.empty()) {
        tell_to_end(store::send_cancels(cancels));
        RCQ_POINT("cancel.sent");
    }
    if (!requeues.empty()) {
        const std::vector<int64> sent = store::send_requeues(requeues, now);
        RCQ_POINT("requeue.sent");
        for (const int64 job : sent) {
            runs_.at(job).cancelling = true;
            core::Run run = *cluster_->find_run(job);
            run.cancelling = true;
            cluster_->put_run(run);
        }
        tell_to_end(sent);
    }
}

// Wakes the executors that have been told to end these runs.
void Scheduler::tell_to_end(const std::vector<int64>& jobs) {
    std::set<core::ExecutorId> told;
    for (int64 job : jobs) {
        Held& held = runs_.at(job);
        held.cancel_sent = true;
        told.insert(held.executor);
    }
    notify(told);
}

// Submits the jobs of schedules that are due; they are announced as any submission is.
void Scheduler::fire_schedules(TimestampTz now) {
    if (!definitions_.next_fire || *definitions_.next_fire > now) return;
    definitions_.next_fire =
        store::partitions_ready(max_fired_at_once) ? store::fire_schedules(now) : now + fire_again_after;
    RCQ_POINT("schedule.fired");
}

// Counts and ends arrays.
void Scheduler::settle_arrays(TimestampTz now) {
    const TaskFeed::Settled settled = tasks_.settle(now);
    if (!settled.ended.empty()) RCQ_POINT("array.ended");
    for (const core::JobId array : settled.started) dependencies_.started(array);
    for (const core::JobId array : settled.ended) dependencies_.ended(array, 0);
}

// Makes tasks of arrays into jobs, so that the plan finds as many as it could place.
void Scheduler::materialise(TimestampTz now) {
    if (tasks_.materialise(*cluster_, now, static_cast<int32>(max_placements_per_cycle)) > 0)
        plan_needed_ = publish_needed_ = true;
    RCQ_POINT("array.materialised");
}

// Lets jobs go, or fail, whose predecessors have started or ended, and reads them again.
void Scheduler::settle_dependencies(Sight& sight, TimestampTz now) {
    if (!dependencies_.any() && !dependencies_.is_retry_due(tick_)) return;
    std::vector<JobRange> changed;
    for (const core::JobId id : dependencies_.settle(now, tick_)) changed.push_back({id, id});
    if (changed.empty()) return;
    RCQ_POINT("dependency.settled");
    sight.renew(); // to see what was just written
    absorb(sight, changed);
}

// Ends jobs that have not started by their deadline.
void Scheduler::expire(TimestampTz now) {
    const std::vector<core::JobId> due = deadlines_.take_due(now, max_expired_per_cycle);
    if (due.empty()) return;
    for (core::JobId id : due) deadlines_.put(id, now + expire_again_after);
    const std::vector<int64> expired = store::expire(due);
    RCQ_POINT("deadline.expired");
    for (core::JobId id : expired) {
        deadlines_.drop(id);
        dependencies_.ended(id, tasks_.array_of(id));
        tasks_.gone(id);
        runs_.erase(id);
        cluster_->drop(id);
    }
    plan_needed_ = publish_needed_ = true;
}

// Tells executors to sync, unless the server's queue of notifications is filling up: a full one fails every commit,
// and executors sync by themselves.
void Scheduler::notify(const std::set<core::ExecutorId>& executors) {
    if (executors.empty()) return;
    if (tick_ - notify_checked_at_ > core::second) {
        may_notify_ = store::may_notify();
        notify_checked_at_ = tick_;
    }
    if (!may_notify_) return;
    for (core::ExecutorId executor : executors) {
        const std::string channel = protocol::executor_channel(executor);
        call([&] { Async_Notify(channel.c_str(), ""); });
    }
}

bool Scheduler::is_paused() const { return !guc::enabled || definitions_.paused; }

core::Plan Scheduler::plan(TimestampTz now) {
    const TimestampTz begun = GetCurrentTimestamp();
    const TimestampTz longest = static_cast<TimestampTz>(guc::plan_budget) * 1000 * patience_;
    core::Budget budget;
    budget.max_placements = is_paused() ? 0 : max_placements_per_cycle;
    budget.out_of_time = [=] { return GetCurrentTimestamp() - begun > longest || InterruptPending; };
    // promises are made in half of it, so that time is left to fill the holes between them
    budget.no_promises = [=] { return GetCurrentTimestamp() - begun > longest / 2; };
    budget.report = is_publishing_due() || is_forecast_due();
    budget.max_ranked = is_forecast_due() ? std::max(definitions_.predict_depth, Published::max_ranks)
                                          : static_cast<int32>(Published::max_ranks);
    cluster_->advance(now);
    planned_at_ = tick_;
    plan_needed_ = false;
    core::Plan plan = core::plan(*cluster_, plan_state_, now, budget);
    // Every plan begins with the first in rank. Whoever stands behind more lanes than it gets to would never have their
    // turn, so the next one is given more time until one has seen all.
    const bool ran_out = !plan.complete && plan.placements.size() < budget.max_placements;
    patience_ = ran_out ? std::min(patience_ * 2, most_patience) : std::max(patience_ / 2, 1);
    if (ran_out) plan_needed_ = true;
    return plan;
}

// Writes the placements and tells the executors. Returns how many were carried out.
std::size_t Scheduler::place(Sight& sight, const core::Plan& plan, TimestampTz now) {
    std::vector<const core::Placement*> placements;
    placements.reserve(plan.placements.size());
    for (const core::Placement& placement : plan.placements) placements.push_back(&placement);
    std::sort(placements.begin(), placements.end(), [](const auto* a, const auto* b) { return a->job < b->job; });
    std::vector<store::Placing> placings;
    placings.reserve(placements.size());
    for (const core::Placement* placement : placements)
        placings.push_back(
            {*cluster_->find_job(placement->job), placement->executor, draw_token(), placement->granted});
    store::place(sight, placings, now);
    std::size_t placed = 0;
    std::set<core::ExecutorId> told;
    for (std::size_t i = 0; i < placings.size(); ++i) {
        const store::Placing& placing = placings[i];
        const core::Placement& placement = *placements[i];
        const core::Job& job = placing.job;
        if (!placing.done) { // somebody holds or changed the row
            core::take_back(plan_state_, placement, job.group);
            if (placement.kept_for == job.id) continue; // keeps its place, until there is something to plan again
            // set aside for a while: planned again and again it would keep its place from others
            cluster_->drop(job.id);
            set_aside_.push_back({job.id, job.id});
            set_aside_at_ = tick_;
            plan_needed_ = true;
            continue;
        }
        ++placed;
        waits_.push_back(now - job.eligible_at);
        if (job.array != 0) tasks_.placed(job);
        cluster_->put_run(to_run(job, placement, now));
        runs_[job.id] = {placing.token, placing.executor, tick_, false, false, false, false};
        told.insert(placing.executor);
    }
    notify(told);
    return placed;
}

// Ends runs so that a job with a reservation can start; that job has the room first.
void Scheduler::preempt(const std::vector<core::Preemption>& preemptions, TimestampTz now) {
    std::vector<store::RunKey> runs;
    runs.reserve(preemptions.size());
    for (const core::Preemption& preemption : preemptions)
        runs.push_back({preemption.run, runs_.at(preemption.run).token});
    const std::vector<int64> sent = store::send_preemptions(runs, now);
    RCQ_POINT("preempt.sent");
    for (const int64 job : sent) {
        core::Run run = *cluster_->find_run(job);
        run.preempting = true;
        cluster_->put_run(run);
    }
    tell_to_end(sent);
}

bool Scheduler::is_publishing_due() const { return publish_needed_ && tick_ - published_at_ >= publish_interval; }

bool Scheduler::is_forecast_due() const {
    return !forecast_ && definitions_.predict_depth > 0 && tick_ - forecast_at_ >= forecast_interval;
}

void Scheduler::begin_forecast(const core::Plan& plan, TimestampTz now) {
    forecast_at_ = tick_;
    const auto depth = static_cast<std::size_t>(definitions_.predict_depth);
    const std::span<const core::RankedJob> ranked(plan.ranked);
    forecast_ = std::make_unique<core::Forecast>(*cluster_, ranked.first(std::min(depth, ranked.size())), now);
}

// Goes on with the forecast for a moment.
void Scheduler::forecast() {
    forecast_slice_at_ = tick_;
    const TimestampTz deadline = GetCurrentTimestamp() + forecast_slice;
    if (!forecast_->go_on([=] { return GetCurrentTimestamp() > deadline; })) return;
    publish_forecast(slot_, *forecast_);
    forecast_.reset();
}

void Scheduler::publish_state(TimestampTz now, std::size_t placed) {
    LockGuard guard(slot_.publish_lock, LW_EXCLUSIVE);
    slot_.started_at = started_at_;
    slot_.last_cycle_at = now;
    slot_.cycles++;
    slot_.placements += static_cast<int64>(placed);
    slot_.pending = cluster_ ? static_cast<int64>(cluster_->pending_count()) : 0;
    slot_.running = cluster_ ? static_cast<int64>(cluster_->run_count()) : 0;
    strlcpy(slot_.last_error, idle_reason_.c_str(), sizeof slot_.last_error);
}

// What this cycle did counts once it is committed.
void Scheduler::count_cycle() {
    Metrics& metrics = slot_.metrics;
    observe(metrics.cycles, cycle_bounds, static_cast<double>(monotonic() - tick_) / core::second);
    for (const core::Micros wait : waits_)
        observe(metrics.waits, wait_bounds, static_cast<double>(wait) / core::second);
    pg_atomic_fetch_add_u64(&metrics.counter[static_cast<int>(Counter::leases_lost)], static_cast<int64>(leases_lost_));
    waits_.clear();
    leases_lost_ = 0;
}

Scheduler::Outcome Scheduler::cycle() {
    const TakenChanges changes = take_changes(slot_); // before the snapshot, so that nothing falls between them
    const TimestampTz time = now();
    notice_pause();
    Transaction transaction;
    const Oid extension = store::lock_extension();
    if (!OidIsValid(extension)) return Outcome::no_extension;
    if (extension != extension_) cluster_.reset(); // another queue: nothing known of the old one holds
    extension_ = extension;
    Sight sight;
    RCQ_POINT("cycle.begun");

    if (!load(sight, changes)) {
        transaction.commit();
        publish_state(time, 0);
        return Outcome::rest;
    }
    if (!set_aside_.empty() && tick_ - set_aside_at_ >= replan_interval) absorb(sight, std::exchange(set_aside_, {}));
    if (tick_ - swept_at_ >= sweep_interval) {
        swept_at_ = tick_;
        sweep(sight);
    }
    if (!delayed_.empty()) store::correct_delays(sight, std::exchange(delayed_, {}), time);
    RCQ_POINT("cycle.loaded");
    refresh_executors();
    reconcile(sight, time);
    RCQ_POINT("cycle.reconciled");
    expire(time);
    fire_schedules(time);
    settle_arrays(time);
    settle_dependencies(sight, time);
    materialise(time);
    RCQ_POINT("cycle.settled");

    std::size_t placed = 0;
    bool complete = true;
    if (next_eligible_ && *next_eligible_ <= time) plan_needed_ = true;
    if (plan_needed_ || (cluster_->pending_count() > 0 && tick_ - planned_at_ >= replan_interval) ||
        is_publishing_due() || (cluster_->pending_count() > 0 && is_forecast_due())) {
        const bool to_publish = is_publishing_due(), to_forecast = is_forecast_due();
        const core::Plan decision = plan(time);
        RCQ_POINT("cycle.planned");
        complete = decision.complete;
        next_eligible_ = decision.next_due;
        if (!decision.placements.empty()) placed = place(sight, decision, time);
        if (!decision.preemptions.empty()) preempt(decision.preemptions, time);
        if (to_publish) {
            publish_plan(slot_, decision, definitions_.settings, is_paused());
            publish_gauges(slot_, *cluster_, decision, executors_, is_paused());
            published_at_ = tick_;
            publish_needed_ = false;
            RCQ_POINT("cycle.published");
        }
        if (placed > 0) {
            publish_needed_ = true;
            if (tasks_.has_waiting()) plan_needed_ = true; // there may be room for further ones of them
        }
        if (to_forecast) begin_forecast(decision, time);
    }
    if (forecast_ && tick_ - forecast_slice_at_ >= forecast_slice_interval) forecast();
    RCQ_POINT("cycle.written");
    transaction.commit();
    RCQ_POINT("cycle.committed");
    publish_state(time, placed);
    count_cycle();
    call([] { pgstat_report_stat(false); });
    if (dependencies_.any()) return Outcome::again;
    return !is_paused() && (plan_needed_ || (!complete && placed > 0)) ? Outcome::again : Outcome::rest;
}

// When something is to be done that nobody will announce: a job's time comes, a schedule fires, a drain begins.
std::optional<TimestampTz> Scheduler::next_due() const {
    if (!cluster_) return std::nullopt;
    std::optional<TimestampTz> next;
    for (const std::optional<TimestampTz>& due :
         {next_eligible_, tasks_.next_due(latest_), deadlines_.next(), definitions_.next_fire})
        if (due && (!next || *due < *next)) next = due;
    for (const auto& [id, row] : executors_)
        if (row.drain_at && *row.drain_at > latest_ && (!next || *row.drain_at < *next)) next = row.drain_at;
    return next;
}

long Scheduler::rest_ms() const {
    long wait = guc::scheduler_interval;
    if (cluster_ && publish_needed_) wait = std::min(wait, static_cast<long>(publish_interval / 1000));
    if (const std::optional<TimestampTz> due = next_due())
        wait = std::clamp(static_cast<long>((*due - GetCurrentTimestamp()) / 1000 + 1), 1L, wait);
    if (cluster_ && forecast_) wait = std::min(wait, static_cast<long>(forecast_slice_interval / 1000));
    if (dependencies_.has_retries()) wait = std::min(wait, static_cast<long>(Dependencies::retry_interval / 1000));
    return wait;
}

} // namespace rcq::pg
