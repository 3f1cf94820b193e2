#include "executor/run_table.hpp"

#include "executor/host_fault.hpp"
#include "executor/logging.hpp"
#include "protocol/words.hpp"
#include "rundir/paths.hpp"
#include "rundir/status.hpp"

#include <exception>
#include <fcntl.h>
#include <new>
#include <system_error>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr std::uint64_t shortage_ms = 500;  // before what could not be read for want of a descriptor is tried again
constexpr std::uint64_t start_slice_ms = 8; // of starts, before the loop looks at everything else

} // namespace

RunTable::RunTable(uv_loop_t* loop, const Options& options, const StateDirectory& state,
                   std::vector<std::string> inherited_environment, const CgroupTree& cgroups, Backend& backend,
                   Remover& remover, SpareDirectories& spares)
    : options_(options),
      runs_dir_(state.runs_dir()), settings_{&options, state.contact_file(), std::move(inherited_environment)},
      cgroups_(cgroups), backend_(backend), remover_(remover), spares_(spares),
      accounts_(options.allow_users, options.default_user), cgroup_remover_(loop), gpus_(options.capacity.gpu_count),
      cpus_(options.cpu_affinity ? own_cores() : std::vector<int>{}, options.capacity.cpu_cores),
      queue_timer_(loop, [this] { start_queued(); }),
      collect_timer_(loop,
                     [this] {
                         for (std::int64_t token : std::exchange(to_collect_, {})) {
                             if (Run* run = find(token)) collect_end(*run);
                         }
                     }),
      burial_timer_(loop, [this] {
          for (std::int64_t token : std::exchange(to_bury_, {})) forget(token);
      }) {
    backend_.set_events({[this](std::int64_t token) {
                             Run* run = find(token);
                             if (run != nullptr && !run->forgotten && events_.log_grown) events_.log_grown(*run);
                         },
                         [this](std::int64_t token) { backend_ended(token); },
                         [this](std::int64_t token, const HostFault& fault) {
                             Run* run = find(token);
                             if (run == nullptr) return;
                             --running_;
                             not_started(*run, fault.what(), fault.lasting());
                             unstarted_over(*run);
                         }});
}

Run* RunTable::find(std::int64_t token) {
    auto found = runs_.find(token);
    return found == runs_.end() ? nullptr : found->second.get();
}

void RunTable::adopt(const std::vector<FoundRun>& found) {
    for (const FoundRun& one : found) {
        Grants held{gpus_.hold(one.launch.gpus), cpus_.hold(one.launch.cpus)};
        auto run = std::make_unique<Run>(one.launch, one.path, std::move(held));
        const RunPlace place{run->job_id(), run->token(), one.path};
        spdlog::info("event=run_adopted job={} token={}", place.job_id, place.token);
        runs_.emplace(place.token, std::move(run));
        ++not_ended_;
        ++running_;
        backend_.adopt(place, one.launch);
    }
}

void RunTable::remove_other_cgroups() {
    for (const std::string& path : cgroups_.others([this](std::int64_t token) { return runs_.contains(token); })) {
        cgroup_remover_.remove(path);
    }
}

bool RunTable::admit(std::int64_t job_id, std::int64_t token) {
    if (!runs_.contains(token) && !ended_tokens_.knows(token)) return true;
    spdlog::debug("event=start_repeated job={} token={}", job_id, token);
    return false;
}

void RunTable::start(std::int64_t job_id, std::int64_t token, JobSpec spec) {
    if (!admit(job_id, token)) return;
    runs_.emplace(token, std::make_unique<Run>(job_id, token, runs_dir_, std::move(spec)));
    ++not_ended_;
    queue_.push_back(token);
    if (!queue_timer_.active()) queue_timer_.start(0);
}

void RunTable::refuse(std::int64_t job_id, std::int64_t token, const std::string& message) {
    if (!admit(job_id, token)) return;
    auto& run = runs_.emplace(token, std::make_unique<Run>(job_id, token, runs_dir_, JobSpec{})).first->second;
    ++not_ended_;
    run->end_unstarted(protocol::run_end::spawn_error, message);
    run_over(*run);
}

