// The state of the cluster as the scheduler knows it: a cache of what the tables say, kept up to date change by change.
//
// Every put inserts or replaces, every drop of something unknown does nothing: loading the same facts twice, or in
// another order, ends in the same state. A job is either pending or a run, never both.
#pragma once
#include "commitments.hpp"
#include "estimates.hpp"
#include "holdings.hpp"
#include "hosts.hpp"
#include "lanes.hpp"

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

    // Cost: the number of runs. Another kind of usage window or a longer one cannot bring back forgotten usage: load it
    // again.
    void set_settings(const Settings& settings);
    const Settings& settings() const { return settings_; }

    // Time passes: usage leaves the window, runs go past their plans. Call before plan(). Never goes backwards.
    void advance(Micros now);

    // A group that jobs name but nobody put counts as one of priority 5 without quota.
    void put_group(const Group& group);
    void drop_group(GroupId id);

    void put_user(const User& user);

    // Windows, limits of concurrency keys and consumables of the cluster, all at once: what is not in it is no more.
    void set_windows(std::vector<Window> windows);
    void set_concurrency_limits(const std::map<std::string, std::int32_t>& most_jobs);
    void set_consumables(const Consumables& totals);

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

    // Settled usage: what a run that is no more has used in [from, until), in billed core-seconds: its billed_rate()
    // times its duration. A run that was lost with its executor is charged nothing.
    void charge(Member owner, double billed_core_seconds, Micros from, Micros until);

    // A run ended that had an estimate and neither was lost nor killed.
    void record_duration(UserId user, Micros estimate, Micros actual) { estimates_.record(user, estimate, actual); }
    // How long a job of this user is planned to run, in seconds; none: it says nothing, and defaults decide.
    std::optional<std::int64_t> plan_seconds(UserId user, std::optional<Micros> estimate,
                                             std::optional<Micros> time_limit) const;

    std::optional<Job> find_job(JobId id) const;
    const Run* find_run(JobId id) const;
    // Ids of all pending jobs and runs in [first, last], ascending.
    std::vector<JobId> ids_in(JobId first, JobId last) const;

    const Group* find_group(GroupId id) const;
    const std::unordered_map<GroupId, Group>& groups() const { return groups_; }
    const std::unordered_map<UserId, User>& users() const { return users_; }
    // Users whom jobs named, or may have, when they were not in that group, or before they left it.
    const std::set<Member>& strangers() const { return strangers_; }
    // Changes whenever a group, a user or a stranger comes, goes or changes.
    std::uint64_t members_version() const { return members_version_; }
    const std::vector<Window>& windows() const { return windows_; }
    const Executor* find_executor(ExecutorId id) const;
    // Capacity less what runs hold; none for an unknown executor.
    std::optional<Resources> free_of(ExecutorId id) const;
    // Ascending.
    std::vector<JobId> runs_of(ExecutorId id) const;

    Counts counts(GroupId group) const;
    std::size_t pending_count() const { return jobs_.size(); }
    std::size_t run_count() const { return runs_.size(); }
    std::size_t preemptible_runs() const { return preemptible_runs_; }

    const Usage& usage() const { return usage_; }
    const Commitments& commitments() const { return commitments_; }
    const Lanes& lanes() const { return lanes_; }
    const Hosts& hosts() const { return hosts_; }
    const Holdings& holdings() const { return holdings_; }
    // Changes whenever an executor or a consumable may serve other shapes than before; see outlook.hpp.
    std::uint64_t outlook_version() const { return hosts_.version() + definitions_; }

private:
    struct Pending {
        Lane* lane;
        LaneEntry entry;
        std::optional<Micros> estimate;
        std::optional<Micros> time_limit;
        JobId array;
        std::int32_t array_throttle;
        bool held;
    };
    // What a run was booked with, so that exactly this can be taken back.
    struct Booked {
        Run run;
        Release<Resources> release;
        std::int64_t planned_s;
        BilledRate rate;
    };

    void expect_jobs();
    void plan_pending_again();
    Booked book(const Run& run) const;
    void enter(const Booked& booked);
    void remove(const Booked& booked);
    template <typename Concerned, typename Between> void rebook(Concerned concerned, Between between);
    template <typename Change> void change_counts(GroupId group, Change change);
    void count_run(const Run& run, bool add);

    Settings settings_;
    Usage usage_;
    Commitments commitments_;
    Estimates estimates_;
    Lanes lanes_;
    Hosts hosts_;
    Holdings holdings_;
    std::vector<Window> windows_;
    std::map<JobId, Pending> jobs_;
    std::map<JobId, Booked> runs_;
    std::size_t preemptible_runs_ = 0;
    std::unordered_map<GroupId, Group> groups_;
    std::unordered_map<UserId, User> users_;
    std::set<Member> strangers_;
    std::uint64_t members_version_ = 0;
    std::unordered_map<GroupId, Counts> counts_;
    std::uint64_t definitions_ = 0;     // changes of them
    std::optional<Micros> expected_at_; // when jobs to be expected were last counted
};

} // namespace rcq::core
