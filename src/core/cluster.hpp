// The state of the cluster as the scheduler knows it: a cache of what the tables say, kept up to date change by change.
//
// Every put inserts or replaces, every drop of something unknown does nothing: loading the same facts twice, or in
// another order, ends in the same state. A job is either pending or a run, never both.
#pragma once
#include "commitments.hpp"
#include "lanes.hpp"
#include "matcher.hpp"

namespace rcq::core {

// Jobs of a group by status.
struct Counts {
    std::size_t pending = 0;    // held ones included
    std::size_t held = 0;       // of the pending ones
    std::size_t assigned = 0;   // placed, not claimed
    std::size_t running = 0;    // claimed
    std::size_t cancelling = 0; // of the assigned and running ones
    friend bool operator==(const Counts&, const Counts&) = default;
};

class Cluster {
public:
    explicit Cluster(const Settings& settings = {});
    Cluster(const Cluster&) = delete; // inner parts point at each other
    Cluster& operator=(const Cluster&) = delete;

    // Cost: the number of runs. A longer usage window cannot bring back forgotten usage: load it again.
    void set_settings(const Settings& settings);
    const Settings& settings() const { return settings_; }

    // Time passes: usage leaves the window, runs go past their plans. Call before plan(). Never goes backwards.
    void advance(Micros now);

    // A group that jobs name but nobody put counts as one of priority 5 without quota.
    void put_group(const Group& group);
    void drop_group(GroupId id);

    // Capacity may become smaller than what runs hold: what is free is then negative and nothing is placed.
    // Dropping an executor leaves its runs alone; they hold nothing until an executor of this id is put again.
    void put_executor(const Executor& executor);
    void drop_executor(ExecutorId id);

    // The job is pending: queued in its lane, or parked if held. Was it a run, its resources are freed.
    void put_job(const Job& job);
    // No effect on a job that is a run.
    void drop_job(JobId id);

    // The job is a run: no longer pending, its resources taken. The executor need not be known yet.
    void put_run(const Run& run);
    // Frees exactly what put_run took. No effect on a pending job. Charges nothing: see charge().
    void drop_run(JobId id);

    // The job is neither pending nor a run any more.
    void drop(JobId id);

    // Settled usage of a run that ended at `at`. Billed core-seconds: see billed_rate(), or 0 for a run that was lost.
    void charge(GroupId group, UserId user, Micros at, double billed_core_seconds);

    std::optional<Job> find_job(JobId id) const;
    const Run* find_run(JobId id) const;
    // Ids of all pending jobs and runs in [first, last], ascending.
    std::vector<JobId> ids_in(JobId first, JobId last) const;

    const Group* find_group(GroupId id) const;
    const Executor* find_executor(ExecutorId id) const;
    // All registered ones, in no order.
    std::vector<const Executor*> executors() const;
    // Ascending.
    std::vector<JobId> runs_of(ExecutorId id) const;
    // Capacity less what runs hold; none for an unknown executor.
    std::optional<Resources> free_of(ExecutorId id) const;

    Counts counts(GroupId group) const;
    std::size_t pending_count() const { return jobs_.size(); }
    std::size_t run_count() const { return runs_.size(); }

    const Usage& usage() const { return usage_; }
    const Commitments& commitments() const { return commitments_; }
    const Lanes& lanes() const { return lanes_; }
    const Holes& holes() const { return holes_; }
    // Changes whenever what executors could hold if they were empty may have changed.
    std::uint64_t executors_version() const { return executors_version_; }

private:
    struct Pending {
        Lane* lane;
        Micros eligible_at;
        std::optional<Micros> estimate;
        std::optional<Micros> time_limit;
        bool held;
    };
    struct Host {
        std::optional<Executor> executor; // none: runs name it, but it is not registered
        Resources taken;
        std::vector<JobId> runs; // ascending
        Resources free() const { return executor->capacity - taken; }
    };

    static LaneEntry lane_entry(JobId id, const Pending& pending);
    template <typename Change> void change_host(ExecutorId id, Change change);
    void commit(const Run& run);
    void uncommit(const Run& run);
    void recommit(std::optional<GroupId> group);
    template <typename Change> void change_counts(GroupId group, Change change);
    void count_run(const Run& run, bool add);

    Settings settings_;
    Usage usage_;
    Commitments commitments_;
    Lanes lanes_;
    Holes holes_;
    std::map<JobId, Pending> jobs_;
    std::map<JobId, Run> runs_;
    std::unordered_map<JobId, BilledRate> started_; // the rates at which usage_ counts claimed runs
    std::unordered_map<ExecutorId, Host> hosts_;
    std::unordered_map<GroupId, Group> groups_;
    std::unordered_map<GroupId, Counts> counts_;
    std::uint64_t executors_version_ = 0;
};

} // namespace rcq::core
