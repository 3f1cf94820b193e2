// `rcq logs`: what a job has written, and what it goes on writing.
#include "client/commands.hpp"
#include "client/help.hpp"
#include "client/job_name.hpp"
#include "client/job_state.hpp"
#include "client/json.hpp"
#include "client/log_chunks.hpp"
#include "client/log_text.hpp"
#include "client/status_line.hpp"
#include "client/store.hpp"
#include "client/times.hpp"
#include "client/watch.hpp"

#include <deque>
#include <fmt/format.h>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

namespace rcq::client {

namespace {

constexpr double look_every_s = 1;
constexpr double pause_s = 0.15; // a line that is in the database is shown within this

struct LogsOptions {
    std::string job;
    bool follow = false;
    std::optional<int> attempt;
    bool only_stdout = false;
    bool only_stderr = false;
    std::optional<std::size_t> tail;
    std::string patience = default_patience;
};

// Calls for each line, with its end of line; the last may have none.
template <class Use> void each_line(std::string_view bytes, Use use) {
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view line = bytes.substr(0, end == std::string_view::npos ? bytes.size() : end + 1);
        use(line);
        bytes.remove_prefix(line.size());
    }
}

class Logs {
public:
    Logs(Session& session, const LogsOptions& options)
        : session_(session), options_(options), line_(session.output.colour_choice()),
          watch_(session.database, seconds_option("--reconnect", options.patience),
                 [this](std::string_view text) { say(text); }),
          job_{job_id(session.database, parse_job_name(options.job)), options.job},
          source_(watch_, job_.id, options.attempt), text_(session.output.colours()) {}

    ExitCode run();

private:
    void read();
    void take(const LogChunk& chunk, bool caught_up);
    void write(const LogChunk& chunk);
    void write_json(const LogChunk& chunk);
    void write_tail();
    void look_at_job();
    void refuse_array();
    void tell_silence();
    [[nodiscard]] bool beyond(int attempt) const { return options_.attempt && attempt > *options_.attempt; }
    [[nodiscard]] JobState state();
    // What was written so far comes before it, where both are on one terminal.
    void say(std::string_view text) {
        session_.output.flush();
        line_.say(text);
    }

