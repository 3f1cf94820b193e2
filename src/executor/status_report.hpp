// The status file: what this process is doing, as JSON, for administrators and monitoring (rcq-executor --status).
#pragma once
#include "executor/loop.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace rcq::executor {

struct StatusReport {
    std::string name;                      // of the executor; empty: never registered
    int executor = 0;                      // its id
    bool connected = false;                // registered, and nothing lost since
    std::int64_t connected_changed_ms = 0; // rundir::boottime_ms() since when it is as `connected` says
    std::map<std::string, int> runs;       // number by state
    int cores = 0;
    std::optional<int> free_cores; // nothing: runs are not bound to cores
    int gpus = 0;
    int free_gpus = 0;
    std::string drain_reason;                 // empty: takes new runs
    std::optional<std::int64_t> last_sync_ms; // rundir::boottime_ms() of the last answer
};

// The text of the file. Adds this process (pid and start), the version and the time.
std::string encode_status(const StatusReport& report);

// Writes the file every five seconds, and soon after a change.
class StatusFile {
public:
    // `collect` is asked for what stands in the file.
    StatusFile(uv_loop_t* loop, std::string path, std::function<StatusReport()> collect);
    ~StatusFile(); // removes the file: this process no longer runs

    void start();
    void changed();

private:
    void write();

    std::string path_;
    std::function<StatusReport()> collect_;
    bool complained_ = false;
    Timer timer_;
    Timer change_timer_;
};

// What rcq-executor --status says of the file at `path`.
struct StatusAnswer {
    int exit_code = 0; // of --status: status_connected, status_unconnected, status_not_running
    std::string text;
};
inline constexpr int status_connected = 0;
inline constexpr int status_unconnected = 5; // runs, but has no connection, or has not written for half a minute
inline constexpr int status_not_running = 6;
StatusAnswer read_status_file(const std::string& path);

} // namespace rcq::executor
