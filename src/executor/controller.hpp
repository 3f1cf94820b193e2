// The protocol: when to register, sync, send logs, drain and sign off, and what to do with each answer.
#pragma once
#include "executor/drain_orders.hpp"
#include "executor/log_courier.hpp"
#include "executor/messages.hpp"
#include "executor/options.hpp"
#include "executor/progress_courier.hpp"
#include "executor/report_queue.hpp"
#include "executor/run_table.hpp"
#include "executor/session.hpp"
#include "executor/status_report.hpp"
#include "rundir/status.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rcq::executor {

// SQLSTATE of a call to a function that the server is too old to have.
inline constexpr const char* undefined_function = "42883";
// Of a call that waited in vain for a row that somebody else holds.
inline constexpr const char* lock_not_available = "55P03";

// Whether it says that the server cannot take these data, and cannot take them the next time either.
bool is_about_data(const std::string& sqlstate);

// Documented in --help.
namespace exit_code {
inline constexpr int done = 0;
inline constexpr int mistake = 1;
inline constexpr int refused = 2;
inline constexpr int replaced = 3;
inline constexpr int unfinished = 4;
} // namespace exit_code

class Controller {
public:
    // `contact_file` tells supervisors when the server last heard of us. `finished` is called once, with the exit code
    // and whether another process is to go on with the runs, as soon as it can.
    Controller(uv_loop_t* loop, const Options& options, RunTable& runs, std::string contact_file,
               std::function<void(int code, bool runs_left)> finished);

    void start();

    // SIGTERM, SIGINT: the first time drain, the second time cancel all runs, the third time stop.
    void stop_requested();

    // SIGUSR1: claim nothing more, start what was claimed, and leave all runs to the process that comes after this one.
    void hand_over();

    // Why nothing new should be run on this host now; nothing: it may be again.
    void host_fault(std::optional<std::string> reason);

    // For the status file, and told when something in it changed that people wait for.
    [[nodiscard]] StatusReport status() const;
    void set_changed(std::function<void()> changed) { changed_ = std::move(changed); }

private:
    // What goes on between connecting and the first sync.
    enum class Stage : std::uint8_t { offline, registering, listening, resuming, ready };

    void on_connected();
    void send_registration();
    void on_lost();
    void set_connected(bool connected);
    void on_registered(const database::Reply& reply);
    void take_terms(const Terms& terms);
    void send_listen();
    void forget_log_positions();
    void resume_logs();
    void on_log_positions(const std::vector<std::int64_t>& asked, const database::Reply& reply);
    void become_ready();

    void pump();
    void send_sync();
    void on_sync(const database::Reply& reply);
    void apply(std::vector<SyncRow>& rows);
    void start_run(SyncRow& row);
    void schedule_next_sync(bool active, bool at_once, bool gap, bool retried);
    void collect_reports(std::vector<EndReport>& reports);
    void report_refused(const database::Reply& reply);
    bool result_refused(const database::Reply& reply);
    void write_contact();
    [[nodiscard]] int room();
    void note_host_fault(Run& run);
    void send_log();
    void watch_progress();
    void send_progress();
    void send_drain(const DrainCall& call);
    void send_sign_off();

    // True when the reply is an error, which is then dealt with.
    bool failed(const database::Reply& reply, const char* call);
    void run_ended(Run& run);
    void report_after_log(Run& run);
    void run_log_grown(Run& run);
    void logs_complete(const std::vector<std::int64_t>& tokens);
    void want_sync(std::int64_t delay_ms);
    void cancel_runs(const std::string& why);
    void update_drain();
    [[nodiscard]] bool nothing_left();
    void finish_when_drained();
    [[nodiscard]] bool may_leave();
    void time_is_up();
    void stop(int code);
    void finish_when_dead();
    void leave_runs(int code);
    [[nodiscard]] std::int64_t now() const { return static_cast<std::int64_t>(uv_now(loop_)); }
    [[nodiscard]] std::int64_t lease_part_ms(double part) const;
    [[nodiscard]] std::int64_t idle_interval_ms(bool active);

    uv_loop_t* loop_;
    const Options& options_;
    RunTable& runs_;
    std::string contact_file_;
    std::function<void(int, bool)> finished_;
    Session session_;
    LogCourier courier_;
    ProgressCourier progress_;
    Timer pump_timer_;
    Timer trouble_timer_;
    Timer stop_timer_; // drain timeout, then waiting for reports or for killed processes; or of handing over

    const std::int64_t incarnation_;
    Registration registration_;
    Stage stage_ = Stage::offline;
    std::int64_t acked_seq_ = 0;
    bool ever_registered_ = false;
    bool list_all_ = true; // the next sync lists all tokens
    std::int64_t listed_all_ms_ = 0;
    std::int64_t next_sync_ms_ = 0;
    std::int64_t last_sync_sent_ms_ = 0;
    std::int64_t poll_ms_ = 250; // without LISTEN
    int hurried_syncs_ = 0;      // in a row that asked for another one at once
    bool synced_last_ = false;
    int careful_syncs_ = 0;              // reports go one by one: the server called a sync malformed
    ReportQueue reportable_;             // ended, log complete, not yet reported
    std::vector<std::int64_t> reported_; // in the sync under way
    std::int64_t sync_sent_ms_ = 0;      // boottime
    bool sync_under_way_ = false;
    int max_new_sent_ = 0;
    bool room_withheld_ = false;        // asked for fewer runs than may run, for the sake of memory
    std::int64_t last_start_bytes_ = 0; // of the starts in the last answer that had any
    bool applying_ = false;             // an answer is being worked on: nothing is sent until that is done
    int stop_requests_ = 0;
    bool handing_over_ = false;
    std::optional<std::string> host_condition_;
    std::optional<std::string> start_trouble_; // why a run could not be started a moment ago
    DrainOrders drain_;
    bool sign_off_sent_ = false;
    bool grace_warned_ = false;
    bool contact_failed_ = false;
    std::optional<int> stop_code_;
    std::function<void()> changed_;
    bool connected_ = false; // registered, and ready to sync
    std::int64_t connected_changed_ms_ = rundir::boottime_ms();
    std::optional<std::int64_t> last_sync_ms_;
};

} // namespace rcq::executor
