#include "run_ends.hpp"

#include "../protocol/words.hpp"
#include "changes.hpp"
#include "definitions_cache.hpp"
#include "layouts.hpp"
#include "metrics_counting.hpp"
#include "points.hpp"
#include "retry_policies.hpp"
#include "values.hpp"

extern "C" {
#include "common/pg_prng.h"
}

namespace rcq::pg {

namespace {

using core::AfterRun;
using core::RunEnd;

// Shorter runs share a row of usage, which blurs their times by less than anybody can tell in a window of days.
constexpr double long_run_s = 600;

struct Charge {
    TimestampTz since = DT_NOEND, until = DT_NOBEGIN;
    double core_seconds = 0, gb_seconds = 0, gpu_seconds = 0;
};

struct TasksEnded {
    int32 completed = 0, failed = 0, cancelled = 0;
};

// A run that is ending: its job's row, what was reported, what follows from both.
struct Ending {
    const FoundRow& live;
    const RunReport& report;
    TimestampTz ended_at;
    double ran_s;
    core::RunVerdict verdict;
    double memory_factor = 1; // of the job's next run
};

Datum word_datum(std::string_view word) { return text_datum(word); }

bool is_set(const FoundRow& row, int column) { return !row.is_null(column); }

class RunEnds {
public:
    explicit RunEnds(int32 executor)
        : executor_(executor), now_(GetCurrentTimestamp()), live_(live::layout), rows_(live_, sight_, 1),
          commands_(command::layout), starts_(commands_, sight_, 2), outcomes_(outcome::layout),
          superseded_(superseded::layout) {}

    // False, and nothing is done, when there is no such run that goes on, or somebody else has its row.
    bool end(const RunReport& report);
    // To be called once, after the last end().
    void finish();

private:
    void judge(Ending& ending);
    // The row of the job that was submitted; nullptr when it is gone.
    Scan* submitted(const FoundRow& live);
    bool write_live(const Ending& ending);
    void record(const Ending& ending);
    void charge(const Ending& ending);
    void forget_cancels();
    void write_usage();

