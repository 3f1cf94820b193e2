// A look at /proc: which process belongs to which run, how much memory and CPU time a run has.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

namespace rcq::executor {

struct ProcessInfo {
    pid_t pid = 0;
    pid_t parent = 0;
    pid_t session = 0;
    char state = '?';
    std::uint64_t start_ticks = 0; // since boot
    std::uint64_t cpu_ticks = 0;   // own and of waited-for children
};

// The content of /proc/PID/stat; nothing when it is not one.
std::optional<ProcessInfo> parse_stat(std::string_view text);

std::optional<ProcessInfo> read_process(pid_t pid);

// All processes of the host, zombies included.
std::vector<ProcessInfo> list_processes();

// Resident minus shared memory in KiB, 0 when the process is gone.
std::int64_t private_memory_kib(pid_t pid);

// The value of RCQ_RUN_DIR in the environment that a process was started with; empty when there is none to read.
std::string run_dir_of_process(pid_t pid);

double ticks_to_seconds(std::uint64_t ticks);

// This boot of the machine, so that a pid of another boot is never taken for one of this.
std::string boot_id();

// A process belongs to a run when, in this order: its session is the run's; it was seen as the run's before; its
// parent belongs to the run; or it was orphaned (its parent is the executor now) and its environment still names the
// run's directory.
class Ownership {
public:
    explicit Ownership(pid_t executor) : executor_(executor) {}

    struct Run {
        pid_t leader = 0;
        std::string run_dir;
        std::int64_t token = 0;
    };

    struct Result {
        std::unordered_map<std::int64_t, std::vector<const ProcessInfo*>> members; // by token, without zombies
        std::vector<pid_t> left_behind; // adopted from a run that is no longer there
        std::vector<pid_t> unknown;     // adopted, and nothing tells from which run
    };

    // The pointers in the result point into `processes`.
    Result assign(const std::vector<ProcessInfo>& processes, const std::vector<Run>& runs,
                  const std::function<std::string(pid_t)>& run_dir_of = run_dir_of_process);

private:
    struct Seen {
        std::uint64_t start_ticks;
        std::int64_t token;
    };
    pid_t executor_;
    std::unordered_map<pid_t, Seen> seen_; // members outside the session of their run
};

} // namespace rcq::executor
