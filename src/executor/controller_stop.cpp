// The part of the controller that takes nothing new: draining, cancelling, signing off, handing over, up to the exit
// code.
//
// Stop requests (SIGTERM, SIGINT), what is known of the database, and when the process ends. "Cut off": offline or on
// its way to the first sync; a server that accepts calls and does not answer them is cut off after 30 s.
//
//   stop | connection | runs held         | what happens                                                  | exit code
//   -----+------------+-------------------+---------------------------------------------------------------+----------
//   1    | ready      | none              | drain, sign off                                               | 0
//   1    | ready      | some              | drain; they run on and are reported; then as none             | 0
//   1    | cut off    | none              | ends at once                                                  | 0
//   1    | cut off    | some              | they run on; waits for the database to report them; with      |
//        |            |                   | --drain-timeout as stop 2 after that                          |
//   2    | ready      | some              | TERM, grace, KILL; reported; sign off                         | 0
//   2    | cut off    | some              | the same; their ends wait for the database until grace + 10 s |
//        |            |                   | are over, then stay for the process that comes next           | 4
//   2    | ready      | some do not end   | after grace + 10 s as stop 3                                  | 4
//   3    | any        | any               | KILL; ends when nothing lives, or after 15 s                  | 4
//   SIGUSR1 | any     | any               | what was claimed begins, 10 s at most; all runs are left      | 0
//   RC021   | ready   | any               | as stop 3, and nothing of them is kept                        | 3
#include "executor/controller.hpp"
#include "executor/logging.hpp"
#include "executor/store.hpp"

namespace rcq::executor {

namespace {

constexpr std::uint64_t last_reports_ms = 10'000;
constexpr std::uint64_t last_kill_ms = 15'000; // longer than the back end takes to end what does not listen
constexpr std::uint64_t hand_over_ms = 10'000;

} // namespace

void Controller::stop_requested() {
    if (handing_over_) return; // that is over soon, and the runs are not ours any more
    ++stop_requests_;
    update_drain();
    if (stop_requests_ == 1) {
        spdlog::info("event=drain runs={}", runs_.held());
        if (options_.drain_timeout_s > 0) {
            stop_timer_.start(static_cast<std::uint64_t>(options_.drain_timeout_s * 1000));
        }
        finish_when_drained();
        pump();
    } else if (stop_requests_ == 2) {
        cancel_runs("the executor was stopped");
    } else {
        stop(exit_code::unfinished);
    }
}

void Controller::cancel_runs(const std::string& why) {
    stop_requests_ = std::max(stop_requests_, 2); // of the drain timeout
    spdlog::warn("event=cancel_runs runs={}", runs_.held());
    runs_.cancel_all(why);
    stop_timer_.start(static_cast<std::uint64_t>(options_.kill_grace_s * 1000) + last_reports_ms);
    finish_when_drained();
    pump();
}

// Nothing lives, and nothing is to be reported.
bool Controller::nothing_left() { return !runs_.any_alive() && runs_.tokens().empty(); }

// With nobody to sign off from, and nothing to report, there is no reason to wait for the database.
void Controller::finish_when_drained() {
    if (stop_requests_ > 0 && !session_.connected() && nothing_left()) stop(exit_code::done);
}

void Controller::time_is_up() {
    if (stop_code_) {
        spdlog::error("event=runs_stay runs={} reason=\"they do not end although they were killed\"",
                      runs_.count(RunState::running));
        return finished_(*stop_code_, false);
    }
    if (handing_over_) return leave_runs(exit_code::done);
    if (stop_requests_ == 1) return cancel_runs("the executor was stopped: drain timeout");
    stop(exit_code::unfinished);
}

// --- handing over ----------------------------------------------------------------------------------------------------

void Controller::hand_over() {
    if (handing_over_ || stop_code_) return;
    handing_over_ = true;
    spdlog::info("event=hand_over runs={}", runs_.held());
    stop_timer_.start(hand_over_ms);
    pump();
}

// What is claimed must have begun, or the next process does not know of it: no answer with starts is under way, none
// waits for its turn. What could not be started is in memory alone, too, and is reported if the server can be reached.
bool Controller::may_leave() {
    if (sync_under_way_ || runs_.count(RunState::queued) > 0) return false;
    return stage_ != Stage::ready || (reportable_.empty() && session_.idle());
}

// --- drain -----------------------------------------------------------------------------------------------------------

void Controller::host_fault(std::optional<std::string> reason) {
    if (reason) {
        spdlog::warn("event=host_unfit reason={}", quoted(*reason));
    } else {
        spdlog::info("event=host_fit");
    }
    host_condition_ = std::move(reason);
    update_drain();
    want_sync(0);
}

void Controller::update_drain() {
    drain_.set_condition(stop_requests_ > 0 ? "the executor is shutting down"
                                            : (host_condition_ ? host_condition_ : start_trouble_));
    if (changed_) changed_();
}

void Controller::send_drain(const DrainCall& call) {
    session_.send(store::drain(registration_.executor, incarnation_, call), [this, call](const database::Reply& reply) {
        if (reply.sqlstate == undefined_function && !call.old_server) {
            drain_.not_understood();
        } else if (failed(reply, "executor_drain")) {
            return;
        } else {
            drain_.answered(call, now());
            next_sync_ms_ = now();
        }
        pump();
    });
}

void Controller::send_sign_off() {
    sign_off_sent_ = true;
    session_.send(store::sign_off(registration_.executor, incarnation_), [this](const database::Reply& reply) {
        if (reply.ok()) {
            spdlog::info("event=signed_off");
        } else {
            spdlog::warn("event=sign_off_failed sqlstate={} message={}", reply.sqlstate, quoted(reply.message));
        }
        stop(exit_code::done);
    });
}

void Controller::stop(int code) {
    if (stop_code_) return;
    stop_code_ = code;
    stage_ = Stage::offline;
    session_.close();
    pump_timer_.stop();
    if (code == exit_code::unfinished) {
        // how a run ended is reported by the process that comes next
        for (std::int64_t token : runs_.tokens()) {
            if (runs_.find(token)->state() != RunState::ended) runs_.kill_and_forget(token);
        }
    } else {
        runs_.kill_all_and_forget();
    }
    stop_timer_.start(last_kill_ms);
    finish_when_dead();
}

// Their supervisors go on; the next process takes them over.
void Controller::leave_runs(int code) {
    if (stop_code_) return;
    stop_code_ = code;
    stage_ = Stage::offline;
    session_.close();
    pump_timer_.stop();
    stop_timer_.stop();
    finished_(code, true);
}

void Controller::finish_when_dead() {
    if (!stop_code_ || runs_.any_alive()) return;
    stop_timer_.stop();
    finished_(*stop_code_, false);
}

} // namespace rcq::executor