    Session& session_;
    const LogsOptions& options_;
    StatusLine line_;
    Watch watch_;
    AskedJob job_;
    LogSource source_;
    LogText text_;
    bool over_ = false;
    int attempt_ = 0;  // that was read last
    std::string told_; // of the state it waits in
    double looked_at_ = 0;
    bool first_object_ = true;
    std::deque<LogChunk> tail_; // a line each
};

ExitCode Logs::run() {
    try {
        read();
    } catch (const Interrupted&) {
        session_.output.write(text_.end());
        session_.output.flush();
        if (options_.follow) line_.say(fmt::format("no longer following; job {} goes on", job_.label));
        return ExitCode::interrupted;
    }
    session_.output.write(text_.end());
    if (session_.output.json() && !options_.follow) session_.output.write(first_object_ ? "[]\n" : "]\n");
    session_.output.flush();
    if (options_.follow) {
        if (line_.terminal()) line_.say(fmt::format("job {} {}", job_.label, end_text(state())));
    } else if (attempt_ == 0) {
        tell_silence();
    }
    return ExitCode::good;
}

// Why there is no line.
void Logs::tell_silence() {
    const JobState job = state();
    if (options_.attempt && *options_.attempt > job.attempt) {
        line_.say(fmt::format("job {} has had {} attempt{}", job.label, job.attempt, job.attempt == 1 ? "" : "s"));
    } else if (!job.ended()) {
        line_.say(fmt::format("job {} has written nothing yet: it is {}", job.label, job.status));
    } else if (job.status == "failed" && !job.message.empty()) { // as one that could not be started
        line_.say(fmt::format("job {} has written nothing: it {}", job.label, end_text(job)));
    }
}

// What is written is written by its tasks.
void Logs::refuse_array() {
    const auto indices = watch_.ask(store::array_indices(job_.id));
    if (PQntuples(indices.get()) == 0) return;
    const std::string spec = PQgetvalue(indices.get(), 0, 0);
    const std::string task = job_.label + "_" + spec.substr(0, spec.find_first_not_of("0123456789"));
    throw Failure(ExitCode::misused, "job " + job_.label + " is an array: its tasks write", "rcq logs " + task);
}

JobState Logs::state() { return job_states(watch_.ask(store::job_states({job_.id})), {job_}).front(); }

void Logs::read() {
    bool caught_up = !options_.tail;
    bool first = true;
    while (true) {
        const LogAnswer answer = source_.next();
        for (const LogChunk& chunk : answer.chunks) {
            over_ = over_ || beyond(chunk.attempt);
            if (!over_) take(chunk, caught_up);
        }
        over_ = over_ || answer.ended;
        if (answer.full && !over_) continue;
        if (first && answer.chunks.empty()) refuse_array();
        first = false;
        if (!caught_up) write_tail();
        caught_up = true;
        session_.output.flush();
        if (over_ || !options_.follow) return;
        if (answer.chunks.empty()) look_at_job();
        watch_.pause_while_read(pause_s);
    }
}

void Logs::take(const LogChunk& chunk, bool caught_up) {
    if (options_.only_stdout && chunk.stream != "stdout") return;
    if (options_.only_stderr && chunk.stream != "stderr") return;
    if (caught_up) return write(chunk);
    std::int64_t seq = chunk.seq;
    each_line(chunk.bytes, [&](std::string_view line) {
        tail_.push_back({chunk.attempt, seq++, chunk.stream, std::string(line)});
        if (tail_.size() > *options_.tail) tail_.pop_front();
    });
}

void Logs::write_tail() {
    for (const LogChunk& line : tail_) write(line);
    tail_.clear();
}

void Logs::write(const LogChunk& chunk) {
    if (attempt_ != 0 && chunk.attempt != attempt_) say(fmt::format("job {}, attempt {}:", job_.label, chunk.attempt));
    attempt_ = chunk.attempt;
    if (session_.output.json()) return write_json(chunk);
    if (session_.output.terminal()) return session_.output.write(text_.add(chunk.bytes));
    session_.output.write(chunk.bytes);
}

// An array of lines; while following one object on each line, because an array would have no end.
void Logs::write_json(const LogChunk& chunk) {
    std::int64_t seq = chunk.seq;
    each_line(chunk.bytes, [&](std::string_view line) {
        if (line.ends_with('\n')) line.remove_suffix(1);
        const Json object = {{"attempt", chunk.attempt}, {"seq", seq++}, {"stream", chunk.stream}, {"line", line}};
        const std::string text = object.dump(-1, ' ', false, Json::error_handler_t::replace);
        if (options_.follow) return session_.output.json_text(text + "\n");
        session_.output.json_text((first_object_ ? "[" : ",\n ") + text);
        first_object_ = false;
    });
}

// Nothing came: says once what the job waits for, and finds out whether the attempt that was asked for is over.
void Logs::look_at_job() {
    if (monotonic_s() - looked_at_ < look_every_s) return;
    looked_at_ = monotonic_s();
    const JobState job = state();
    if (options_.attempt && job.attempt > *options_.attempt) over_ = true;
    if (job.status != "pending" && job.status != "assigned") return told_.clear();
    std::string now = fmt::format("job {} is {}", job.label, job.status);
    if (!job.reason.empty()) now += " (" + job.reason + ")";
    if (told_ != now) say(told_ = now);
}

} // namespace

void add_logs_command(Commands& commands) {
    CLI::App* command = commands.add("logs", "Shows what a job has written, byte for byte",
                                     {"logs 42", "logs 42 -f", "logs 42 --tail 20 --stderr", "logs 42 | grep -a loss"});
    auto options = std::make_shared<LogsOptions>();
    command->add_option("job", options->job, "The job (42) or task (41_7)")->type_name("JOB")->required();
    command->add_flag("-f,--follow", options->follow, "Go on until the job has ended, through its retries");
    command->add_option("--attempt", options->attempt, "Of this attempt; the latest that was started unless given")
        ->type_name("N")
        ->check(whole_number(1, std::numeric_limits<int>::max()));
    CLI::Option* only_stdout = command->add_flag("--stdout", options->only_stdout, "Its standard output alone");
    command->add_flag("--stderr", options->only_stderr, "Its standard error alone")->excludes(only_stdout);
    command->add_option("--tail", options->tail, "The last N lines of what there is")
        ->type_name("N")
        ->check(whole_number(0));
    command->add_option("--reconnect", options->patience, "Go on trying so long when the connection is lost")
        ->type_name("DURATION")
        ->capture_default_str();
    commands.on_run(command, [options](Session& session) { return Logs(session, *options).run(); });
}

} // namespace rcq::client
