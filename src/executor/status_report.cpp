#include "executor/status_report.hpp"

#include "executor/logging.hpp"
#include "executor/words.hpp"
#include "rundir/status.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace rcq::executor {

namespace {

using nlohmann::ordered_json;

constexpr std::uint64_t interval_ms = 5000;
constexpr std::uint64_t change_ms = 50; // several changes are one
constexpr std::int64_t stale_ms = 30'000;

// Field 22 of /proc/PID/stat, when the process started; 0: there is no such process. The name in the second field may
// hold anything, parentheses as well.
std::int64_t start_ticks(std::int64_t pid) {
    std::string stat = read_text("/proc/" + std::to_string(pid) + "/stat");
    std::size_t at = stat.rfind(')');
    for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
    return at == std::string::npos ? 0 : std::strtoll(stat.c_str() + at, nullptr, 10);
}

std::string utc(std::time_t time) {
    tm parts{};
    gmtime_r(&time, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// The error, or 0. Readable by everybody, whatever the umask: it holds no secret, and monitoring is another user.
int replace_file(const std::string& path, const std::string& text) {
    std::string draft = path + ".tmp";
    int fd = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) return errno;
    bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    int error = written && fchmod(fd, 0644) == 0 ? 0 : errno == 0 ? ENOSPC : errno;
    close(fd);
    if (error == 0 && rename(draft.c_str(), path.c_str()) != 0) error = errno;
    if (error != 0) (void)unlink(draft.c_str());
    return error;
}

} // namespace

std::string encode_status(const StatusReport& report) {
    std::int64_t now_ms = rundir::boottime_ms();
    std::time_t now = std::time(nullptr);
    auto seconds_since = [&](std::int64_t then) { return static_cast<double>(now_ms - then) / 1000; };
    ordered_json text = {
        {"name", report.name.empty() ? ordered_json() : ordered_json(report.name)},
        {"executor", report.executor == 0 ? ordered_json() : ordered_json(report.executor)},
        {"connected", report.connected},
        {"connected_changed_at", utc(now - static_cast<std::time_t>(seconds_since(report.connected_changed_ms)))},
        {"last_sync_age_s", nullptr},
        {"draining", !report.drain_reason.empty()},
        {"drain_reason", nullptr},
        {"runs", report.runs},
        {"cpu_cores", report.cores},
        {"free_cpu_cores", nullptr},
        {"gpus", report.gpus},
        {"free_gpus", report.free_gpus},
        {"version", RCQ_VERSION},
        {"pid", getpid()},
        {"start_ticks", start_ticks(getpid())},
        {"written_at", utc(now)},
        {"written_ms", now_ms}};
    if (report.free_cores) text["free_cpu_cores"] = *report.free_cores;
    if (report.last_sync_ms) text["last_sync_age_s"] = seconds_since(*report.last_sync_ms);
    if (!report.drain_reason.empty()) text["drain_reason"] = report.drain_reason;
    return text.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

StatusFile::StatusFile(uv_loop_t* loop, std::string path, std::function<StatusReport()> collect)
    : path_(std::move(path)), collect_(std::move(collect)), timer_(loop, [this] { write(); }),
      change_timer_(loop, [this] { write(); }) {}

StatusFile::~StatusFile() { (void)unlink(path_.c_str()); }

void StatusFile::start() {
    timer_.start(interval_ms, interval_ms);
    write();
}

void StatusFile::changed() {
    if (!change_timer_.active()) change_timer_.start(change_ms);
}

void StatusFile::write() {
    int error = replace_file(path_, encode_status(collect_()));
    if (error != 0 && !complained_) {
        spdlog::warn("event=status_file_failed path={} error={}", executor::quoted(path_),
                     executor::quoted(std::strerror(error)));
    }
    complained_ = error != 0;
}

StatusAnswer read_status_file(const std::string& path) {
    std::string text = read_text(path);
    if (text.empty()) return {status_not_running, "rcq-executor: not running: no status file " + path + "\n"};
    ordered_json status = ordered_json::parse(text, nullptr, false);
    try {
        std::int64_t ticks = start_ticks(status.at("pid").get<std::int64_t>());
        if (ticks == 0 || ticks != status.at("start_ticks").get<std::int64_t>()) {
            return {status_not_running, text + "rcq-executor: not running: the process of this status is gone\n"};
        }
        std::int64_t age = rundir::boottime_ms() - status.at("written_ms").get<std::int64_t>();
        if (age > stale_ms) {
            return {status_unconnected,
                    text + "rcq-executor: stuck: nothing written for " + std::to_string(age / 1000) + " s\n"};
        }
        return {status.at("connected").get<bool>() ? status_connected : status_unconnected, text};
    } catch (const ordered_json::exception& error) {
        return {status_not_running, "rcq-executor: " + path + " is no status file: " + error.what() + "\n"};
    }
}

} // namespace rcq::executor