    int32 executor_;
    TimestampTz now_;
    Sight sight_;
    Table live_;
    Scan rows_;
    Table commands_;
    Scan starts_;
    PartitionedTable outcomes_, superseded_;
    std::optional<PartitionedTable> jobs_;
    Fields fields_;
    std::map<std::tuple<int32, int32, int64>, Charge> charges_; // by group, user and, of a long run, job
    std::map<int64, TasksEnded> tasks_;                         // by array
    std::unordered_set<int64> told_;                            // jobs whose runs the executor was told to end
    int64 first_told_ = PG_INT64_MAX;                           // the least of their start commands
};

void RunEnds::judge(Ending& ending) {
    const FoundRow& live = ending.live;
    const RunReport& report = ending.report;
    core::RunFacts facts;
    facts.reported = report.end;
    facts.exit_code = report.exit_code.value_or(0);
    facts.cancel_requested = is_set(live, live::cancel_requested_at);
    facts.requeue_requested = is_set(live, live::requeue_requested_at);
    facts.preempt_requested = is_set(live, live::preempt_requested_at);
    facts.deadline_passed =
        is_set(live, live::deadline) && std::min(report.ended_at, now_) >= live.time(live::deadline);
    facts.requeue = live.boolean(live::requeue);
    facts.losses = live.small(live::losses);
    facts.failures = live.small(live::failures);
    facts.max_retries = live.small(live::max_retries);
    if (report.end != RunEnd::exit_code) facts.max_losses = static_cast<int>(setting_number("max_losses"));
    ending.verdict = core::judge(facts, [&](RunEnd end) -> std::optional<double> {
        Scan* const found = submitted(live);
        if (!found) return std::nullopt;
        const FoundRow row = found->row();
        Jsonb* stored = nullptr;
        if (is_set(row, job::retry)) stored = call([&] { return DatumGetJsonbP(row.datum(job::retry)); });
        const core::RetryPolicy policy = retry_policy(stored);
        if (end == RunEnd::oom) ending.memory_factor = policy.memory_factor;
        return policy.delay(end, facts.exit_code, facts.failures, pg_prng_double(&pg_global_prng_state));
    });
}

Scan* RunEnds::submitted(const FoundRow& live) {
    if (!jobs_) jobs_.emplace(job::layout, Use::reading);
    const int64 id = live.big(live::job_id);
    return jobs_->find(sight_, id, {equals(id)});
}

// False when somebody else has the row.
bool RunEnds::write_live(const Ending& ending) {
    const FoundRow& live = ending.live;
    if (ending.verdict.status != AfterRun::pending) return live_.remove(live);
    fields_.clear();
    for (const int column :
         {live::executor_id, live::token, live::command_seq, live::placed_at, live::claimed_at, live::claimed_by,
          live::cpu_seconds, live::peak_memory_mib, live::granted_cores, live::granted_memory_mib, live::granted_gpus,
          live::preempt_requested_at, live::requeue_requested_at})
        fields_.set_null(column);
    fields_.boolean(live::log_full, false);
    if (is_set(live, live::array_id) && !live.boolean(live::held)) { // its array may have been put on hold meanwhile
        Scan arrays(live_, sight_, 1);
        if (arrays.find({equals(live.big(live::array_id))}))
            fields_.boolean(live::held, arrays.row().boolean(live::held));
    }
    if (ending.verdict.retry_after) {
        fields_.small(live::failures, live.small(live::failures) + 1);
        fields_.time(live::eligible_at, now_ + std::llround(*ending.verdict.retry_after * 1e6));
    }
    if (ending.verdict.lost()) fields_.small(live::losses, live.small(live::losses) + 1);
    if (ending.verdict.lost() && ending.report.may_go_on) {
        Scan* const job = submitted(live);
        if (job && job->row().boolean(job::kill_on_disconnect)) {
            const TimestampTz gone = now_ + std::llround(setting_number("lost_after") * 1e6);
            fields_.time(live::eligible_at, std::max(gone, live.time(live::eligible_at)));
        }
    }
    if (ending.verdict.end == RunEnd::preempted) fields_.small(live::preempted, live.small(live::preempted) + 1);
    if (ending.memory_factor > 1) {
        const double wanted = std::ceil(live.integer(live::memory_mib) * ending.memory_factor);
        fields_.integer(live::memory_mib, static_cast<int32>(std::min(wanted, 2147483647.0)));
        fields_.boolean(live::memory_raised, true);
    }
    return live_.update(live, fields_);
}

// What is kept of the run: as the end of its job, or as an attempt that another one follows.
void RunEnds::record(const Ending& ending) {
    const FoundRow& live = ending.live;
    const RunReport& report = ending.report;
    const core::RunVerdict& verdict = ending.verdict;
    const auto put = [this](int column, const auto& value, auto datum) {
        if (value) fields_.set(column, datum(*value));
    };
    const auto integer = [](int32 value) { return Int32GetDatum(value); };
    const auto text_of = [](const text& value) { return PointerGetDatum(&value); };
    const auto json_of = [](const Jsonb& value) { return PointerGetDatum(&value); };
    fields_.clear();
    const int64 id = live.big(live::job_id);
    if (verdict.status == AfterRun::pending) {
        fields_.big(superseded::job_id, id).integer(superseded::attempt, live.integer(live::attempt));
        fields_.integer(superseded::user_id, live.integer(live::user_id)).integer(superseded::executor_id, executor_);
        fields_.time(superseded::ended_at, ending.ended_at).copy(superseded::placed_at, live, live::placed_at);
        fields_.copy(superseded::claimed_at, live, live::claimed_at).big(superseded::token, report.token);
        put(superseded::exit_code, report.exit_code, integer);
        put(superseded::signal, report.signal, integer);
        fields_.copy(superseded::peak_memory_mib, live, live::peak_memory_mib);
        put(superseded::peak_memory_mib, report.peak_memory_mib, integer);
        fields_.copy(superseded::cpu_seconds, live, live::cpu_seconds);
        if (report.cpu_seconds) fields_.real(superseded::cpu_seconds, *report.cpu_seconds);
        fields_.set(superseded::reason, word_datum(core::word(verdict.end)));
        put(superseded::message, report.message, text_of);
        put(superseded::output, report.output, json_of);
        fields_.copy(superseded::granted_cores, live, live::granted_cores);
        fields_.copy(superseded::granted_memory_mib, live, live::granted_memory_mib);
        fields_.copy(superseded::granted_gpus, live, live::granted_gpus);
        superseded_.add(id, fields_);
        return;
    }
    fields_.big(outcome::job_id, id).time(outcome::ended_at, ending.ended_at);
    fields_.copy(outcome::user_id, live, live::user_id).copy(outcome::group_id, live, live::group_id);
    fields_.copy(outcome::priority, live, live::priority).copy(outcome::attempt, live, live::attempt);
    fields_.integer(outcome::executor_id, executor_).copy(outcome::placed_at, live, live::placed_at);
    fields_.copy(outcome::claimed_at, live, live::claimed_at).big(outcome::token, report.token);
    put(outcome::exit_code, report.exit_code, integer);
    put(outcome::signal, report.signal, integer);
    fields_.copy(outcome::peak_memory_mib, live, live::peak_memory_mib);
    put(outcome::peak_memory_mib, report.peak_memory_mib, integer);
    fields_.copy(outcome::cpu_seconds, live, live::cpu_seconds);
    if (report.cpu_seconds) fields_.real(outcome::cpu_seconds, *report.cpu_seconds);
    fields_.set(outcome::status, word_datum(core::word(verdict.status)));
    if (const auto reason = verdict.reason()) fields_.set(outcome::reason, word_datum(core::word(*reason)));
    if (verdict.end == RunEnd::deadline)
        fields_.string(outcome::message, "killed at its deadline");
    else
        put(outcome::message, report.message, text_of);
    put(outcome::output, report.output, json_of);
    fields_.copy(outcome::granted_cores, live, live::granted_cores);
    fields_.copy(outcome::granted_memory_mib, live, live::granted_memory_mib);
    fields_.copy(outcome::granted_gpus, live, live::granted_gpus);
    if (verdict.status == AfterRun::completed && report.result) {
        JsonbValue result = *report.result;
        fields_.set(outcome::result, call([&] { return JsonbPGetDatum(JsonbValueToJsonb(&result)); }));
    }
    outcomes_.add(id, fields_);
}

void RunEnds::charge(const Ending& ending) {
    if (ending.verdict.lost()) return;
    const FoundRow& live = ending.live;
    const auto granted = [&](int column, int asked) {
        return static_cast<double>(live.integer(is_set(live, column) ? column : asked));
    };
    const int64 own_row = ending.ran_s >= long_run_s ? live.big(live::job_id) : 0;
    Charge& charge = charges_[{live.integer(live::group_id), live.integer(live::user_id), own_row}];
    charge.since = std::min(charge.since, live.time(live::claimed_at));
    charge.until = std::max(charge.until, ending.ended_at);
    charge.core_seconds += granted(live::granted_cores, live::cpu_cores) * ending.ran_s;
    charge.gb_seconds += granted(live::granted_memory_mib, live::memory_mib) / 1024 * ending.ran_s;
    charge.gpu_seconds += granted(live::granted_gpus, live::gpu_count) * ending.ran_s;
}

bool RunEnds::end(const RunReport& report) {
    call([] { CHECK_FOR_INTERRUPTS(); });
    if (!rows_.find({equals(report.job_id)})) return false;
    const FoundRow live = rows_.row();
    if (live.is_null(live::token) || live.big(live::token) != report.token || live.is_null(live::executor_id) ||
        live.integer(live::executor_id) != executor_ || live.is_null(live::claimed_at))
        return false;
    const TimestampTz claimed_at = live.time(live::claimed_at);
    const TimestampTz ended_at = std::max(std::min(report.ended_at, now_), claimed_at);
    Ending ending{live, report, ended_at, static_cast<double>(ended_at - claimed_at) / 1e6, {}, 1};
    judge(ending);
    RCQ_POINT("end.row");
    if (!write_live(ending)) return false;
    RCQ_POINT("end.live");
    const int64 id = live.big(live::job_id);
    const AfterRun status = ending.verdict.status;
    record(ending);
    charge(ending);
    RCQ_POINT("end.recorded");
    count_end(core::word(ending.verdict.end), core::word(status), ending.ran_s);
    note_job(id, true);
    if (is_set(live, live::array_id) && status != AfterRun::pending) {
        TasksEnded& tasks = tasks_[live.big(live::array_id)];
        (status == AfterRun::completed ? tasks.completed
         : status == AfterRun::failed  ? tasks.failed
                                       : tasks.cancelled)++;
    }
    if (live.is_null(live::command_seq)) return true;
    const int64 seq = live.big(live::command_seq);
    if (starts_.find({equals(executor_), equals(seq)})) commands_.remove(starts_.row());
    RCQ_POINT("end.command");
    if (is_set(live, live::cancel_requested_at) || is_set(live, live::preempt_requested_at) ||
        is_set(live, live::requeue_requested_at)) {
        told_.insert(id);
        first_told_ = std::min(first_told_, seq);
    }
    return true;
}

// What told the executor to end runs that have ended; by a look of its own, which sees a command that was sent just
// before their rows were written.
void RunEnds::forget_cancels() {
    const Sight later;
    Scan sent(commands_, later, 2);
    sent.start({equals(executor_), above(first_told_)});
    while (sent.next()) {
        const FoundRow row = sent.row();
        if (row.string(command::kind) == protocol::sync_row::cancel && told_.count(row.big(command::job_id)) > 0)
            commands_.remove(row);
    }
}

void RunEnds::write_usage() {
    Table usage(usage::layout);
    const Table executors(executor::layout, Use::reading);
    Scan own(executors, sight_, 1);
    const bool known = own.find({equals(executor_)});
    for (const auto& [key, charge] : charges_) {
        fields_.clear();
        fields_.time(usage::since, charge.since).time(usage::at, charge.until);
        fields_.integer(usage::group_id, std::get<0>(key)).integer(usage::user_id, std::get<1>(key));
        fields_.number(usage::core_seconds, charge.core_seconds).number(usage::gb_seconds, charge.gb_seconds);
        fields_.number(usage::gpu_seconds, charge.gpu_seconds);
        if (known) fields_.copy(usage::gpu_type, own.row(), executor::gpu_type);
        usage.add(fields_);
    }
    usage.flush();
}

void RunEnds::finish() {
    outcomes_.flush();
    superseded_.flush();
    RCQ_POINT("ends.outcomes");
    if (!charges_.empty()) write_usage();
    RCQ_POINT("ends.usage");
    if (!tasks_.empty()) {
        Table ends(array_end::layout);
        for (const auto& [array, tasks] : tasks_) {
            fields_.clear();
            fields_.big(array_end::array_id, array).integer(array_end::completed, tasks.completed);
            fields_.integer(array_end::failed, tasks.failed).integer(array_end::cancelled, tasks.cancelled);
            ends.add(fields_);
        }
        ends.flush();
    }
    RCQ_POINT("ends.arrays");
    if (!told_.empty()) forget_cancels();
    RCQ_POINT("ends.cancels");
}

// Tells what became of runs that could not be ended.
class Bygone {
public:
    explicit Bygone(int32 executor)
        : executor_(executor), live_(live::layout, Use::reading), rows_(live_, sight_, 1),
          outcomes_(outcome::layout, Use::reading), superseded_(superseded::layout, Use::reading) {}

