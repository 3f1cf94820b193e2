// The part of the controller that takes nothing new: draining, cancelling, signing off, up to the exit code.
#include "executor/controller.hpp"
#include "executor/logging.hpp"
#include "executor/store.hpp"

namespace rcq::executor {

namespace {

constexpr std::uint64_t last_reports_ms = 10'000;
constexpr std::uint64_t last_kill_ms = 5'000;

} // namespace

void Controller::stop_requested() {
    ++stop_requests_;
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
    stop_requests_ = std::max(stop_requests_, 2);
    spdlog::warn("event=cancel_runs runs={}", runs_.held());
    runs_.cancel_all(why);
    stop_timer_.start(static_cast<std::uint64_t>(options_.kill_grace_s * 1000) + last_reports_ms);
    finish_when_drained();
    pump();
}

// With nobody to sign off from, and nothing to report, there is no reason to wait for the database.
void Controller::finish_when_drained() {
    if (stop_requests_ > 0 && runs_.held() == 0 && !session_.connected()) stop(exit_code::done);
}

void Controller::hand_over() {
    spdlog::info("event=hand_over runs={}", runs_.held());
    leave_runs(exit_code::done);
}

// --- drain -----------------------------------------------------------------------------------------------------------

void Controller::host_fault(std::optional<std::string> reason) {
    if (reason) {
        spdlog::warn("event=host_unfit reason={}", quoted(*reason));
    } else {
        spdlog::info("event=host_fit");
    }
    host_condition_ = std::move(reason);
    want_sync(0);
}

// A failed prolog or epilog stays the reason when a condition of the host passes: only an administrator ends it.
std::optional<std::string> Controller::drain_reason() const {
    if (stop_requests_ > 0) return "the executor is shutting down";
    return host_condition_ ? host_condition_ : failed_hook_;
}

void Controller::send_drain(std::optional<std::string> reason) {
    drain_known_ = false; // until it is answered
    session_.send(store::drain(registration_.executor, incarnation_, reason), [this, reason](const Reply& reply) {
        if (failed(reply, "executor_drain")) return;
        drain_told_ = reason;
        drain_known_ = true;
        next_sync_ms_ = now();
        pump();
    });
}

void Controller::send_sign_off() {
    sign_off_sent_ = true;
    session_.send(store::sign_off(registration_.executor, incarnation_), [this](const Reply& reply) {
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
    runs_.kill_all_and_forget();
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
    finished_(code);
}

void Controller::finish_when_dead() {
    if (!stop_code_ || runs_.any_alive()) return;
    stop_timer_.stop();
    finished_(*stop_code_);
}

} // namespace rcq::executor
