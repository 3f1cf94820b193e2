#include "executor/slurm_backend.hpp"

#include "executor/logging.hpp"
#include "executor/slurm_record.hpp"
#include "protocol/words.hpp"
#include "rundir/paths.hpp"
#include "rundir/status.hpp"

#include <algorithm>
#include <fcntl.h>
#include <stdexcept>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace rcq::executor {

namespace {

using rundir::boottime_ms;

constexpr std::uint64_t tick_ms = 1000;
constexpr std::int64_t leave_ms = 10'000;        // in which a job goes by itself once its supervisor has ended
constexpr std::int64_t cancel_again_ms = 10'000; // what a killed slurmctld forgot to do
constexpr int gone_lists = 3;

} // namespace

SlurmBackend::SlurmBackend(uv_loop_t* loop, SlurmSite site)
    : site_(std::move(site)), clients_(loop, slurm_environment(environ)),
      watch_(loop, [this](const SlurmWatch::Found& found) { looked(found); }),
      attention_timer_(loop, [this] { attend(); }), tick_timer_(loop, [this] { tick(); }) {}

SlurmRun& SlurmBackend::add(const RunPlace& place, const rundir::Launch& launch) {
    auto& run = runs_[place.token];
    run = std::make_unique<SlurmRun>(place, slurm_request(launch));
    run->grace_ms = launch.kill_grace_ms;
    run->hooks_ms = launch.prolog.empty() && launch.epilog.empty() ? 0 : launch.hook_limit_ms;
    wake();
    return *run;
}

void SlurmBackend::start(const RunPlace& place, const rundir::Launch& launch, int /*lock_fd*/) {
    if (!launch.contact_file.empty()) {
        // The file counts in a clock of this host, which says nothing on a node.
        throw std::runtime_error("on_disconnect => 'kill' is not possible on an executor that hands its runs to Slurm");
    }
    write_batch_script(place.path);
    hand_over(add(place, launch));
}

void SlurmBackend::adopt(const RunPlace& place, const rundir::Launch& launch) {
    SlurmRun& run = add(place, launch);
    // Without a number, the predecessor ended before sbatch, or between sbatch and its answer: the first list tells.
    if (const auto id = read_slurm_job(place.path)) run.note_submission(id, boottime_ms());
}

void SlurmBackend::terminate(std::int64_t token) { intend(token, RunIntent::terminate); }
void SlurmBackend::kill(std::int64_t token) { intend(token, RunIntent::kill); }

void SlurmBackend::intend(std::int64_t token, RunIntent intent) {
    auto found = runs_.find(token);
    if (found == runs_.end()) return;
    found->second->intent = std::max(found->second->intent, intent);
    attention_.insert(token);
    attention_timer_.start(0);
}

void SlurmBackend::wake() {
    if (!tick_timer_.active()) tick_timer_.start(0, tick_ms);
}

void SlurmBackend::attend() {
    for (std::int64_t token : std::exchange(attention_, {})) advance(token);
}

void SlurmBackend::tick() {
    if (runs_.empty() && leftovers_.empty()) return tick_timer_.stop();
    SlurmWatch::Places places;
    for (const auto& [token, run] : runs_) places.emplace_back(token, run->place.path);
    watch_.look(std::move(places));
    clients_.list(squeue_command(site_),
                  [this](const std::string& output, std::int64_t asked_ms) { listed(output, asked_ms); });
}

void SlurmBackend::looked(const SlurmWatch::Found& found) {
    const std::int64_t now_ms = boottime_ms();
    for (const auto& [token, facts] : found) {
        auto run = runs_.find(token);
        if (run == runs_.end()) continue; // ended meanwhile
        if (run->second->note_facts(facts, now_ms)) events_.changed(token);
        advance(token);
    }
}

void SlurmBackend::listed(const std::string& output, std::int64_t asked_ms) {
    Listed jobs;
    for (SlurmJob& job : parse_squeue(output)) jobs[job.token].push_back(std::move(job));
    std::vector<std::int64_t> tokens;
    for (const auto& [token, run] : runs_) {
        match(*run, jobs[token], asked_ms);
        tokens.push_back(token);
    }
    clear_leftovers(jobs);
    for (std::int64_t token : tokens) advance(token);
}

// Of several jobs for one run - the answer to a first sbatch was lost - the one that lives is the run; the others can
// only find that it has been started.
void SlurmBackend::match(SlurmRun& run, const std::vector<SlurmJob>& jobs, std::int64_t asked_ms) {
    auto worth = [&](const SlurmJob& job) {
        const SlurmPhase phase = slurm_phase(job.state);
        return (phase == SlurmPhase::alive ? 4 : phase == SlurmPhase::waiting ? 2 : 0) + (job.id == run.id ? 1 : 0);
    };
    auto best = std::max_element(jobs.begin(), jobs.end(),
                                 [&](const SlurmJob& a, const SlurmJob& b) { return worth(a) < worth(b); });
    const std::int64_t id = run.id;
    run.note_list(best == jobs.end() ? std::nullopt : std::optional<SlurmJob>(*best), asked_ms, boottime_ms());
    if (run.id != id) remember(run, run.id);
    for (const SlurmJob& job : jobs) {
        if (job.id != run.id && run.id != 0 && slurm_phase(job.state) == SlurmPhase::waiting) {
            cancel(job.id, job.token, SlurmSignal::end);
        }
    }
}

