// A run from its prolog to its epilog: one loop over signals, pipes and times.
#pragma once
#include "rundir/end.hpp"
#include "rundir/launch.hpp"
#include "rundir/status.hpp"
#include "supervisor/alarm.hpp"
#include "supervisor/cgroup.hpp"
#include "supervisor/child.hpp"
#include "supervisor/log_writer.hpp"
#include "supervisor/pump.hpp"
#include "supervisor/usage.hpp"
#include "supervisor/watches.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace rcq::supervisor {

class Supervision {
public:
    // The run's directory, and the descriptor of open_signals().
    Supervision(int directory, rundir::Launch launch, int signals);

    // Returns when no process of the run is left.
    rundir::End run();

private:
    enum class Phase { prolog, job, epilog };

    void run_job();
    void run_hook(Phase phase, const std::string& program);
    [[nodiscard]] std::string hook_fault(const std::string& program) const;

    // Starts a child and follows it until nothing of it is left; a child that could not run leaves failure_.
    void run_child(Phase phase, ChildPlan& plan, std::int64_t limit_ms);
    void follow();
    void end_everything();
    void drain();

    void wait_for_events(std::int64_t until_ms);
    void reap();
    void check_times(std::int64_t now_ms);
    void tick(std::int64_t now_ms);
    void check_contact(std::int64_t now_ms);
    [[nodiscard]] std::int64_t contact_due_ms() const;
    [[nodiscard]] std::int64_t next_due_ms() const;

    // The first reason stays, and the earliest time: TERM now, KILL at kill_at_ms, or at once when that is over.
    void stop(std::string_view kind, const std::string& message, std::int64_t kill_at_ms);
    [[nodiscard]] std::int64_t after_grace_ms() const;

    void describe_job_end();
    void fault(const std::string& text);
    void write_status();

    int directory_;
    rundir::Launch launch_;
    int signals_;
    Alarm alarm_;
    Cgroup cgroup_;
    Usage usage_;
    LogWriter log_;
    ContactWatch contact_;
    QuotaWatch quota_;
    rundir::Status status_;
    rundir::End end_;

    // Why the run is ended from outside; empty: it is not.
    std::string reason_kind_;
    std::string reason_message_;

    // Of the child that is being followed.
    Phase phase_ = Phase::prolog;
    Pump* pump_ = nullptr;
    pid_t leader_ = 0;
    std::optional<int> leader_status_;
    std::optional<ChildFailure> failure_;
    bool no_children_ = true;
    bool kill_now_ = false;
    bool ending_ = false;
    bool hook_timed_out_ = false;
    std::int64_t ended_ms_ = 0;
    std::int64_t limit_at_ms_ = -1;
    std::int64_t kill_at_ms_ = -1;
    std::int64_t tick_at_ms_ = -1;
};

} // namespace rcq::supervisor
