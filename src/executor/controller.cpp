#include "executor/controller.hpp"

#include "executor/logging.hpp"
#include "executor/random.hpp"
#include "executor/run_result.hpp"
#include "executor/store.hpp"
#include "protocol/words.hpp"
#include "rundir/status.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

namespace rcq::executor {

namespace {

constexpr std::int64_t ends_together_ms = 2;
// With so many runs claimed, what ends within this time is reported by one sync, which costs the server as much for one
// as for ten.
constexpr int busy_runs = 16;
constexpr std::int64_t busy_pause_ms = 10;
constexpr std::int64_t retry_ms = 200;
constexpr std::uint64_t trouble_ms = 15'000;
constexpr std::int64_t usage_interval_ms = 60'000;
constexpr std::size_t reports_per_sync = 1000;
constexpr int starts_per_sync = 1000;
// What is held in memory has bounds however slow the database or this host is: runs that have ended and wait for their
// answer, beyond those that may run; and starts with large scripts or payloads, of which no more are asked for before
// all of them have begun.
constexpr int unanswered_limit = 5000;
constexpr std::int64_t heavy_starts = std::int64_t{16} << 20;
constexpr std::int64_t handing_over_look_ms = 20;
// A log of small pieces takes the server most of a second to add up, and a call has 30.
constexpr std::size_t positions_per_call = 20;

// Ends that a server of before 0.4 does not know; false: the end is none of them. A run that was cancelled though
// nobody asked for it waits again.
bool reword_for_old_server(RunEnd& end) {
    if (end.kind == protocol::run_end::disk_quota) {
        end.kind = protocol::run_end::spawn_error;
    } else if (end.kind == protocol::run_end::not_started) {
        end.kind = protocol::run_end::cancelled;
    } else {
        return false;
    }
    return true;
}

// Instead of the result, why the server does not take it; false: there is none.
bool lose_result(RunEnd& end, const database::Reply& reply) {
    if (std::exchange(end.result_bytes, 0) == 0) return false;
    end.kind = protocol::run_end::bad_result;
    end.message = "the server cannot store the result: " + reply.message;
    return true;
}

} // namespace

// "Data exception" and "program limit exceeded" (a JSON number out of range, too many elements), and "internal error",
// as which it reports JSON that takes more than 1 GiB to read.
bool is_about_data(const std::string& sqlstate) {
    return sqlstate.starts_with("22") || sqlstate.starts_with("54") || sqlstate == "XX000";
}

Controller::Controller(uv_loop_t* loop, const Options& options, RunTable& runs, std::string contact_file,
                       std::function<void(int, bool)> finished)
    : loop_(loop), options_(options), runs_(runs), contact_file_(std::move(contact_file)),
      finished_(std::move(finished)), session_(loop, options.dsn), courier_(runs),
      progress_(loop, runs, options.backend == "slurm", [this] { pump(); }), pump_timer_(loop, [this] { pump(); }),
      trouble_timer_(loop,
                     [this] {
                         start_trouble_.reset();
                         update_drain();
                         want_sync(0);
                     }),
      stop_timer_(loop, [this] { time_is_up(); }), incarnation_(random_positive()) {
    session_.set_events({[this] { on_connected(); }, [this] { on_lost(); }, [this] { want_sync(0); }});
    runs_.set_events({[this](Run& run) { run_ended(run); }, [this](Run& run) { run_log_grown(run); },
                      [this] {
                          finish_when_dead();
                          pump();
                      }});
}

void Controller::start() { session_.connect(); }

// --- connection ------------------------------------------------------------------------------------------------------

void Controller::on_connected() {
    stage_ = Stage::registering;
    session_.send(store::write(), [this](const database::Reply& reply) {
        if (!failed(reply, "write")) send_registration();
    });
}

void Controller::send_registration() {
    session_.send(
        store::register_executor(options_.hostname, options_.capacity, options_.features, options_.info, incarnation_),
        [this](const database::Reply& reply) { on_registered(reply); });
}

void Controller::on_registered(const database::Reply& reply) {
    if (!reply.ok() && reply.sqlstate == protocol::error::malformed_report && !ever_registered_) {
        spdlog::error("event=refused sqlstate={} message={}", reply.sqlstate, quoted(reply.message));
        return leave_runs(exit_code::refused);
    }
    if (failed(reply, "register_executor")) return;
    const auto server_start = registration_.server_start;
    try {
        registration_ = store::decode_registration(reply.result.get());
    } catch (const std::runtime_error& error) {
        return session_.reconnect(error.what());
    }
    if (ever_registered_ && registration_.server_start != server_start) forget_log_positions();
    ever_registered_ = true;
    spdlog::info("event=registered executor={} name={} lease_s={} lost_after_s={} incarnation={}",
                 registration_.executor, quoted(registration_.name), registration_.terms.lease_s,
                 registration_.terms.lost_after_s, incarnation_);
    take_terms(registration_.terms);
    if (options_.listen) return send_listen();
    resume_logs();
}

void Controller::take_terms(const Terms& terms) {
    if (terms != registration_.terms) {
        spdlog::info("event=terms lease_s={} lost_after_s={}", terms.lease_s, terms.lost_after_s);
        registration_.terms = terms;
    }
    // back well before our runs are given to others, however short that time is set
    session_.limit_backoff(static_cast<std::uint64_t>(std::min(5000.0, terms.lost_after_s * 1000 / 4)));
    if (!grace_warned_ && options_.kill_grace_s >= terms.lost_after_s / 2) {
        grace_warned_ = true;
        spdlog::warn(
            "event=kill_grace_too_long kill_grace_s={} lost_after_s={} reason=\"a run that ends without contact "
            "cannot get all of it: it must be gone before the server starts it elsewhere\"",
            options_.kill_grace_s, terms.lost_after_s);
    }
}

void Controller::send_listen() {
    stage_ = Stage::listening;
    session_.send(store::listen(registration_.channel), [this](const database::Reply& reply) {
        if (!failed(reply, "listen")) resume_logs();
    });
}

// A server that was started since, or took the place of another, may lack the last of what was answered before: a
// failover without synchronous replication loses it. How much it has of each log is asked again, and sent is what is
// missing.
void Controller::forget_log_positions() {
    for (std::int64_t token : runs_.tokens()) {
        Run* run = runs_.find(token);
        run->log_position_known = false;
        run->reportable = false;
    }
    reportable_.clear();
}

// Of runs that an earlier process started, or that another server knew of: how much of their logs is stored?
void Controller::resume_logs() {
    std::vector<std::int64_t> jobs;
    std::vector<std::int64_t> tokens;
    for (std::int64_t token : runs_.tokens()) {
        Run* run = runs_.find(token);
        if (run->log_position_known) continue;
        jobs.push_back(run->job_id());
        tokens.push_back(token);
        if (tokens.size() == positions_per_call) break;
    }
    if (tokens.empty()) return become_ready();
    stage_ = Stage::resuming;
    const database::Statement statement = store::log_position(registration_.executor, incarnation_, jobs, tokens);
    session_.send(statement, [this, tokens](const database::Reply& reply) { on_log_positions(tokens, reply); });
}

void Controller::on_log_positions(const std::vector<std::int64_t>& asked, const database::Reply& reply) {
    const bool old_server = reply.sqlstate == undefined_function;
    if (old_server) {
        spdlog::warn(
            "event=log_position_unknown reason=\"the server is older than 0.4: what is left of the logs of runs "
            "that were taken over stays on this host\"");
    } else if (failed(reply, "executor_log_position")) {
        return;
    }
    std::unordered_map<std::int64_t, LogPosition> positions;
    try {
        if (!old_server) {
            for (const LogPosition& position : store::decode_log_positions(reply.result.get())) {
                positions.emplace(position.token, position);
            }
        }
    } catch (const std::runtime_error& error) {
        return session_.reconnect(error.what());
    }
    for (std::int64_t token : asked) {
        Run* run = runs_.find(token);
        if (run == nullptr) continue;
        run->log_position_known = true;
        auto position = positions.find(token);
        const bool live = old_server || position != positions.end();
        if (position == positions.end()) {
            run->log().drop(); // given to somebody else, or answered: the first sync tells
        } else {
            run->log().resume(position->second.next_seq, position->second.bytes);
        }
        if (run->state() == RunState::ended) {
            if (live) note_host_fault(*run); // else it was told with the report
            report_after_log(*run);
        } else {
            run_log_grown(*run);
        }
    }
    resume_logs();
}

void Controller::become_ready() {
    stage_ = Stage::ready;
    acked_seq_ = 0;
    list_all_ = true;
    drain_.connected();
    synced_last_ = false;
    progress_.send_again();
    watch_progress();
    next_sync_ms_ = now();
    set_connected(true);
    pump();
}

void Controller::on_lost() {
    stage_ = Stage::offline;
    sync_under_way_ = false;
    set_connected(false);
    courier_.lost();
    progress_.lost();
    reportable_.add_first(reported_);
    reported_.clear();
    if (sign_off_sent_) return stop(exit_code::done);
    finish_when_drained();
}

void Controller::set_connected(bool connected) {
    connected_ = connected;
    connected_changed_ms_ = rundir::boottime_ms();
    if (changed_) changed_();
}

bool Controller::failed(const database::Reply& reply, const char* call) {
    namespace error = protocol::error;
    if (reply.ok()) return false;
    spdlog::error("event=call_failed call={} sqlstate={} message={}", call, reply.sqlstate, quoted(reply.message));
    if (reply.sqlstate == error::no_executor_role || reply.sqlstate == error::version_mismatch) {
        leave_runs(exit_code::refused);
    } else if (reply.sqlstate == error::replaced) {
        stop(exit_code::replaced);
    } else {
        session_.reconnect(reply.sqlstate + " " + reply.message);
    }
    return true;
}

// --- what to send next -----------------------------------------------------------------------------------------------

void Controller::want_sync(std::int64_t delay_ms) {
    next_sync_ms_ = std::min(next_sync_ms_, now() + delay_ms);
    pump();
}

void Controller::pump() {
    if (stop_code_ || applying_) return;
    if (handing_over_) {
        if (may_leave()) return leave_runs(exit_code::done);
        pump_timer_.start(handing_over_look_ms); // nobody tells that the last one has begun
    }
    if (stage_ != Stage::ready) return finish_when_drained();
    if (!session_.idle()) return;
    const std::int64_t time = now();
    if (const auto call = drain_.next(time, lease_part_ms(0.5))) return send_drain(*call);
    if (stop_requests_ > 0 && runs_.held() == 0) return send_sign_off();
    if (progress_.due() && !handing_over_) return send_progress(); // once a second at most
    const std::int64_t log_due_ms = handing_over_ ? INT64_MAX : courier_.due_ms();
    const std::int64_t sync_at_ms =
        runs_.unfinished() < busy_runs ? next_sync_ms_ : std::max(next_sync_ms_, last_sync_sent_ms_ + busy_pause_ms);
    const bool sync_due = sync_at_ms <= time;
    if (log_due_ms <= time && (!sync_due || synced_last_)) return send_log();
    if (sync_due) return send_sync();
    if (!handing_over_) pump_timer_.start(static_cast<std::uint64_t>(std::min(sync_at_ms, log_due_ms) - time));
}

std::int64_t Controller::lease_part_ms(double part) const {
    return static_cast<std::int64_t>(registration_.terms.lease_s * 1000 * part);
}

std::int64_t Controller::idle_interval_ms(bool active) {
    const std::int64_t lease_part = lease_part_ms(1.0 / 3);
    if (options_.listen) return std::min(static_cast<std::int64_t>(options_.poll_s * 1000), lease_part);
    poll_ms_ = active ? 250 : std::min<std::int64_t>(1000, poll_ms_ * 2);
    return std::min(poll_ms_, lease_part);
}

// --- sync ------------------------------------------------------------------------------------------------------------

void Controller::send_sync() {
    SyncRequest request;
    request.executor = registration_.executor;
    request.incarnation = incarnation_;
    request.acked_seq = acked_seq_;
    collect_reports(request.finished);
    if (!reportable_.took_large()) {
        const std::int64_t lease_part = lease_part_ms(1.0 / 3);
        const auto poll = static_cast<std::int64_t>(options_.poll_s * 1000);
        if (list_all_ || now() - listed_all_ms_ >= lease_part - std::min(poll, lease_part / 2)) {
            request.live_tokens = runs_.tokens();
            listed_all_ms_ = now();
        }
        if (careful_syncs_ == 0) request.usage = runs_.usage_due(usage_interval_ms, reports_per_sync);
        request.max_new = room();
    }
    max_new_sent_ = request.max_new;
    sync_under_way_ = true;
    next_sync_ms_ = INT64_MAX; // who wants another one meanwhile sets it anew
    synced_last_ = true;
    last_sync_sent_ms_ = now();
    sync_sent_ms_ = rundir::boottime_ms();
    session_.send(store::sync(request), [this](const database::Reply& reply) { on_sync(reply); });
}

// How many new runs to ask for.
int Controller::room() {
    room_withheld_ = false;
    if (handing_over_ || drain_.condition()) return 0;
    const int wanted = std::clamp(options_.max_runs - runs_.unfinished(), 0, starts_per_sync);
    int room = std::min(wanted, options_.max_runs + unanswered_limit - static_cast<int>(runs_.held()));
    if (last_start_bytes_ >= heavy_starts && runs_.count(RunState::queued) > 0) room = 0;
    room_withheld_ = room < wanted;
    return std::max(room, 0);
}

void Controller::collect_reports(std::vector<EndReport>& reports) {
    const std::size_t limit = careful_syncs_ > 0 ? 1 : reports_per_sync;
    reported_ = reportable_.take(limit, [this](std::int64_t token) -> std::optional<ReportQueue::Size> {
        Run* run = runs_.find(token);
        if (run == nullptr || run->forgotten) return std::nullopt;
        ReportQueue::Size size{run->end().result_bytes, 0};
        for (const OutputFile& file : run->end().outputs.files)
            size.described_bytes += static_cast<std::int64_t>(file.name.size());
        return size;
    });
    for (std::int64_t token : reported_) {
        Run* run = runs_.find(token);
        RunEnd& end = run->end();
        std::string result;
        if (end.result_bytes > 0) {
            try {
                result = read_result(run->directory().result_path(), run->owner());
            } catch (const std::system_error&) { // no descriptor for it now: again, as if it had not been answered
                continue;
            } catch (const std::runtime_error& error) {
                end.result_bytes = 0;
                end.kind = protocol::run_end::bad_result;
                end.message = error.what();
            }
        }
        reports.push_back({run->job_id(), run->token(), &end,
                           end.outputs.any ? run->directory().kept_output_path() : std::string(), std::move(result)});
    }
}

void Controller::on_sync(const database::Reply& reply) {
    sync_under_way_ = false;
    if (reply.sqlstate == protocol::error::malformed_report || (!reported_.empty() && is_about_data(reply.sqlstate))) {
        spdlog::error("event=call_failed call=executor_sync sqlstate={} message={}", reply.sqlstate,
                      quoted(reply.message));
        return report_refused(reply);
    }
    if (failed(reply, "executor_sync")) return;
    last_sync_ms_ = rundir::boottime_ms();
    std::vector<SyncRow> rows;
    try {
        rows = store::decode_sync(reply.result.get());
    } catch (const std::runtime_error& error) {
        return session_.reconnect(error.what());
    }
    session_.reset_backoff();
    list_all_ = false;
    if (careful_syncs_ > 0) --careful_syncs_;
    applying_ = true;
    apply(rows);
    applying_ = false;
    write_contact();
    pump();
}

void Controller::write_contact() {
    const rundir::Contact contact{sync_sent_ms_, static_cast<std::int64_t>(registration_.terms.lost_after_s * 1000)};
    const bool failed = !rundir::write_contact(contact_file_.c_str(), contact);
    if (failed && !contact_failed_) {
        spdlog::error("event=contact_file_failed path={} reason={}", quoted(contact_file_),
                      quoted(std::strerror(errno)));
    }
    contact_failed_ = failed; // the next sync tries again
}

void Controller::apply(std::vector<SyncRow>& rows) {
    namespace kind = protocol::sync_row;
    std::unordered_set<std::int64_t> answered;
    std::int64_t greatest_seq = 0;
    int starts = 0;
    std::int64_t start_bytes = 0;
    bool more = false;
    bool cancels = false;
    for (SyncRow& row : rows) {
        if (row.kind == kind::ack) {
            acked_seq_ = row.seq;
            more = store::decode_more(row.body);
            continue;
        }
        greatest_seq = std::max(greatest_seq, row.seq);
        if (row.kind == kind::answer) {
            std::string word = store::decode_answer(row.body);
            if (word == protocol::answer::retry || word.empty()) continue;
            if (word == protocol::answer::stale) {
                spdlog::warn("event=report_stale job={} token={}", row.job_id, row.token);
            }
            answered.insert(row.token);
            runs_.forget(row.token);
        } else if (row.kind == kind::start) {
            ++starts;
            start_bytes += static_cast<std::int64_t>(row.body.size() + (row.payload ? row.payload->size() : 0));
            start_run(row);
        } else if (row.kind == kind::cancel) {
            runs_.cancel(row.token);
            cancels = true;
        } else if (row.kind == kind::kill) {
            runs_.kill_and_forget(row.token);
        } else if (row.kind == kind::terms) {
            if (const auto terms = store::decode_terms(row.body)) take_terms(*terms);
        } else {
            spdlog::warn("event=unknown_row kind={}", quoted(row.kind));
        }
    }
    if (starts > 0) {
        last_start_bytes_ = start_bytes;
        watch_progress();
    }
    const bool any_reported = !reported_.empty();
    std::erase_if(reported_, [&answered](std::int64_t token) { return answered.contains(token); });
    const bool retried = !reported_.empty();
    reportable_.add(reported_);
    reported_.clear();
    const bool gap = greatest_seq > acked_seq_;
    // people wait for the word that a cancel has come, and for what a sync with a large result has kept waiting
    const bool at_once =
        more || (cancels && !gap) || (starts > 0 && starts >= max_new_sent_) || (reportable_.took_large() && !retried);
    schedule_next_sync(!rows.empty() || any_reported, at_once, gap, retried);
}

// `at_once`: there may be more, or something to acknowledge that is waited for. `gap`: a command was left out because
// its row was locked. Both ask again at once, but a lock that stays is not asked in a tight loop.
void Controller::schedule_next_sync(bool active, bool at_once, bool gap, bool retried) {
    hurried_syncs_ = gap ? hurried_syncs_ + 1 : 0;
    std::int64_t delay = idle_interval_ms(active);
    if (retried || gap || room_withheld_) delay = std::min(delay, retry_ms);
    if (at_once || (gap && hurried_syncs_ <= 3) || (!retried && !reportable_.empty())) delay = 0;
    next_sync_ms_ = std::min(next_sync_ms_, now() + delay);
}

void Controller::start_run(SyncRow& row) {
    try {
        JobSpec spec = decode_job_spec(row.body);
        spec.payload = std::exchange(row.payload, std::nullopt);
        runs_.start(row.job_id, row.token, std::move(spec));
    } catch (const SpecError& error) {
        spdlog::error("event=start_malformed job={} token={} reason={}", row.job_id, row.token, quoted(error.what()));
        runs_.refuse(row.job_id, row.token, error.what());
    }
}

// A result that went alone, or with nothing that could be at fault instead: its run ends with a word about that.
bool Controller::result_refused(const database::Reply& reply) {
    if (reported_.size() != 1 || reply.sqlstate == protocol::error::malformed_report) return false;
    const bool unclear = reply.sqlstate == "XX000" && !reply.message.starts_with("invalid memory alloc");
    if (unclear && !reportable_.took_large()) return false;
    Run* run = runs_.find(reported_.front());
    if (run == nullptr || !lose_result(run->end(), reply)) return false;
    reportable_.add_first(std::exchange(reported_, {}));
    want_sync(0);
    return true;
}

// One report spoils the whole call: it is found by sending one at a time, then tried in words that a server of before
// 0.4 knows, then without its result and what describes it, then dropped, because a report that is never accepted would
// hold up all others.
void Controller::report_refused(const database::Reply& reply) {
    if (result_refused(reply)) return;
    const bool alone = careful_syncs_ > 0;
    const bool words = reply.sqlstate == protocol::error::malformed_report;
    const bool reported = !reported_.empty();
    careful_syncs_ = 50;
    list_all_ = true;
    for (std::int64_t token : std::exchange(reported_, {})) {
        Run* run = runs_.find(token);
        if (run == nullptr) continue;
        if (alone && run->refusals > 0) {
            spdlog::error("event=report_dropped job={} token={}", run->job_id(), token);
            runs_.forget(token);
            continue;
        }
        if (alone && !(words && reword_for_old_server(run->end()))) {
            ++run->refusals;
            RunEnd& end = run->end();
            end.message.clear();
            end.outputs.files.clear();
            lose_result(end, reply);
        }
        reportable_.add(token);
    }
    want_sync(reported ? retry_ms : 1000);
}

// --- runs ------------------------------------------------------------------------------------------------------------

void Controller::run_ended(Run& run) {
    if (!run.log_position_known) return; // nor is it known whether it was answered already
    note_host_fault(run);
    report_after_log(run);
}

// Told before the run is reported, so that the server never places the next one here in between. What may pass by
// itself, such as a full disk, keeps runs away for a while only: else they would come back at once, again and again.
void Controller::note_host_fault(Run& run) {
    const std::string& fault = run.end().host_fault;
    if (fault.empty() && run.end().kind == protocol::run_end::not_started) {
        start_trouble_ = "cannot start runs: " + run.end().message;
        trouble_timer_.start(trouble_ms);
        return update_drain();
    }
    if (fault.empty()) return;
    spdlog::error("event=host_fault job={} reason={}", run.job_id(), quoted(fault));
    drain_.add_fault(fault);
}

void Controller::report_after_log(Run& run) {
    if (run.log().complete()) {
        run.reportable = true;
        reportable_.add(run.token());
        want_sync(ends_together_ms);
    } else {
        courier_.note(run, now(), true);
        pump();
    }
}

void Controller::run_log_grown(Run& run) {
    courier_.note(run, now(), false);
    pump();
}

void Controller::logs_complete(const std::vector<std::int64_t>& tokens) {
    if (tokens.empty()) return;
    reportable_.add(tokens);
    next_sync_ms_ = std::min(next_sync_ms_, now());
}

void Controller::send_log() {
    LogBatch batch = courier_.next_batch();
    synced_last_ = false;
    if (batch.empty()) {
        logs_complete(courier_.answered({}, now()));
        return want_sync(idle_interval_ms(false));
    }
    session_.send(store::log(registration_.executor, incarnation_, batch), [this](const database::Reply& reply) {
        std::vector<std::int64_t> complete;
        if (reply.sqlstate == protocol::error::malformed_report) {
            spdlog::error("event=call_failed call=executor_log sqlstate={} message={}", reply.sqlstate,
                          quoted(reply.message));
            complete = courier_.refused(now());
        } else if (failed(reply, "executor_log")) {
            return;
        } else {
            try {
                complete = courier_.answered(store::decode_stale_tokens(reply.result.get()), now());
            } catch (const std::runtime_error& error) {
                return session_.reconnect(error.what());
            }
        }
        logs_complete(complete);
        pump();
    });
}

} // namespace rcq::executor
