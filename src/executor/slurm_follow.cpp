#include "executor/slurm_follow.hpp"

#include "protocol/words.hpp"

#include <algorithm>
#include <array>
#include <csignal>

namespace rcq::executor {

namespace {

namespace run_end = protocol::run_end;

constexpr int settled_lists = 3;
constexpr std::int64_t settled_ms = 5000;   // a shared file system shows new files this late
constexpr std::int64_t silence_ms = 15'000; // of a supervisor that writes once a second
constexpr std::int64_t verdict_ms = 10'000; // how long Slurm's reason for an end is waited for
constexpr std::int64_t signal_again_ms = 10'000;
constexpr std::int64_t kill_patience_ms = 10'000;
constexpr std::int64_t terminate_patience_ms = 60'000; // beyond the grace time
constexpr int most_submissions = 5;

// Reasons to wait that no waiting will cure.
constexpr std::array<std::string_view, 9> hopeless = {"launch failed requeued held",
                                                      "launch_failed_requeued_held",
                                                      "BadConstraints",
                                                      "PartitionConfig",
                                                      "PartitionNodeLimit",
                                                      "PartitionTimeLimit",
                                                      "InvalidAccount",
                                                      "InvalidQOS",
                                                      "AccountNotAllowed"};

bool contains(const auto& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

rundir::End make_end(std::string_view kind, std::string message) {
    rundir::End end;
    end.kind = kind;
    end.message = std::move(message);
    return end;
}

// Slurm signals all processes at once, so the job may be gone before its supervisor looks at its own signal.
bool may_be_slurms_doing(const rundir::End& end) {
    const int signal = end.signal ? *end.signal : end.exit_code.value_or(0) - 128; // as a shell tells of a child
    return end.kind == run_end::cancelled || signal == SIGTERM || signal == SIGKILL;
}

} // namespace

SlurmPhase slurm_phase(std::string_view state) {
    static constexpr std::array<std::string_view, 5> waiting = {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED",
                                                                "SPECIAL_EXIT"};
    static constexpr std::array<std::string_view, 10> over = {"COMPLETED", "CANCELLED",    "FAILED",    "TIMEOUT",
                                                              "NODE_FAIL", "PREEMPTED",    "BOOT_FAIL", "DEADLINE",
                                                              "REVOKED",   "OUT_OF_MEMORY"};
    if (contains(waiting, state)) return SlurmPhase::waiting;
    return contains(over, state) ? SlurmPhase::over : SlurmPhase::alive;
}

bool SlurmRun::note_facts(const RunFacts& facts, std::int64_t now_ms) {
    const bool grown = facts.index_bytes != facts_.index_bytes;
    if (facts.status_changed_ns != facts_.status_changed_ns || !looked_) status_seen_ms_ = now_ms;
    if (facts.end && end_seen_ms_ == 0) end_seen_ms_ = now_ms;
    const bool started = facts_.started || facts.started; // what we did ourselves may be newer than this look
    facts_ = facts;
    facts_.started = started;
    looked_ = true;
    return grown;
}

void SlurmRun::enter(SlurmPhase phase, bool listed, const std::string& state, const std::string& reason,
                     std::int64_t now_ms) {
    const bool same = known_ && listed_ == listed && phase_ == phase && reason_ == reason;
    if (!same) {
        since_ms_ = now_ms;
        lists_ = 0;
    }
    known_ = true;
    listed_ = listed;
    phase_ = phase;
    state_ = state;
    reason_ = reason;
    ++lists_;
}

void SlurmRun::note_list(const std::optional<SlurmJob>& job, std::int64_t asked_ms, std::int64_t now_ms) {
    if (submitting || asked_ms < submitted_ms_) return; // it may be older than our job
    if (job) {
        id = job->id;
        return enter(slurm_phase(job->state), true, job->state, job->reason, now_ms);
    }
    enter(SlurmPhase::over, false, {}, {}, now_ms);
}

void SlurmRun::note_submission(std::optional<std::int64_t> number, std::int64_t now_ms) {
    submitting = false;
    submitted_ms_ = now_ms;
    id = number.value_or(0);
    if (number) ++submissions_;
    known_ = false;
    state_.clear();
}

bool SlurmRun::settled(std::int64_t now_ms) const {
    return lists_ >= settled_lists && now_ms - since_ms_ >= settled_ms;
}

SlurmRun::Step SlurmRun::next(std::int64_t now_ms) const {
    if (!looked_) return {};
    if (facts_.end) return next_after_end(now_ms);
    return facts_.started ? next_after_start(now_ms) : next_before_start(now_ms);
}

// What Slurm does for reasons of its own - its limit of time or memory, preemption - looks to the supervisor like a
// cancel or a kill that nobody asked for; Slurm's list tells them apart a moment later.
SlurmRun::Step SlurmRun::next_after_end(std::int64_t now_ms) const {
    Step settle{Step::Kind::settle, {}};
    if (intent != RunIntent::run || id == 0 || !may_be_slurms_doing(*facts_.end)) return settle;
    if (!known_ || !listed_ || phase_ != SlurmPhase::over) {
        return now_ms - end_seen_ms_ < verdict_ms ? Step{} : settle;
    }
    rundir::End end = *facts_.end;
    if (state_ == "TIMEOUT" || state_ == "DEADLINE") {
        end.kind = run_end::timeout;
    } else if (state_ == "OUT_OF_MEMORY") {
        end.kind = run_end::oom;
    } else if (state_ == "PREEMPTED" || state_ == "NODE_FAIL" || state_ == "CANCELLED") {
        end.kind = run_end::cancelled;
    } else {
        return settle;
    }
    end.message = "Slurm job " + std::to_string(id) + ": " + state_;
    return {Step::Kind::correct, end};
}

SlurmRun::Step SlurmRun::next_before_start(std::int64_t now_ms) const {
    if (intent != RunIntent::run) return {Step::Kind::give_up, make_end(run_end::cancelled, "cancelled")};
    if (submitting || !known_) return {};
    if (!listed_) {
        // Without a number there never was an answer of sbatch, and one list decides; a job that Slurm has forgotten
        // must be missing for a while.
        if (id != 0 && !settled(now_ms)) return {};
        if (submissions_ < most_submissions) return {Step::Kind::submit, {}};
        return {Step::Kind::give_up,
                make_end(run_end::spawn_error,
                         "Slurm lost the job " + std::to_string(submissions_) + " times before it began")};
    }
    if (phase_ == SlurmPhase::over && settled(now_ms)) return {Step::Kind::give_up, end_by_slurm()};
    if (phase_ == SlurmPhase::waiting && contains(hopeless, reason_) && settled(now_ms)) {
        return {Step::Kind::give_up,
                make_end(run_end::spawn_error, "Slurm does not start job " + std::to_string(id) + ": " + reason_)};
    }
    return {};
}

SlurmRun::Step SlurmRun::next_after_start(std::int64_t now_ms) const {
    if (submitting || !known_ || (listed_ && phase_ == SlurmPhase::alive) || !settled(now_ms)) return {};
    // Not in Slurm, over there, or waiting to be started once more; but its supervisor may go on all the same.
    if (facts_.status_changed_ns != 0 && now_ms - status_seen_ms_ < silence_ms + hooks_ms) return {};
    return {Step::Kind::conclude, end_by_slurm()};
}

rundir::End SlurmRun::end_by_slurm() const {
    const std::string job = "Slurm job " + std::to_string(id);
    if (!listed_) return make_end(run_end::cancelled, job + " is gone, and its supervisor with it");
    std::string text = job + ": " + state_;
    if (!reason_.empty() && reason_ != "None") text += ", " + reason_;
    if (intent != RunIntent::run) return make_end(run_end::cancelled, text);
    if (state_ == "TIMEOUT" || state_ == "DEADLINE") return make_end(run_end::timeout, text);
    if (state_ == "OUT_OF_MEMORY") return make_end(run_end::oom, text);
    // Without a sign of life of the supervisor it is the fault of what should have started it.
    if (facts_.status_changed_ns == 0 && (state_ == "FAILED" || state_ == "COMPLETED")) {
        return make_end(run_end::spawn_error, text);
    }
    return make_end(run_end::cancelled, text);
}

std::optional<SlurmSignal> SlurmRun::signal_due(std::int64_t now_ms) {
    if (intent == RunIntent::run || !facts_.started || facts_.end) return std::nullopt;
    if (id == 0 || !known_ || !listed_ || phase_ != SlurmPhase::alive) return std::nullopt;
    if (signalled_for_ == intent && now_ms - signalled_ms_ < signal_again_ms) return std::nullopt;
    if (signalled_for_ != intent) intent_ms_ = now_ms;
    signalled_for_ = intent;
    signalled_ms_ = now_ms;
    const bool kill = intent == RunIntent::kill;
    const std::int64_t patience = kill ? kill_patience_ms : grace_ms + terminate_patience_ms;
    if (now_ms - intent_ms_ >= patience) return SlurmSignal::end;
    return kill ? SlurmSignal::interrupt : SlurmSignal::terminate;
}

} // namespace rcq::executor
