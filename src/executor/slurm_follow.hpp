// One run in the hands of Slurm: what is known of it and what is to be done next. Pure: facts and time are arguments.
//
// Three witnesses tell of a run. `end` in its directory is final. The directory `started` tells whether its supervisor
// was ever started (slurm_record.hpp); who creates it first decides whether the run may still begin. Slurm's own list
// says whether the job waits, lives or is over, and is believed only as far as the other two do not speak against it:
// a slurmctld that was killed forgets jobs, or takes running ones for waiting, while their processes go on.
#pragma once
#include "executor/slurm_commands.hpp"
#include "rundir/end.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rcq::executor {

enum class SlurmPhase { waiting, alive, over };
SlurmPhase slurm_phase(std::string_view state);

// What stands in a run's directory.
struct RunFacts {
    bool started = false;
    std::optional<rundir::End> end;
    std::int64_t status_changed_ns = 0; // time stamp of the supervisor's last sign of life; 0: none yet
    std::int64_t index_bytes = 0;       // of log.index
};

enum class RunIntent { run, terminate, kill };

class SlurmRun {
public:
    // What the back end is to do now.
    struct Step {
        enum class Kind {
            wait,
            submit,   // nothing of it is in Slurm
            give_up,  // it must not begin any more: `end` is its end, provided that `started` can be made
            conclude, // `end` is its end: it began, and is gone without a word
            correct,  // Slurm knows better than the supervisor how it ended: `end` replaces its word
            settle    // its own word counts
        };
        Kind kind = Kind::wait;
        rundir::End end; // of give_up, conclude and correct
    };

    SlurmRun(RunPlace place, SlurmRequest request) : place(std::move(place)), request(request) {}

    // A look at the directory, taken at `now_ms`. True: the log may have grown.
    bool note_facts(const RunFacts& facts, std::int64_t now_ms);

    // A list of Slurm that was asked for at `asked_ms` came at `now_ms`; `job` is this run's in it.
    void note_list(const std::optional<SlurmJob>& job, std::int64_t asked_ms, std::int64_t now_ms);

    // sbatch was run: with a number it has the job; without, the answer was lost, and whether there is a job is for the
    // next list to say.
    void note_submission(std::optional<std::int64_t> id, std::int64_t now_ms);

    [[nodiscard]] Step next(std::int64_t now_ms) const;

    // Whether a signal to the job is due, and which.
    std::optional<SlurmSignal> signal_due(std::int64_t now_ms);

    RunPlace place;
    SlurmRequest request;
    std::int64_t id = 0; // in Slurm; 0: not known
    RunIntent intent = RunIntent::run;
    std::int64_t grace_ms = 5000; // what the supervisor needs to end a run that is to be terminated
    std::int64_t hooks_ms = 0;    // how long prolog or epilog may keep it from giving signs of life
    bool submitting = false;      // sbatch is running, or waits for its turn

    [[nodiscard]] const std::string& state() const { return state_; }
    [[nodiscard]] bool started() const { return facts_.started; }
    void note_started() { facts_.started = true; }

private:
    [[nodiscard]] Step next_before_start(std::int64_t now_ms) const;
    [[nodiscard]] Step next_after_start(std::int64_t now_ms) const;
    [[nodiscard]] Step next_after_end(std::int64_t now_ms) const;
    [[nodiscard]] rundir::End end_by_slurm() const;
    [[nodiscard]] bool settled(std::int64_t now_ms) const;
    void enter(SlurmPhase phase, bool listed, const std::string& state, const std::string& reason, std::int64_t now_ms);

    RunFacts facts_;
    bool looked_ = false;             // at the directory, at least once
    std::int64_t status_seen_ms_ = 0; // when its last change was noticed
    std::int64_t end_seen_ms_ = 0;

    bool known_ = false; // a list since the last submission was seen
    bool listed_ = false;
    SlurmPhase phase_ = SlurmPhase::waiting;
    std::string state_; // in the last list; empty: none
    std::string reason_;
    std::int64_t since_ms_ = 0; // when a list first said this
    int lists_ = 0;             // that said so in a row
    std::int64_t submitted_ms_ = 0;
    int submissions_ = 0;

    std::int64_t intent_ms_ = 0; // of the first signal
    std::int64_t signalled_ms_ = 0;
    RunIntent signalled_for_ = RunIntent::run;
};

} // namespace rcq::executor
