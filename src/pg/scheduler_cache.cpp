// What the scheduler knows of the tables: read as a whole, and brought up to date by what changed.
#include "cached_run.hpp"
#include "scheduler.hpp"

namespace rcq::pg {

namespace {

// A step of the sweep. Entries of rows that are gone are many times those that are there while a snapshot is held.
constexpr int sweep_rows = 1000;
constexpr int sweep_entries = 5000;
constexpr TimestampTz clocks_differ = 2 * core::second; // at most, without anything being wrong

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

} // namespace

bool Scheduler::reload(const Sight& sight) {
    idle_reason_ = store::reason_to_idle();
    is_at_work_ = idle_reason_.empty();
    if (!is_at_work_) return false;
    cluster_.reset();
    plan_state_ = {};
    next_eligible_.reset();
    forecast_.reset();
    runs_.clear();
    delayed_.clear();
    tasks_ = {};
    dependencies_ = {};
    deadlines_.clear();
    executors_.clear();
    apply_definitions(store::read_definitions());
    cluster_->advance(latest_); // the time of this cycle, which plans by it: a later one could not be taken back
    store::read_usage(usage_begins(definitions_.settings.usage_window, latest_),
                      [&](const store::Used& used) { charge(used); });
    store::read_durations([&](const store::Duration& duration) { record(duration); });
    store::LiveRows(sight).in({0, std::numeric_limits<int64>::max()},
                              [&](store::LiveRow&& row) { put(std::move(row)); });
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
    plan_needed_ = publish_needed_ = reconcile_needed_ = took_definitions_ = true;
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
    if (row.executor == 0 && row.unmet == 0 && row.job.eligible_at > latest_ + clocks_differ) delayed_.push_back(id);
    if (row.deadline)
        deadlines_.put(id, *row.deadline);
    else
        deadlines_.drop(id);
    if (row.tasks_waiting) {
        for (const core::JobId task : tasks_.saw_array(row)) set_aside_.push_back({task, task});
        return;
    }
    if (row.job.array != 0) tasks_.saw_task(row);
    if (row.unmet > 0) return;
    if (row.executor == 0) {
        runs_.erase(id);
        cluster_->put_job(row.job);
        return;
    }
    Held held{row.token,       row.executor, tick_, row.claimed_at.has_value(), row.cancelling || row.requeueing,
              row.may_requeue, false};
    if (const auto known = runs_.find(id); known != runs_.end() && known->second.token == row.token) {
        held.since = known->second.since;
        held.cancel_sent = known->second.cancel_sent;
    }
    if (held.cancelling && !held.cancel_sent) reconcile_needed_ = true;
    runs_[id] = held;
    cluster_->put_run(to_run(row));
}

// What is to be remembered of a run that is no more.
store::EndedRun Scheduler::ended_run(core::JobId id, int64 token) const {
    store::EndedRun ended;
    ended.job = id;
    ended.token = token;
    const core::Run& run = *cluster_->find_run(id);
    ended.group = run.group;
    ended.user = run.user;
    ended.array = run.array;
    ended.granted = run.resources;
    ended.may_have_estimate = run.estimate.has_value();
    if (const auto executor = executors_.find(run.executor); executor != executors_.end())
        ended.gpu_type = executor->second.gpu_type;
    return ended;
}

// Brings the cache up to date for the jobs in these ranges: rows that are there are put, jobs that are not are dropped,
// and runs that ended since are charged.
void Scheduler::absorb(const Sight& sight, const std::vector<JobRange>& ranges) {
    std::vector<core::JobId> present, gone;
    std::vector<store::EndedRun> ended;
    {
        store::LiveRows rows(sight);
        for (const JobRange& range : ranges) {
            present.clear();
            rows.in(range, [&](store::LiveRow&& row) {
                const core::JobId id = row.job.id;
                if (const auto run = runs_.find(id); run != runs_.end() && run->second.token != row.token)
                    ended.push_back(ended_run(id, run->second.token));
                present.push_back(id);
                put(std::move(row));
            });
            const auto miss = [&](const std::vector<core::JobId>& known) {
                for (const core::JobId id : known)
                    if (!std::binary_search(present.begin(), present.end(), id)) gone.push_back(id);
            };
            const std::vector<core::JobId> known = cluster_->ids_in(range.first, range.last);
            std::set_difference(known.begin(), known.end(), present.begin(), present.end(), std::back_inserter(gone));
            miss(tasks_.ids_in(range.first, range.last));
            miss(dependencies_.ids_in(range.first, range.last));
            for (core::JobId id : deadlines_.ids_in(range.first, range.last))
                if (!std::binary_search(present.begin(), present.end(), id)) deadlines_.drop(id);
        }
    }
    for (core::JobId id : gone) {
        dependencies_.ended(id, tasks_.array_of(id));
        tasks_.gone(id);
        if (const auto run = runs_.find(id); run != runs_.end()) {
            ended.push_back(ended_run(id, run->second.token));
            runs_.erase(run);
        }
        cluster_->drop(id);
    }
    if (!ended.empty())
        store::read_charges(
            sight, ended,
            [&](const store::EndedRun& run, const store::Used& used) {
                charge(used);
                tasks_.has_run(run.array);
            },
            [&](const store::Duration& duration) { record(duration); });
    plan_needed_ = publish_needed_ = true;
}

// Walks the live table by key in small steps, so that a change that no callback announced is found.
void Scheduler::sweep(const Sight& sight) {
    const std::optional<int64> end = store::LiveRows(sight).last_of(sweep_from_, sweep_rows, sweep_entries);
    const bool was_needed = plan_needed_, was_publish_needed = publish_needed_;
    const std::size_t before = cluster_->pending_count() + cluster_->run_count();
    absorb(sight, {{sweep_from_, end ? *end : (std::numeric_limits<int64>::max)()}});
    if (cluster_->pending_count() + cluster_->run_count() == before) { // usual: nothing found, nothing to plan
        plan_needed_ = was_needed;
        publish_needed_ = was_publish_needed;
    }
    sweep_from_ = end ? *end + 1 : 0;
}

// Brings the cache up to date. False when this library must not schedule here.
bool Scheduler::load(const Sight& sight, const TakenChanges& changes) {
    if (cluster_ && changes.definitions) {
        store::Definitions fresh = store::read_definitions();
        if (weighs_usage_alike(fresh.settings, definitions_.settings) && store::reason_to_idle().empty())
            apply_definitions(std::move(fresh));
        else
            cluster_.reset();
    }
    if (!cluster_) return reload(sight);
    if (!changes.jobs.empty()) absorb(sight, changes.jobs);
    return true;
}

} // namespace rcq::pg
