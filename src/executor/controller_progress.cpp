// The part of the controller that tells the server how far runs are.
#include "executor/controller.hpp"
#include "executor/logging.hpp"
#include "executor/store.hpp"
#include "protocol/words.hpp"

namespace rcq::executor {

// A server of before 0.6 does not want to know; it does not say when it was started either.
void Controller::watch_progress() {
    if (registration_.server_start != 0) progress_.watch();
}

void Controller::send_progress() {
    const ProgressBatch batch = progress_.next_batch();
    if (batch.empty()) return pump();
    session_.send(store::progress(registration_.executor, incarnation_, batch), [this](const database::Reply& reply) {
        if (reply.ok()) {
            progress_.answered();
        } else if (reply.sqlstate == undefined_function) {
            spdlog::warn("event=progress_unknown reason=\"the server has no rcq.executor_progress\"");
            progress_.stop();
        } else if (reply.sqlstate == protocol::error::malformed_report || is_about_data(reply.sqlstate)) {
            spdlog::error("event=call_failed call=executor_progress sqlstate={} message={}", reply.sqlstate,
                          quoted(reply.message));
            progress_.answered(); // what it does not take now, it does not take later
        } else if (reply.sqlstate == lock_not_available) {
            progress_.lost();
        } else if (failed(reply, "executor_progress")) {
            return;
        }
        pump();
    });
}

} // namespace rcq::executor
