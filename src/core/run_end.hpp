// What the end of a run makes of its job.
#pragma once
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace rcq::core {

enum class RunEnd {
    exit_code, // as executors report them (protocol/words.hpp), up to bad_result
    signal,
    timeout,
    oom,
    disk_quota,
    spawn_error,
    not_started,
    cancelled,
    bad_result,
    executor_lost, // not reported, as the rest: found by the server
    preempted,
    requeued,
    deadline,
};
std::string_view word(RunEnd end);
// None when executors do not report such an end.
std::optional<RunEnd> reported_end(std::string_view word);

// What the job is after the run.
enum class AfterRun { completed, failed, cancelled, pending };
std::string_view word(AfterRun status);

struct RunFacts {
    RunEnd reported = RunEnd::exit_code;
    int exit_code = 0; // when it ended with one
    bool cancel_requested = false;
    bool requeue_requested = false;
    bool preempt_requested = false;
    bool deadline_passed = false;
    bool requeue = true; // whether the job is run again when it was lost with its executor
    int losses = 0, max_losses = 0;
    int failures = 0, max_retries = 0;
};

struct RunVerdict {
    RunEnd end = RunEnd::exit_code; // as it is recorded
    AfterRun status = AfterRun::failed;
    std::optional<double> retry_after; // seconds; set when a failure is followed by another run

    // Whether the executor was at fault, not the job: nothing is charged.
    bool lost() const { return end == RunEnd::executor_lost || end == RunEnd::not_started; }
    // Why the job ended as it did, where that must be said.
    std::optional<RunEnd> reason() const {
        return status == AfterRun::failed || lost() ? std::optional(end) : std::nullopt;
    }
};

// A run that was to be preempted, or that somebody asked to be run again, and that did not succeed in the meantime,
// goes back to the queue, as if it had never failed; one that its executor lost is lost all the same. One that its
// executor could not even start goes back to the queue as a lost one does, whatever `requeue` says. A run that was
// killed at its job's deadline fails the job. After any other failure the job is run again as often as max_retries
// says, if `retry_delay` has a delay for this end; it is asked about such ends alone.
RunVerdict judge(const RunFacts& facts, const std::function<std::optional<double>(RunEnd)>& retry_delay);

// How a job is run again after failures. Without `ends` and `exit_codes` after every one.
struct RetryPolicy {
    std::optional<std::set<std::string, std::less<>>> ends;
    std::optional<std::set<int>> exit_codes;
    double delay_s = 0;
    bool exponential = false;
    std::optional<double> max_delay_s;
    double jitter = 0; // how much longer or shorter, as a part of the delay
    double memory_factor = 1;

    // Seconds to the next run, after so many failures before this one; none when such an end is not followed by another
    // run. chance: a random number from 0 to 1.
    std::optional<double> delay(RunEnd end, int exit_code, int failures, double chance) const;
};

} // namespace rcq::core