void SlurmBackend::clear_leftovers(const Listed& jobs) {
    const std::int64_t now_ms = boottime_ms();
    for (auto& [token, leftover] : leftovers_) {
        bool there = false;
        for (const SlurmJob& job : jobs.contains(token) ? jobs.at(token) : std::vector<SlurmJob>{}) {
            if (slurm_phase(job.state) == SlurmPhase::over) continue;
            there = true;
            if (now_ms >= leftover.cancel_after_ms) cancel(job.id, token, SlurmSignal::end);
        }
        if (there && now_ms >= leftover.cancel_after_ms) leftover.cancel_after_ms = now_ms + cancel_again_ms;
        leftover.missing = there ? 0 : leftover.missing + 1;
    }
    std::erase_if(leftovers_, [](const auto& entry) { return entry.second.missing >= gone_lists; });
}

void SlurmBackend::advance(std::int64_t token) {
    auto found = runs_.find(token);
    if (found == runs_.end()) return;
    SlurmRun& run = *found->second;
    const std::int64_t now_ms = boottime_ms();
    if (const auto signal = run.signal_due(now_ms)) cancel(run.id, token, *signal);
    const SlurmRun::Step step = run.next(now_ms);
    if (step.kind != SlurmRun::Step::Kind::wait) take(run, step);
}

void SlurmBackend::take(SlurmRun& run, const SlurmRun::Step& step) {
    using Kind = SlurmRun::Step::Kind;
    try {
        switch (step.kind) {
        case Kind::wait:
            return;
        case Kind::submit:
            write_batch_script(run.place.path);
            return hand_over(run);
        case Kind::give_up:
            if (!take_start(run.place.path)) return run.note_started();
            write_end(run, step.end);
            return finish(run, 0);
        case Kind::conclude:
            if (!read_run_end(run.place.path)) write_end(run, step.end); // it may have come at the last moment
            return finish(run, leave_ms);
        case Kind::correct:
            write_run_end(run.place.path, step.end);
            return finish(run, leave_ms);
        case Kind::settle:
            return finish(run, leave_ms);
        }
    } catch (const std::system_error& error) {
        const bool gone = error.code() == std::errc::no_such_file_or_directory;
        spdlog::error("event=slurm_run_directory job={} token={} message={}", run.place.job_id, run.place.token,
                      quoted(error.what()));
        if (gone) finish(run, 0); // nothing can begin there any more; else the next turn tries again
    }
}

void SlurmBackend::hand_over(SlurmRun& run) {
    run.submitting = true;
    clients_.run(sbatch_command(site_, run.request, run.place),
                 [this, token = run.place.token](const ProgramEnd& end) { submitted(token, end); });
}

void SlurmBackend::submitted(std::int64_t token, const ProgramEnd& end) {
    const auto id = end.ok() ? parse_sbatch(end.output) : std::nullopt;
    auto found = runs_.find(token);
    if (found == runs_.end()) { // given up meanwhile
        leftovers_[token] = {};
        return wake();
    }
    SlurmRun& run = *found->second;
    run.note_submission(id, boottime_ms());
    if (id) {
        spdlog::info("event=run_handed_over job={} token={} slurm_job={}", run.place.job_id, token, *id);
        return remember(run, *id);
    }
    const std::string message = end.timed_out ? end.describe() : slurm_message(end.output);
    spdlog::warn("event=sbatch_failed job={} token={} message={}", run.place.job_id, token, quoted(message));
    if (end.ok() || !slurm_answered(end)) return; // the next list decides
    SlurmRun::Step refused{SlurmRun::Step::Kind::give_up, {}};
    refused.end.kind = protocol::run_end::spawn_error;
    refused.end.message = "sbatch: " + message;
    take(run, refused);
}

// The end of a run whose supervisor said nothing.
void SlurmBackend::write_end(const SlurmRun& run, rundir::End end) {
    const std::string& path = run.place.path;
    const std::string log = read_slurm_log(path);
    if (!log.empty() && end.kind == protocol::run_end::spawn_error) end.message += ": " + log;
    end.ended_ms = boottime_ms();
    end.boot = rundir::boot_id();
    if (const auto status = rundir::read_status(AT_FDCWD, (path + "/" + rundir::status_file).c_str())) {
        end.cpu_us = status->cpu_us;
        end.peak_kib = status->peak_kib;
    }
    write_run_end(path, end);
}

void SlurmBackend::finish(SlurmRun& run, std::int64_t leave_ms) {
    const std::int64_t token = run.place.token;
    leftovers_[token] = {.cancel_after_ms = boottime_ms() + leave_ms};
    runs_.erase(token);
    events_.ended(token);
}

void SlurmBackend::cancel(std::int64_t id, std::int64_t token, SlurmSignal signal) {
    clients_.run(scancel_command(site_, id, token, signal), [id, token](const ProgramEnd& end) {
        // Sent again after a while if it was needed still.
        spdlog::info("event=slurm_cancel token={} slurm_job={} exit_code={} message={}", token, id, end.exit_code,
                     quoted(slurm_message(end.output)));
    });
}

void SlurmBackend::remember(const SlurmRun& run, std::int64_t id) {
    try {
        write_slurm_job(run.place.path, id);
    } catch (const std::system_error& error) { // a later executor finds it by its name
        spdlog::error("event=slurm_record_failed job={} token={} message={}", run.place.job_id, run.place.token,
                      quoted(error.what()));
    }
}

} // namespace rcq::executor
