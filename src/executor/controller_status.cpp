// What the controller says of itself, for the status file.
#include "executor/controller.hpp"

namespace rcq::executor {

StatusReport Controller::status() const {
    StatusReport report;
    report.name = registration_.name;
    report.executor = registration_.executor;
    report.connected = connected_;
    report.connected_changed_ms = connected_changed_ms_;
    report.drain_reason = drain_.condition().value_or("");
    report.last_sync_ms = last_sync_ms_;
    report.runs = {{"queued", runs_.count(RunState::queued)},
                   {"running", runs_.count(RunState::running)},
                   {"ended", runs_.count(RunState::ended)}};
    report.cores = options_.capacity.cpu_cores;
    report.free_cores = runs_.free_cores();
    report.gpus = options_.capacity.gpu_count;
    report.free_gpus = runs_.free_gpus();
    return report;
}

} // namespace rcq::executor