void RunTable::start_queued() {
    const std::uint64_t begin = uv_hrtime();
    while (!queue_.empty() && uv_hrtime() - begin < start_slice_ms * 1'000'000) {
        Run* run = find(queue_.front());
        queue_.pop_front();
        if (run != nullptr && run->state() == RunState::queued) start_run(*run);
    }
    if (!queue_.empty()) queue_timer_.start(1);
}

void RunTable::start_run(Run& run) {
    const JobSpec& spec = run.spec();
    Grants grants;
    try {
        if (spec.workdir && !spec.workdir->starts_with('/')) {
            throw SpecError("workdir \"" + *spec.workdir + "\" is not an absolute path");
        }
        // A path that only resolves to an allowed one is looked at by the supervisor, where a slow file system stops
        // nobody else.
        if (spec.workdir && options_.workdir_allow.empty()) {
            throw SpecError("workdir \"" + *spec.workdir +
                            "\" is not allowed here: the executor has no --workdir-allow");
        }
        const Account* account = geteuid() == 0 ? &accounts_.resolve(spec.unix_user) : nullptr;
        auto gpus = gpus_.take(spec.gpu_count);
        if (!gpus) {
            throw HostFault(fmt::format("{} GPUs granted, but only {} are free on this executor", spec.gpu_count,
                                        gpus_.free_count()),
                            false);
        }
        grants = {std::move(*gpus), cpus_.take(spec.cpu_cores)};
        launch(run, account, grants);
        ++running_;
        run.started(account == nullptr ? geteuid() : account->uid, grants);
        return;
    } catch (const HostFault& fault) {
        give_back(grants);
        not_started(run, fault.what(), fault.lasting());
    } catch (const CgroupError& error) {
        give_back(grants);
        not_started(run, error.what(), !is_passing(error.error()));
    } catch (const std::system_error& error) {
        give_back(grants);
        not_started(run, error.what(), !is_passing(error.code().value()));
    } catch (const std::bad_alloc&) {
        give_back(grants);
        not_started(run, "out of memory", false);
    } catch (const std::exception& error) {
        give_back(grants);
        run.end_unstarted(protocol::run_end::spawn_error, error.what());
    }
    unstarted_over(run);
}

void RunTable::unstarted_over(Run& run) {
    if (!run.cgroup.empty()) cgroup_remover_.remove(run.cgroup);
    const std::string fault = run.end().host_fault;
    run_over(run);
    if (!fault.empty()) put_back_queue(fault);
}

// This host could not start it; another one, or this one later, may.
void RunTable::not_started(Run& run, const std::string& message, bool lasting) {
    if (lasting) run.end().host_fault = message;
    run.end_unstarted(protocol::run_end::not_started, message);
}

// After a fault of the host the runs that wait for their start are left to others.
void RunTable::put_back_queue(const std::string& fault) {
    for (std::int64_t token : std::exchange(queue_, {})) {
        Run* run = find(token);
        if (run == nullptr || run->state() != RunState::queued) continue;
        run->end_unstarted(protocol::run_end::not_started, fault);
        run_over(*run);
    }
}

void RunTable::launch(Run& run, const Account* account, const Grants& grants) {
    const JobSpec& spec = run.spec();
    const DirectoryLock lock = run.directory().create(spec.script, spec.payload, account, spares_);
    rundir::Launch plan = plan_launch(run.job_id(), run.token(), spec, run.directory(), grants, account, settings_);
    run.cgroup = cgroups_.make(run.token(), {spec.memory_mib, spec.cpu_cores, grants.cpus, options_.max_processes});
    plan.cgroup = run.cgroup;
    plan.boot = rundir::boot_id();
    plan.log_place = options_.hostname + ":" + run.directory().kept_log_path();
    run.log_place = plan.log_place;
    plan.cgroup_memory = !run.cgroup.empty() && cgroups_.limits_memory();
    run.directory().write_launch(plan);
    backend_.start({run.job_id(), run.token(), run.directory().path()}, plan, lock.fd());
}

