// The part of the controller that leads to an exit code: draining, cancelling, signing off.
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
        spdlog::info("event=drain runs={}", supervisor_.held());
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
    spdlog::warn("event=cancel_runs runs={}", supervisor_.held());
    supervisor_.cancel_all(why);
    stop_timer_.start(static_cast<std::uint64_t>(options_.kill_grace_s * 1000) + last_reports_ms);
    finish_when_drained();
    pump();
}

// With nobody to sign off from, and nothing to report, there is no reason to wait for the database.
void Controller::finish_when_drained() {
    if (stop_requests_ > 0 && supervisor_.held() == 0 && !session_.connected()) stop(exit_code::done);
}

void Controller::send_drain() {
    drain_sent_ = true;
    session_.send(store::drain(registration_.executor, incarnation_, "the executor is shutting down"),
                  [this](const Reply& reply) {
                      if (failed(reply, "executor_drain")) return;
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
    supervisor_.kill_all_and_forget();
    stop_timer_.start(last_kill_ms);
    finish_when_dead();
}

void Controller::finish_when_dead() {
    if (!stop_code_ || supervisor_.any_alive()) return;
    stop_timer_.stop();
    finished_(*stop_code_);
}

} // namespace rcq::executor