    std::string_view answer(const RunReport& report) {
        if (goes_on(report)) return protocol::answer::retry;
        return is_recorded(report) ? protocol::answer::already : protocol::answer::stale;
    }

private:
    // A run by this executor with this token, by the columns of one of the tables.
    bool is_of(const FoundRow& row, const RunReport& report, int executor, int token) const {
        return is_set(row, executor) && row.integer(executor) == executor_ && is_set(row, token) &&
               row.big(token) == report.token;
    }
    bool goes_on(const RunReport& report) {
        return rows_.find({equals(report.job_id)}) && is_of(rows_.row(), report, live::executor_id, live::token) &&
               is_set(rows_.row(), live::claimed_at);
    }
    // One that was given up as lost has not been reported.
    bool is_recorded(const RunReport& report) {
        const std::string_view lost = core::word(RunEnd::executor_lost);
        if (Scan* found = outcomes_.find(sight_, report.job_id, {equals(report.job_id)})) {
            const FoundRow row = found->row();
            if (is_of(row, report, outcome::executor_id, outcome::token))
                return row.is_null(outcome::reason) || row.string(outcome::reason) != lost;
        }
        Scan* const attempts = superseded_.find(sight_, report.job_id, {equals(report.job_id)});
        for (bool found = attempts != nullptr; found; found = attempts->next()) {
            const FoundRow row = attempts->row();
            if (is_of(row, report, superseded::executor_id, superseded::token))
                return row.string(superseded::reason) != lost;
        }
        return false;
    }