void RunTable::cancel(std::int64_t token) {
    Run* run = find(token);
    if (run == nullptr) return;
    if (run->state() == RunState::queued) {
        run->end_unstarted(protocol::run_end::cancelled,
                           run->cancel_message.empty() ? "cancelled before it began" : run->cancel_message);
        run_over(*run);
    } else if (run->state() == RunState::running) {
        spdlog::info("event=run_terminating job={} token={}", run->job_id(), token);
        backend_.terminate(token);
    }
}

void RunTable::cancel_all(const std::string& message) {
    for (std::int64_t token : tokens()) {
        find(token)->cancel_message = message;
        cancel(token);
    }
}

void RunTable::kill_and_forget(std::int64_t token) {
    Run* run = find(token);
    if (run == nullptr || run->forgotten) return;
    run->forgotten = true;
    if (run->state() == RunState::running) {
        spdlog::info("event=run_killing job={} token={} reason=\"the server does not know it\"", run->job_id(), token);
        backend_.kill(token);
        return;
    }
    if (run->state() == RunState::queued) run->end_unstarted(protocol::run_end::cancelled, "not known to the server");
    run_over(*run);
}

void RunTable::kill_all_and_forget() {
    for (std::int64_t token : tokens()) kill_and_forget(token);
}

void RunTable::forget(std::int64_t token) {
    auto found = runs_.find(token);
    if (found == runs_.end()) return;
    Run& run = *found->second;
    ended_tokens_.remember(token);
    if (!run.cgroup.empty()) cgroup_remover_.remove(run.cgroup); // the supervisor does it, unless it died
    if (run.end().outputs.any || !spares_.put(run.directory().path(), run.owner())) {
        run.directory().tidy(remover_, run.end().outputs.any);
    }
    runs_.erase(found);
}

void RunTable::give_back(const Grants& grants) {
    gpus_.give_back(grants.gpus);
    cpus_.give_back(grants.cpus);
}

void RunTable::backend_ended(std::int64_t token) {
    Run* run = find(token);
    if (run == nullptr) return;
    --running_;
    collect_end(*run);
}

void RunTable::collect_end(Run& run) {
    try {
        run.collect_end();
    } catch (const std::system_error& error) {
        spdlog::warn("event=end_not_read job={} token={} reason={}", run.job_id(), run.token(), quoted(error.what()));
        to_collect_.push_back(run.token());
        return collect_timer_.start(shortage_ms);
    }
    const std::string fault = run.end().host_fault;
    run_over(run);
    if (!fault.empty()) put_back_queue(fault);
}

// The run has ended, and nothing of it lives.
void RunTable::run_over(Run& run) {
    give_back(run.release_grants());
    if (!run.end_counted) {
        run.end_counted = true;
        --not_ended_;
    }
    if (run.forgotten) {
        to_bury_.push_back(run.token());
        burial_timer_.start(0);
    } else if (events_.ended) {
        events_.ended(run);
    }
    if (events_.run_gone) events_.run_gone();
}

std::vector<std::int64_t> RunTable::tokens() const {
    std::vector<std::int64_t> tokens;
    tokens.reserve(runs_.size());
    for (const auto& [token, run] : runs_) {
        if (!run->forgotten) tokens.push_back(token);
    }
    return tokens;
}

int RunTable::count(RunState state) const {
    int count = 0;
    for (const auto& [token, run] : runs_) count += run->state() == state ? 1 : 0;
    return count;
}

void RunTable::each_running(const std::function<void(Run&)>& f) {
    for (const auto& [token, run] : runs_) {
        if (run->state() == RunState::running && !run->forgotten) f(*run);
    }
}

std::vector<UsageReport> RunTable::usage_due(std::int64_t interval_ms, std::size_t limit) {
    std::vector<UsageReport> due;
    const std::int64_t now = rundir::boottime_ms();
    for (const auto& [token, run] : runs_) {
        if (due.size() >= limit) break;
        if (run->state() != RunState::running || run->forgotten || now - run->usage_sent_ms < interval_ms) continue;
        run->usage_sent_ms = now;
        const auto status =
            rundir::read_status(AT_FDCWD, (run->directory().path() + "/" + rundir::status_file).c_str());
        if (!status) continue;
        due.push_back(
            {run->job_id(), token, static_cast<double>(status->cpu_us) / 1e6, (status->peak_kib + 1023) / 1024});
    }
    return due;
}

} // namespace rcq::executor
