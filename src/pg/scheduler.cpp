#include "scheduler.hpp"

#include "../protocol/words.hpp"
#include "guc.hpp"
#include "heartbeats.hpp"
#include "metrics_gauges.hpp"
#include "monotonic.hpp"
#include "publishing.hpp"

namespace rcq::pg {

namespace {

constexpr std::size_t max_placements_per_cycle = 2000;
constexpr int32 max_fired_at_once = 10'000;         // jobs of schedules, generously
constexpr TimestampTz fire_again_after = 1'000'000; // us, while they could not be stored
constexpr TimestampTz publish_interval = 200'000;   // us
constexpr TimestampTz replan_interval = 1'000'000;  // waiting alone changes ranks and frees quotas
constexpr TimestampTz sweep_interval = 1'000'000;
constexpr int sweep_rows = 1000;
constexpr TimestampTz forecast_interval = 5'000'000;
constexpr TimestampTz forecast_slice = 5'000; // us of a cycle, and not of every one, so that it delays no placement
constexpr TimestampTz forecast_slice_interval = 100'000;
constexpr std::size_t max_expired_per_cycle = 2000;
constexpr TimestampTz expire_again_after = 1'000'000; // us, for what somebody held
constexpr TimestampTz longest_cycle = 5'000'000;      // a longer gap between two cycles is a pause of the whole server

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

// Whether settled usage that was weighed by one serves for the other.
bool weighs_usage_alike(const core::Settings& fresh, const core::Settings& old) {
    const core::UsageWindow& window = fresh.usage_window;
    const bool reaches_as_far = window == old.usage_window || (window.kind == core::WindowKind::rolling &&
                                                               old.usage_window.kind == core::WindowKind::rolling &&
                                                               window.length <= old.usage_window.length);
    return reaches_as_far && fresh.bill_per_cpu_hour == old.bill_per_cpu_hour &&
           fresh.bill_per_gb_hour == old.bill_per_gb_hour && fresh.bill_per_gpu_hour == old.bill_per_gpu_hour &&
           fresh.bill_per_gpu_type == old.bill_per_gpu_type;
}

// The earliest time whose use counts at `now`.
TimestampTz usage_begins(const core::UsageWindow& window, TimestampTz now) {
    switch (window.kind) {
    case core::WindowKind::rolling:
        return now - window.length;
    case core::WindowKind::month:
        return core::month_start(core::month_of(now, window.epoch_day), window.epoch_day);
    case core::WindowKind::half_life:
        break;
    }
    return now - 40 * window.length; // what is left of older use is less than one part in 10^12
}

core::Run to_run(const store::LiveRow& row) {
    const core::Job& job = row.job;
    core::Run run;
    run.job = job.id;
    run.executor = row.executor;
    run.group = job.group;
    run.user = job.user;
    run.resources = row.granted;
    run.consumables = job.shape.consumables;
    run.preemptible = job.preemptible;
    run.concurrency_key = job.concurrency_key;
    run.array = job.array;
    run.array_throttle = job.array_throttle;
    run.placed_at = row.placed_at;
    if (row.claimed_at) run.claimed_at = *row.claimed_at;
    run.estimate = job.estimate;
    run.time_limit = job.time_limit;
    run.cancelling = row.cancelling || row.requeueing;
    run.preempting = row.preempting;
    run.preempted = row.preempted;
    return run;
}

core::Run to_run(const core::Job& job, const core::Placement& placement, TimestampTz now) {
    store::LiveRow row;
    row.job = job;
    row.executor = placement.executor;
    row.granted = placement.granted;
    row.placed_at = now;
    core::Run run = to_run(row);
    run.gpu_slot = placement.gpu_slot;
    return run;
}

} // namespace

// Time never runs backwards for us, whatever the clock does.
TimestampTz Scheduler::now() { return latest_ = std::max(latest_, GetCurrentTimestamp()); }

bool Scheduler::reload() {
    idle_reason_ = store::reason_to_idle();
    is_at_work_ = idle_reason_.empty();
    if (!is_at_work_) return false;
    cluster_.reset();
    plan_state_ = {};
    next_eligible_.reset();
    forecast_.reset();
    runs_.clear();
    tasks_ = {};
    dependencies_ = {};
    deadlines_.clear();
    executors_.clear();
    apply_definitions(store::read_definitions());
    cluster_->advance(now());
    store::read_usage(usage_begins(definitions_.settings.usage_window, latest_),
                      [&](const store::Used& used) { charge(used); });
    store::read_durations([&](const store::Duration& duration) { record(duration); });
    store::read_all_live([&](store::LiveRow&& row) { put(std::move(row)); });
    sweep_from_ = 0;
    set_aside_.clear();
    return true;
}

void Scheduler::apply_definitions(store::Definitions&& definitions) {
    definitions_ = std::move(definitions);
    if (!cluster_)
        cluster_ = std::make_unique<core::Cluster>(definitions_.settings);
    else
        cluster_->set_settings(definitions_.settings);
    for (const core::Group& group : definitions_.groups) cluster_->put_group(group);
    for (const core::User& user : definitions_.users) cluster_->put_user(user);
    cluster_->set_windows(definitions_.windows);
    cluster_->set_concurrency_limits(definitions_.concurrency_limits);
    cluster_->set_consumables(definitions_.consumables);
    for (store::ExecutorRow& row : definitions_.executors) executors_[row.id] = std::move(row);
    plan_needed_ = publish_needed_ = took_definitions_ = true;
}

void Scheduler::charge(const store::Used& used) {
    const double billed = core::billed_cores(used.core_s, used.gb_s, used.gpu_s, used.gpu_type, definitions_.settings);
    cluster_->charge({used.group, used.user}, billed, used.since, used.at);
}

void Scheduler::record(const store::Duration& duration) {
    cluster_->record_duration(duration.user, duration.estimate, duration.actual);
}

void Scheduler::put(store::LiveRow&& row) {
    const core::JobId id = row.job.id;
    dependencies_.saw(row);
    if (row.deadline)
        deadlines_.put(id, *row.deadline);
    else
        deadlines_.drop(id);
    if (row.tasks_waiting) {
        tasks_.saw_array(row);
        return;
    }
    if (row.job.array != 0) tasks_.saw_task(row);
    if (row.unmet > 0) return;
    if (row.executor == 0) {
        runs_.erase(id);
        cluster_->put_job(row.job);
        return;
    }
    Held held{
        row.token,       row.executor, row.placed_at, row.claimed_at.has_value(), row.cancelling || row.requeueing,
        row.may_requeue, false};
    if (const auto known = runs_.find(id); known != runs_.end() && known->second.token == row.token)
        held.cancel_sent = known->second.cancel_sent;
    runs_[id] = held;
    cluster_->put_run(to_run(row));
}

// Brings the cache up to date for the jobs in these ranges: rows that are there are put, jobs that are not are dropped,
// and runs that ended since are charged.
void Scheduler::absorb(const std::vector<JobRange>& ranges) {
    std::unordered_set<core::JobId> present;
    std::vector<store::RunKey> ended;
    std::vector<core::JobId> gone;
    store::read_live(ranges, [&](store::LiveRow&& row) {
        const core::JobId id = row.job.id;
        if (const auto run = runs_.find(id); run != runs_.end() && run->second.token != row.token)
            ended.push_back({id, run->second.token});
        present.insert(id);
        put(std::move(row));
    });
    for (const JobRange& range : ranges) {
        for (core::JobId id : cluster_->ids_in(range.first, range.last))
            if (!present.count(id)) gone.push_back(id);
        for (core::JobId id : tasks_.ids_in(range.first, range.last))
            if (!present.count(id)) gone.push_back(id);
        for (core::JobId id : dependencies_.ids_in(range.first, range.last))
            if (!present.count(id)) gone.push_back(id);
        for (core::JobId id : deadlines_.ids_in(range.first, range.last))
            if (!present.count(id)) deadlines_.drop(id);
    }
    for (core::JobId id : gone) {
        dependencies_.ended(id, tasks_.array_of(id));
        tasks_.gone(id);
        if (const auto run = runs_.find(id); run != runs_.end()) {
            ended.push_back({id, run->second.token});
            runs_.erase(run);
        }
        cluster_->drop(id);
    }
    if (!ended.empty())
        store::read_charges(
            ended, [&](const store::Used& used) { charge(used); },
            [&](const store::Duration& duration) { record(duration); });
    plan_needed_ = publish_needed_ = true;
}

// Walks the live table by key in small steps, so that a change that no callback announced is found.
void Scheduler::sweep() {
    const std::optional<int64> end = store::sweep_end(sweep_from_, sweep_rows);
    const bool was_needed = plan_needed_, was_publish_needed = publish_needed_;
    const std::size_t before = cluster_->pending_count() + cluster_->run_count();
    absorb({{sweep_from_, end ? *end : (std::numeric_limits<int64>::max)()}});
    if (cluster_->pending_count() + cluster_->run_count() == before) { // usual: nothing found, nothing to plan
        plan_needed_ = was_needed;
        publish_needed_ = was_publish_needed;
    }
    sweep_from_ = end ? *end + 1 : 0;
}

// When an executor was last heard of, as far as leases are concerned: time during which there was no scheduler (server
// down, failover) expires nothing.
TimestampTz Scheduler::last_sign(core::ExecutorId id) const { return std::max(heartbeat_of(slot_, id), started_at_); }

// A server that was suspended or whose clock was set forward has heard of no executor in the time that it skipped, and
// that time expires no lease either.
void Scheduler::notice_pause() {
    const TimestampTz now = GetCurrentTimestamp();
    const TimestampTz longest_sleep = static_cast<TimestampTz>(guc::scheduler_interval) * 1000 + longest_cycle;
    if (last_seen_ != 0 && now - last_seen_ > longest_sleep) started_at_ = now;
    last_seen_ = now;
}

void Scheduler::refresh_executors() {
    const TimestampTz now = GetCurrentTimestamp(); // as heartbeats are stamped
    for (const auto& [id, row] : executors_) {
        const TimestampTz seen = heartbeat_of(slot_, id);
        core::Executor executor;
        executor.id = id;
        executor.capacity = row.capacity;
        executor.gpu_type = row.gpu_type;
        executor.features = row.features;
        executor.consumables = row.consumables;
        executor.accepting = row.registered && seen != 0 && now - seen <= seconds(definitions_.lease_s);
        executor.draining = is_draining(row, latest_);
        const core::Executor* known = cluster_->find_executor(id);
        if (known && *known == executor) continue;
        if (known && known->accepting && !executor.accepting && row.registered) leases_lost_++;
        cluster_->put_executor(executor);
        plan_needed_ = publish_needed_ = true;
    }
}

// Takes back placements that nobody claimed, ends runs whose executor is lost, passes on requests to cancel, sends back
// to the queue what runs where a drain wants that.
void Scheduler::reconcile(TimestampTz now) {
    std::vector<store::RunKey> unclaimed, cancels, requeues;
    std::map<core::ExecutorId, std::vector<store::RunKey>> lost;
    for (auto& [job, held] : runs_) {
        const auto row = executors_.find(held.executor);
        const bool leaving = row == executors_.end() || !row->second.registered;
        if (!held.claimed) {
            if (leaving || is_draining(row->second, now) ||
                now - std::max(held.placed_at, started_at_) > seconds(definitions_.claim_timeout_s))
                unclaimed.push_back({job, held.token});
        } else if (leaving || GetCurrentTimestamp() - last_sign(held.executor) > seconds(definitions_.lost_after_s)) {
            lost[held.executor].push_back({job, held.token});
        } else if (held.cancelling && !held.cancel_sent) {
            cancels.push_back({job, held.token});
        } else if (held.may_requeue && !held.cancelling && !held.cancel_sent && row->second.drain_requeues &&
                   (!row->second.drain_at || *row->second.drain_at <= now)) {
            requeues.push_back({job, held.token});
        }
    }
    if (!unclaimed.empty()) store::unplace(unclaimed);
    for (const auto& [executor, runs] : lost) store::lose(executor, runs);
    if (!cancels.empty()) tell_to_end(store::send_cancels(cancels));
    if (!requeues.empty()) {
        const std::vector<int64> sent = store::send_requeues(requeues, now);
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
}

// Counts and ends arrays.
void Scheduler::settle_arrays(TimestampTz now) {
    const TaskFeed::Settled settled = tasks_.settle(now);
    for (const core::JobId array : settled.started) dependencies_.started(array);
    for (const core::JobId array : settled.ended) dependencies_.ended(array, 0);
}

// Makes tasks of arrays into jobs, so that the plan finds as many as it could place.
void Scheduler::materialise(TimestampTz now) {
    if (tasks_.materialise(*cluster_, now, static_cast<int32>(max_placements_per_cycle)) > 0)
        plan_needed_ = publish_needed_ = true;
}

// Lets jobs go, or fail, whose predecessors have started or ended, and reads them again.
void Scheduler::settle_dependencies(Transaction& transaction, TimestampTz now) {
    if (!dependencies_.any() && !dependencies_.is_retry_due(tick_)) return;
    std::vector<JobRange> changed;
    for (const core::JobId id : dependencies_.settle(now, tick_)) changed.push_back({id, id});
    if (changed.empty()) return;
    transaction.take_snapshot(); // which sees what was just written
    absorb(changed);
}

// Ends jobs that have not started by their deadline.
void Scheduler::expire(TimestampTz now) {
    const std::vector<core::JobId> due = deadlines_.take_due(now, max_expired_per_cycle);
    if (due.empty()) return;
    for (core::JobId id : due) deadlines_.put(id, now + expire_again_after);
    for (core::JobId id : store::expire(due)) {
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
    const TimestampTz longest = static_cast<TimestampTz>(guc::plan_budget) * 1000;
    core::Budget budget;
    budget.max_placements = is_paused() ? 0 : max_placements_per_cycle;
    budget.out_of_time = [=] { return GetCurrentTimestamp() - begun > longest; };
    // promises are made in half of it, so that time is left to fill the holes between them
    budget.no_promises = [=] { return GetCurrentTimestamp() - begun > longest / 2; };
    budget.report = is_publishing_due() || is_forecast_due();
    budget.max_ranked = is_forecast_due() ? std::max(definitions_.predict_depth, Published::max_ranks)
                                          : static_cast<int32>(Published::max_ranks);
    cluster_->advance(now);
    planned_at_ = tick_;
    plan_needed_ = false;
    return core::plan(*cluster_, plan_state_, now, budget);
}

// Writes the placements and tells the executors. Returns those that were carried out.
std::vector<core::Placement> Scheduler::place(const core::Plan& plan, TimestampTz now) {
    store::Placing placing;
    std::unordered_map<core::JobId, std::size_t> index;
    for (const core::Placement& placement : plan.placements) {
        index[placement.job] = placing.jobs.size();
        placing.jobs.push_back(placement.job);
        placing.executors.push_back(placement.executor);
        placing.tokens.push_back(draw_token());
        placing.granted.push_back(placement.granted);
    }
    std::vector<core::Placement> done;
    for (int64 job : store::place(placing, now)) {
        const std::size_t i = index.at(job);
        done.push_back(plan.placements[i]);
        const core::Job placed = *cluster_->find_job(job);
        waits_.push_back(now - placed.eligible_at);
        if (placed.array != 0) tasks_.placed(placed);
        cluster_->put_run(to_run(placed, plan.placements[i], now));
        runs_[job] = {placing.tokens[i], placing.executors[i], now, false, false, false, false};
    }
    if (done.size() < plan.placements.size()) { // somebody holds or changed the rows
        std::unordered_set<core::JobId> carried_out;
        for (const core::Placement& placement : done) carried_out.insert(placement.job);
        for (const core::Placement& placement : plan.placements) {
            if (carried_out.count(placement.job)) continue;
            if (placement.lifted)
                if (const std::optional<core::Job> job = cluster_->find_job(placement.job))
                    plan_state_.last_lifted.erase(job->group);
            // set aside for a while: planned again and again it would keep its place from others
            cluster_->drop(placement.job);
            set_aside_.push_back({placement.job, placement.job});
        }
        set_aside_at_ = tick_;
        plan_needed_ = true;
    }
    std::set<core::ExecutorId> told;
    for (const core::Placement& placement : done) told.insert(placement.executor);
    notify(told);
    return done;
}

// Ends runs so that a job with a reservation can start; that job has the room first.
void Scheduler::preempt(const std::vector<core::Preemption>& preemptions, TimestampTz now) {
    std::vector<store::RunKey> runs;
    runs.reserve(preemptions.size());
    for (const core::Preemption& preemption : preemptions)
        runs.push_back({preemption.run, runs_.at(preemption.run).token});
    const std::vector<int64> sent = store::send_preemptions(runs, now);
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

// Brings the cache up to date. False when this library must not schedule here.
bool Scheduler::load(const TakenChanges& changes) {
    if (cluster_ && changes.definitions) {
        store::Definitions fresh = store::read_definitions();
        if (weighs_usage_alike(fresh.settings, definitions_.settings) && store::reason_to_idle().empty())
            apply_definitions(std::move(fresh));
        else
            cluster_.reset();
    }
    if (!cluster_) return reload();
    if (!changes.jobs.empty()) absorb(changes.jobs);
    return true;
}

Scheduler::Outcome Scheduler::cycle() {
    const TakenChanges changes = take_changes(slot_); // before the snapshot, so that nothing falls between them
    const TimestampTz time = now();
    tick_ = monotonic();
    notice_pause();
    Transaction transaction;
    const Oid extension = store::lock_extension();
    if (!OidIsValid(extension)) return Outcome::no_extension;
    if (extension != extension_) cluster_.reset(); // another queue: nothing known of the old one holds
    extension_ = extension;
    transaction.take_snapshot();

    if (!load(changes)) {
        transaction.commit();
        publish_state(time, 0);
        return Outcome::rest;
    }
    if (!set_aside_.empty() && tick_ - set_aside_at_ >= replan_interval) absorb(std::exchange(set_aside_, {}));
    if (tick_ - swept_at_ >= sweep_interval) {
        swept_at_ = tick_;
        sweep();
    }
    refresh_executors();
    reconcile(time);
    expire(time);
    fire_schedules(time);
    settle_arrays(time);
    settle_dependencies(transaction, time);
    materialise(time);

    std::size_t placed = 0;
    bool complete = true;
    if (next_eligible_ && *next_eligible_ <= time) plan_needed_ = true;
    if (plan_needed_ || (cluster_->pending_count() > 0 && tick_ - planned_at_ >= replan_interval) ||
        is_publishing_due() || (cluster_->pending_count() > 0 && is_forecast_due())) {
        const bool to_publish = is_publishing_due(), to_forecast = is_forecast_due();
        const core::Plan decision = plan(time);
        complete = decision.complete;
        next_eligible_ = decision.next_due;
        if (!decision.placements.empty()) placed = place(decision, time).size();
        if (!decision.preemptions.empty()) preempt(decision.preemptions, time);
        if (to_publish) {
            publish_plan(slot_, decision, definitions_.settings, is_paused());
            publish_gauges(slot_, *cluster_, decision, executors_, is_paused());
            published_at_ = tick_;
            publish_needed_ = false;
        }
        if (placed > 0) {
            publish_needed_ = true;
            if (tasks_.has_waiting()) plan_needed_ = true; // there may be room for further ones of them
        }
        if (to_forecast) begin_forecast(decision, time);
    }
    if (forecast_ && tick_ - forecast_slice_at_ >= forecast_slice_interval) forecast();
    transaction.commit();
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
