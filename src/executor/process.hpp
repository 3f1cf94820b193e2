// Starts the first process of a run: fork, then exec in a session of its own.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <sys/types.h>
#include <vector>

namespace rcq::executor {

struct SpawnRequest {
    std::int64_t token = 0;
    std::vector<std::string> arguments; // the first one is the path to execute
    std::vector<std::string> environment;
    std::string workdir;
    bool workdir_checked = false; // after chdir, the real path must be inside workdir_allow
    int stdout_fd = -1;
    int stderr_fd = -1;
};

// Where in the child a start failed.
enum class SpawnStage : std::int32_t { setup = 1, chdir = 2, outside = 3, exec = 4 };

struct SpawnFailure {
    SpawnStage stage = SpawnStage::setup;
    int error = 0;
};

class Spawner {
public:
    // The prefixes are canonical paths. Throws std::system_error.
    explicit Spawner(std::vector<std::string> workdir_allow);
    ~Spawner();
    Spawner(const Spawner&) = delete;
    Spawner& operator=(const Spawner&) = delete;

    // To be called once, after every signal handler of the process is installed.
    void note_signals();

    // The pid of the child. Throws std::system_error when there can be none. A child that cannot execute ends with 127
    // and leaves a failure.
    pid_t spawn(const SpawnRequest& request);

    // The failure that a child left behind, asked once after it ended.
    std::optional<SpawnFailure> take_failure(std::int64_t token);

private:
    struct Plan;
    [[noreturn]] static void run_child(const Plan& plan);

    std::vector<std::string> workdir_allow_;
    std::vector<int> signals_to_reset_;
    std::array<int, 2> failure_pipe_{-1, -1}; // closed by exec; one for all children, so that a run costs none
    std::map<std::int64_t, SpawnFailure> failures_;
    int null_fd_ = -1;
    mode_t umask_ = 022;
    rlimit open_files_{};
};

// Makes this process what a supervisor should be: not dumpable, adopter of orphans, stdio open, nothing inherited by
// children, as many open files as allowed, umask 077. Call first in main, before secrets are read.
void prepare_process();

// How many runs the limit of open files allows: three each, and some for the executor itself.
int runs_by_open_files();

// True when `path` is `prefix` or lies below it.
bool path_is_inside(const char* path, const char* prefix);

} // namespace rcq::executor
