#include "executor/supervisor.hpp"

#include "executor/clock.hpp"
#include "executor/logging.hpp"
#include "protocol/words.hpp"

#include <cerrno>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr std::uint64_t tick_ms = 1000;
constexpr std::uint64_t start_slice_ms = 8; // of starts, before the loop looks at everything else

} // namespace

Supervisor::Supervisor(uv_loop_t* loop, const Options& options, std::string runs_dir,
                       std::vector<std::string> inherited_environment, Spawner& spawner, Remover& remover)
    : loop_(loop), options_(options), runs_dir_(std::move(runs_dir)), boot_(boot_id()),
      inherited_environment_(std::move(inherited_environment)), spawner_(spawner), remover_(remover),
      gpus_(options.capacity.gpu_count), ownership_(getpid()), contact_ms_(boottime_ms()),
      queue_timer_(loop, [this] { start_queued(); }), tick_timer_(loop, [this] { tick(); }),
      burial_timer_(loop, [this] { buried_.clear(); }) {}

Run* Supervisor::find(std::int64_t token) {
    auto found = runs_.find(token);
    return found == runs_.end() ? nullptr : found->second.get();
}

bool Supervisor::admit(std::int64_t job_id, std::int64_t token) {
    if (!runs_.contains(token) && !ended_tokens_.knows(token)) return true;
    spdlog::debug("event=start_repeated job={} token={}", job_id, token);
    return false;
}

void Supervisor::start(std::int64_t job_id, std::int64_t token, JobSpec spec) {
    if (!admit(job_id, token)) return;
    runs_.emplace(token, std::make_unique<Run>(*this, job_id, token, std::move(spec)));
    ++not_ended_;
    queue_.push_back(token);
    if (!queue_timer_.active()) queue_timer_.start(0);
}

void Supervisor::refuse(std::int64_t job_id, std::int64_t token, const std::string& message) {
    if (!admit(job_id, token)) return;
    auto& run = runs_.emplace(token, std::make_unique<Run>(*this, job_id, token, JobSpec{})).first->second;
    ++not_ended_;
    run->refuse(message);
}

void Supervisor::start_queued() {
    const std::uint64_t begin = uv_hrtime();
    while (!queue_.empty() && uv_hrtime() - begin < start_slice_ms * 1'000'000) {
        Run* run = find(queue_.front());
        queue_.pop_front();
        if (run == nullptr || run->state() != RunState::queued) continue;
        auto gpus = gpus_.take(run->spec().gpu_count);
        if (!gpus) {
            run->refuse(fmt::format("{} GPUs granted, but only {} are free on this executor", run->spec().gpu_count,
                                    gpus_.free_count()));
            continue;
        }
        run->start(std::move(*gpus));
        if (run->state() == RunState::running) by_leader_[run->leader()] = run;
    }
    uv_update_time(loop_);
    if (!queue_.empty()) queue_timer_.start(1);
    if (alive_count() > 0 && !tick_timer_.active()) tick_timer_.start(tick_ms, tick_ms);
    idle_ticks_ = 0;
}

void Supervisor::cancel(std::int64_t token) {
    if (Run* run = find(token)) run->terminate(protocol::run_end::cancelled, "cancelled");
}

void Supervisor::cancel_all(const std::string& message) {
    for (std::int64_t token : tokens()) find(token)->terminate(protocol::run_end::cancelled, message);
}

void Supervisor::kill_and_forget(std::int64_t token) {
    if (Run* run = find(token)) run->kill_and_forget();
}

void Supervisor::kill_all_and_forget() {
    for (std::int64_t token : tokens()) kill_and_forget(token);
}

void Supervisor::forget(std::int64_t token) {
    auto found = runs_.find(token);
    if (found == runs_.end()) return;
    Run& run = *found->second;
    ended_tokens_.remember(token);
    run.directory().tidy(remover_, run.end().outputs.any, run.log().bytes_in_file() > 0);
    runs_.erase(found);
}

void Supervisor::reap() {
    for (;;) {
        siginfo_t info{};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
        int status = 0;
        rusage usage{};
        if (wait4(info.si_pid, &status, WNOHANG, &usage) != info.si_pid) return;
        auto leader = by_leader_.find(info.si_pid);
        if (leader == by_leader_.end()) continue; // an orphan that a run left behind
        Run* run = leader->second;
        by_leader_.erase(leader);
        draining_[run->token()] = run;
        run->leader_exited(status, usage);
    }
}

void Supervisor::note_contact(std::int64_t sent_ms, std::int64_t limit_ms) {
    contact_ms_ = sent_ms;
    contact_limit_ms_ = limit_ms;
}

std::vector<std::int64_t> Supervisor::tokens() const {
    std::vector<std::int64_t> tokens;
    tokens.reserve(runs_.size());
    for (const auto& [token, run] : runs_) {
        if (!run->forgotten()) tokens.push_back(token);
    }
    return tokens;
}

