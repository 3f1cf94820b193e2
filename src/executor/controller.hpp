// The protocol: when to register, sync, send logs, drain and sign off, and what to do with each answer.
#pragma once
#include "executor/log_courier.hpp"
#include "executor/messages.hpp"
#include "executor/options.hpp"
#include "executor/run_table.hpp"
#include "executor/session.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rcq::executor {

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
    // `contact_file` tells supervisors when the server last heard of us. `finished` is called once, with the exit code.
    Controller(uv_loop_t* loop, const Options& options, RunTable& runs, std::string contact_file,
               std::function<void(int)> finished);

    void start();

    // SIGTERM, SIGINT: the first time drain, the second time cancel all runs, the third time stop.
    void stop_requested();

    // SIGUSR1: stop at once and leave all runs to the process that comes after this one.
    void hand_over();

    // Why nothing new should be run on this host now; nothing: it may be again.
    void host_fault(std::optional<std::string> reason);

    // Why this process takes nothing new; nothing: it does.
    [[nodiscard]] std::optional<std::string> drain_reason() const;

private:
    // What goes on between connecting and the first sync.
    enum class Stage : std::uint8_t { offline, registering, listening, resuming, ready };

    void on_connected();
    void on_lost();
    void on_registered(const Reply& reply);
    void send_listen();
    void resume_logs();
    void on_log_positions(const Reply& reply);
    void become_ready();

    void pump();
    void send_sync();
    void on_sync(const Reply& reply);
    void apply(std::vector<SyncRow>& rows);
    void start_run(SyncRow& row);
    void schedule_next_sync(bool active, bool full, bool gap, bool retried);
    void collect_reports(std::vector<EndReport>& reports);
    void report_refused(const std::string& message);
    void send_log();
    void send_drain(std::optional<std::string> reason);
    void send_sign_off();

    // True when the reply is an error, which is then dealt with.
    bool failed(const Reply& reply, const char* call);
    void run_ended(Run& run);
    void report_after_log(Run& run);
    void run_log_grown(Run& run);
    void logs_complete(const std::vector<std::int64_t>& tokens);
    void want_sync(std::int64_t delay_ms);
    void cancel_runs(const std::string& why);
    void finish_when_drained();
    void stop(int code);
    void finish_when_dead();
    void leave_runs(int code);
    [[nodiscard]] std::int64_t now() const { return static_cast<std::int64_t>(uv_now(loop_)); }
    [[nodiscard]] std::int64_t idle_interval_ms(bool active);

    uv_loop_t* loop_;
    const Options& options_;
    RunTable& runs_;
    std::string contact_file_;
    std::function<void(int)> finished_;
    Session session_;
    LogCourier courier_;
    Timer pump_timer_;
    Timer stop_timer_; // drain timeout, then waiting for reports or for killed processes

    const std::int64_t incarnation_;
    Registration registration_;
    Stage stage_ = Stage::offline;
    std::int64_t acked_seq_ = 0;
    bool ever_registered_ = false;
    bool list_all_ = true; // the next sync lists all tokens
    std::int64_t listed_all_ms_ = 0;
    std::int64_t next_sync_ms_ = 0;
    std::int64_t poll_ms_ = 250; // without LISTEN
    int hurried_syncs_ = 0;      // in a row that asked for another one at once
    bool synced_last_ = false;
    int careful_syncs_ = 0;               // reports go one by one: the server called a sync malformed
    std::deque<std::int64_t> reportable_; // ended, log complete, not yet reported
    std::vector<std::int64_t> reported_;  // in the sync under way
    std::int64_t sync_sent_ms_ = 0;       // boottime
    int max_new_sent_ = 0;
    bool applying_ = false; // an answer is being worked on: nothing is sent until that is done
    int stop_requests_ = 0;
    std::optional<std::string> drain_told_; // what the server knows of us
    bool drain_known_ = true;               // that it does
    std::optional<std::string> host_condition_;
    std::optional<std::string> failed_hook_; // of a run: lasts until an administrator ends it
    bool sign_off_sent_ = false;
    std::optional<int> stop_code_;
};

} // namespace rcq::executor
