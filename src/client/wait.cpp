// `rcq wait`: until jobs have ended, with the exit code that they ended with.
#include "client/commands.hpp"
#include "client/job_name.hpp"
#include "client/job_state.hpp"
#include "client/progress_line.hpp"
#include "client/status_line.hpp"
#include "client/store.hpp"
#include "client/times.hpp"
#include "client/watch.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <memory>

namespace rcq::client {

namespace {

// The end of a job is seen within this and the time of one statement, whatever its length.
constexpr double first_pause_s = 0.05;
constexpr double later_pause_s = 0.08;
constexpr double later_s = 10; // since when the second counts
constexpr double forecast_every_s = 5;

struct WaitOptions {
    std::vector<std::string> jobs;
    std::string timeout;
    std::string patience = default_patience;
    bool verbose = false;
};

class Wait {
public:
    Wait(Session& session, const WaitOptions& options)
        : session_(session), options_(options), line_(session.output.colour_choice()),
          watch_(session.database, seconds_option("--reconnect", options.patience),
                 [this](std::string_view text) { line_.say(text); }),
          began_(monotonic_s()) {
        if (!options.timeout.empty()) timeout_s_ = seconds_option("--timeout", options.timeout);
        for (const JobName& name : parse_job_names(options.jobs)) { // each once: the exit code goes by the first
            const std::int64_t id = job_id(session.database, name);
            const bool again =
                std::any_of(asked_.begin(), asked_.end(), [id](const AskedJob& job) { return job.id == id; });
            if (!again) asked_.push_back({id, name.text});
        }
    }

    ExitCode run() {
        try {
            return watch();
        } catch (const Interrupted&) {
            line_.say(fmt::format("no longer waiting; {} on (rcq cancel would end {})", go(),
                                  asked_.size() == 1 ? "it" : "them"));
            return ExitCode::interrupted;
        }
    }

private:
    ExitCode watch();
    void look();
    void tell();
    void forecast();
    [[nodiscard]] std::string go() const { return jobs_text(asked_) + (asked_.size() == 1 ? " goes" : " go"); }
    [[nodiscard]] double waited_s() const { return monotonic_s() - began_; }
    [[nodiscard]] bool all_ended() const {
        return std::all_of(jobs_.begin(), jobs_.end(), [](const JobState& job) { return job.ended(); });
    }

    Session& session_;
    const WaitOptions& options_;
    StatusLine line_;
    Watch watch_;
    double began_;
    std::optional<double> timeout_s_;
    std::vector<AskedJob> asked_;
    std::vector<JobState> jobs_;
    std::map<std::int64_t, std::string> told_; // what --verbose said last
    std::optional<double> starts_at_;          // monotonic
    double forecast_at_ = 0;
};

ExitCode Wait::watch() {
    while (true) {
        look();
        if (options_.verbose) tell();
        if (all_ended()) break;
        if (timeout_s_ && waited_s() >= *timeout_s_) {
            line_.say(fmt::format("not ended within {}; {} on", short_duration(*timeout_s_), go()));
            return ExitCode::timed_out;
        }
        if (line_.terminal() && !options_.verbose) {
            forecast();
            const std::optional<double> starts_in =
                starts_at_ ? std::optional(*starts_at_ - monotonic_s()) : std::nullopt;
            line_.show(progress_line({jobs_, waited_s(), starts_in}, StatusLine::width(), line_.colours()));
        }
        double pause_s = waited_s() < later_s ? first_pause_s : later_pause_s;
        if (timeout_s_) pause_s = std::clamp(*timeout_s_ - waited_s(), 0.0, pause_s);
        watch_.pause(pause_s);
    }
    if (line_.terminal() && !options_.verbose) {
        for (const JobState& job : jobs_) line_.keep(progress_line({{job}, 0, std::nullopt}, 0, line_.colours()));
    }
    if (session_.output.json()) {
        session_.output.json_rows(session_.database.rows(store::whole_job_states(ids_of(asked_))));
    }
    return static_cast<ExitCode>(exit_code_of(jobs_));
}

void Wait::look() { jobs_ = job_states(watch_.ask(store::job_states(ids_of(asked_))), asked_); }

// A line for each that is not as it was.
void Wait::tell() {
    for (const JobState& job : jobs_) {
        std::string now = fmt::format("job {} {}", job.label, job.ended() ? end_text(job) : job.status);
        if (!job.ended() && !job.executor.empty()) now += " on " + job.executor;
        if (!job.ended() && !job.reason.empty()) now += " (" + job.reason + ")";
        if (std::string& before = told_[job.id]; before != now) line_.say(before = now);
    }
}

// When the only job starts, now and then: that costs more than its state.
void Wait::forecast() {
    if (jobs_.size() != 1 || jobs_.front().status != "pending") return starts_at_.reset();
    if (forecast_at_ != 0 && monotonic_s() - forecast_at_ < forecast_every_s) return;
    forecast_at_ = monotonic_s();
    const auto result = watch_.ask(store::expected_start(asked_.front().id));
    starts_at_.reset();
    if (PQntuples(result.get()) == 1 && PQgetisnull(result.get(), 0, 0) == 0) {
        starts_at_ = monotonic_s() + std::stod(PQgetvalue(result.get(), 0, 0));
    }
}

} // namespace

void add_wait_command(Commands& commands) {
    CLI::App* command =
        commands.add("wait", "Waits until jobs have ended, and ends with their exit code",
                     {"wait 42", "wait 41 42 43 --timeout 2h", "wait $(rcq submit job.sh) && echo good"});
    auto options = std::make_shared<WaitOptions>();
    command->add_option("jobs", options->jobs, "Jobs and arrays (42), tasks (41_7)")->type_name("JOB")->required();
    command
        ->add_option("--timeout", options->timeout,
                     "Give up after so long (10m, 2h), with exit code 124; the jobs go on")
        ->type_name("DURATION");
    command->add_option("--reconnect", options->patience, "Go on trying so long when the connection is lost")
        ->type_name("DURATION")
        ->capture_default_str();
    command->add_flag("-v,--verbose", options->verbose, "A line on stderr for each change instead of a progress bar");
    commands.on_run(command, [options](Session& session) { return Wait(session, *options).run(); });
}

} // namespace rcq::client