bool Supervisor::directory_in_use(const std::string& name) const {
    std::size_t dash = name.rfind('-');
    if (dash == std::string::npos) return false;
    return runs_.contains(std::strtoll(name.c_str() + dash + 1, nullptr, 10));
}

std::vector<Run*> Supervisor::usage_due(std::int64_t interval_ms, std::size_t limit) {
    std::vector<Run*> due;
    const std::int64_t now = boottime_ms();
    for (const auto& [pid, run] : by_leader_) {
        if (due.size() >= limit) break;
        if (run->forgotten() || now - run->usage_sent_ms < interval_ms) continue;
        run->usage_sent_ms = now;
        due.push_back(run);
    }
    return due;
}

std::vector<Ownership::Run> Supervisor::living() const {
    std::vector<Ownership::Run> living;
    for (const auto& [token, run] : draining_) living.push_back({run->leader(), run->directory().path(), token});
    for (const auto& [pid, run] : by_leader_) living.push_back({pid, run->directory().path(), run->token()});
    return living;
}

void Supervisor::signal_tree(Run& run, int signal) {
    const auto processes = list_processes();
    const auto owned = ownership_.assign(processes, living());
    if (run.state() == RunState::running) ::kill(run.leader(), signal);
    auto members = owned.members.find(run.token());
    if (members == owned.members.end()) return;
    for (const ProcessInfo* process : members->second) {
        if (process->pid != run.leader()) ::kill(process->pid, signal);
    }
}

bool Supervisor::kill_left_behind(Run& run) {
    // One cheap question for the usual run, which leaves nothing: does its process group still exist? What left the
    // group holds a pipe open, was seen outside by a sample, or is found by the next tick.
    bool group_gone = ::kill(-run.leader(), 0) != 0 && errno == ESRCH;
    if (group_gone && run.log().at_end() && !run.has_outside_members()) return false;
    const auto processes = list_processes();
    const auto owned = ownership_.assign(processes, living());
    auto members = owned.members.find(run.token());
    if (members == owned.members.end()) return false;
    for (const ProcessInfo* process : members->second) ::kill(process->pid, SIGKILL);
    return true;
}

void Supervisor::run_log_grown(Run& run) {
    if (run.forgotten()) {
        run.log().outbox().drop();
    } else if (events_.log_grown) {
        events_.log_grown(run);
    }
}

void Supervisor::run_ended(Run& run) {
    gpus_.give_back(run.release_gpus());
    if (!run.end_counted) {
        run.end_counted = true;
        --not_ended_;
    }
    draining_.erase(run.token());
    if (run.forgotten()) {
        bury(run);
    } else if (events_.ended) {
        events_.ended(run);
    }
    if (events_.process_gone) events_.process_gone();
}

void Supervisor::bury(Run& run) {
    auto found = runs_.find(run.token());
    if (found == runs_.end()) return;
    buried_.push_back(std::move(found->second));
    runs_.erase(found);
    ended_tokens_.remember(run.token());
    run.directory().tidy(remover_, run.end().outputs.any, run.log().bytes_in_file() > 0);
    burial_timer_.start(0);
}

// Once a second while runs are alive, and twice more after the last: a daemon that a run has set free is found then.
void Supervisor::tick() {
    const auto processes = list_processes();
    const auto runs = living();
    const auto owned = ownership_.assign(processes, runs);
    for (pid_t pid : owned.left_behind) {
        spdlog::warn("event=left_behind_killed pid={}", pid);
        ::kill(pid, SIGKILL);
    }
    if (runs.empty()) {
        for (pid_t pid : owned.unknown) ::kill(pid, SIGKILL);
        if (++idle_ticks_ >= 2) tick_timer_.stop();
        return;
    }
    for (const auto& run : runs) {
        auto members = owned.members.find(run.token);
        Run* living = find(run.token);
        if (living != nullptr && members != owned.members.end()) sample(*living, members->second);
    }
    end_runs_without_contact();
}

void Supervisor::sample(Run& run, const std::vector<const ProcessInfo*>& members) {
    std::int64_t memory_kib = 0;
    std::uint64_t cpu_ticks = 0;
    bool outside = false;
    for (const ProcessInfo* process : members) {
        memory_kib += private_memory_kib(process->pid);
        cpu_ticks += process->cpu_ticks;
        outside = outside || process->session != run.leader();
    }
    run.sample(memory_kib, ticks_to_seconds(cpu_ticks), outside);
}

void Supervisor::end_runs_without_contact() {
    const std::int64_t silent_ms = boottime_ms() - contact_ms_;
    if (contact_limit_ms_ <= 0 || silent_ms < contact_limit_ms_) return;
    std::vector<Run*> doomed;
    for (const auto& [pid, run] : by_leader_) {
        if (run->spec().kill_on_disconnect) doomed.push_back(run);
    }
    for (Run* run : doomed) {
        run->terminate(protocol::run_end::cancelled,
                       fmt::format("no contact with the server for {} s", silent_ms / 1000));
    }
}

} // namespace rcq::executor