    int32 executor_;
    Sight sight_;
    const Table live_;
    Scan rows_;
    PartitionedTable outcomes_, superseded_;
};

} // namespace

std::vector<EndAnswer> end_runs(int32 executor, std::vector<RunReport> reports) {
    (void)own_slot(); // RC011 instead of silence when nobody would ever learn of the ends
    const auto run = [](const RunReport& report) { return std::pair(report.job_id, report.token); };
    std::stable_sort(reports.begin(), reports.end(),
                     [&](const RunReport& a, const RunReport& b) { return run(a) < run(b); });
    const auto once = std::unique(reports.begin(), reports.end(),
                                  [&](const RunReport& a, const RunReport& b) { return run(a) == run(b); });
    reports.erase(once, reports.end());
    std::vector<EndAnswer> answers;
    answers.reserve(reports.size());
    std::vector<const RunReport*> left;
    left.reserve(reports.size());
    for (const RunReport& report : reports) left.push_back(&report);
    for (int look = 0; look < 2 && !left.empty(); look++) { // once more at rows that were changed since the first
        RunEnds ends(executor);
        std::erase_if(left, [&](const RunReport* report) {
            if (!ends.end(*report)) return false;
            answers.push_back({report->job_id, report->token, protocol::answer::ok});
            return true;
        });
        ends.finish();
    }
    if (left.empty()) return answers;
    Bygone bygone(executor);
    for (const RunReport* report : left) answers.push_back({report->job_id, report->token, bygone.answer(*report)});
    return answers;
}

RunReport lost_run(int64 job_id, int64 token, const char* message) {
    RunReport report;
    report.job_id = job_id;
    report.token = token;
    report.message = call([&] { return cstring_to_text(message); });
    return report;
}

} // namespace rcq::pg
