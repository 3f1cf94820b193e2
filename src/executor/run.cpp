#include "executor/run.hpp"

#include "executor/logging.hpp"
#include "executor/run_result.hpp"
#include "protocol/words.hpp"
#include "rundir/status.hpp"

#include <algorithm>
#include <unistd.h>

namespace rcq::executor {

Run::Run(std::int64_t job_id, std::int64_t token, const std::string& runs_dir, JobSpec spec)
    : job_id_(job_id), token_(token), spec_(std::make_unique<JobSpec>(std::move(spec))),
      directory_(runs_dir, job_id, spec_->attempt, token), log_(directory_.path()), owner_(geteuid()) {}

Run::Run(const rundir::Launch& launch, const std::string& path, Grants grants)
    : cgroup(launch.cgroup), log_place(launch.log_place), job_id_(launch.job_id), token_(launch.token),
      state_(RunState::running), directory_(path), log_(path), owner_(launch.switch_user ? launch.uid : geteuid()),
      grants_(std::move(grants)) {
    log_position_known = false;
    usage_sent_ms = rundir::boottime_ms();
}

void Run::started(uid_t owner, Grants grants) {
    state_ = RunState::running;
    owner_ = owner;
    grants_ = std::move(grants);
    usage_sent_ms = rundir::boottime_ms();
    spdlog::info("event=run_started job={} attempt={} token={}", job_id_, spec_->attempt, token_);
    spec_.reset();
}

void Run::end_unstarted(std::string_view kind, const std::string& message) {
    end_.kind = kind;
    end_.message = message;
    end_.ended_at_ms = rundir::boottime_ms();
    spec_.reset();
    log_.drop();
    state_ = RunState::ended;
    log_end();
}

void Run::collect_end() {
    double age_s = 0;
    const auto end = directory_.read_end(age_s);
    const bool succeeded = end && end->kind == protocol::run_end::exit_code && end->exit_code == 0;
    ResultCheck result;
    if (!forgotten && succeeded) result = check_result(directory_.result_path(), owner_);
    if (!forgotten) end_.outputs = directory_.collect_outputs();
    // From here on nothing fails.
    if (end) {
        take_over(*end, age_s);
    } else {
        end_.kind = protocol::run_end::cancelled;
        end_.message = "lost with its supervisor";
        end_.ended_at_ms = rundir::boottime_ms();
    }
    end_.result_bytes = result.bytes;
    if (!result.fault.empty()) {
        end_.kind = protocol::run_end::bad_result;
        end_.message = result.fault;
    }
    log_.close(log_place, end ? std::optional(end->log_dropped) : std::nullopt);
    if (!forgotten && (end_.outputs.any || log_.has_tail())) directory_.announce();
    state_ = RunState::ended;
    log_end();
}

void Run::take_over(const rundir::End& end, double age_s) {
    end_.kind = end.kind;
    end_.exit_code = end.exit_code;
    end_.signal = end.signal;
    end_.message = end.message;
    end_.host_fault = end.host_fault;
    end_.cpu_seconds = static_cast<double>(end.cpu_us) / 1e6;
    end_.peak_memory_mib = (end.peak_kib + 1023) / 1024;
    if (end.kind == protocol::run_end::cancelled && !cancel_message.empty()) end_.message = cancel_message;
    // The clock of another boot says nothing; the time of day has to do then.
    const std::int64_t now = rundir::boottime_ms();
    end_.ended_at_ms =
        end.boot == rundir::boot_id() ? end.ended_ms : now - static_cast<std::int64_t>(std::max(0.0, age_s) * 1000);
}

void Run::log_end() const {
    spdlog::info("event=run_ended job={} token={} end={} exit_code={} signal={} cpu_s={:.3f} peak_mib={} message={}",
                 job_id_, token_, end_.kind, end_.exit_code.value_or(-1), end_.signal.value_or(0), end_.cpu_seconds,
                 end_.peak_memory_mib, quoted(end_.message));
}

} // namespace rcq::executor
