// The directory of one run (src/rundir/paths.hpp): made before the start, emptied after the end is answered. What of it
// the job can write is read with care: it may hold links and pipes.
#pragma once
#include "executor/accounts.hpp"
#include "rundir/end.hpp"
#include "rundir/launch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace rcq::executor {

class Remover;
class SpareDirectories;

struct OutputFile {
    std::string name; // relative to the output directory
    std::int64_t bytes = 0;
};

struct Outputs {
    bool any = false; // the output directory holds something
    std::vector<OutputFile> files;
};

// The lock of a directory, for the supervisor to inherit.
class DirectoryLock {
public:
    explicit DirectoryLock(int fd) : fd_(fd) {}
    ~DirectoryLock();
    DirectoryLock(DirectoryLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
};

enum class LockState : std::uint8_t { held, free, unknown };

// Whether a supervisor holds the lock of this directory of a run. A directory that is gone is free. Unknown: for want
// of a descriptor, or the file system fails.
LockState lock_state(const std::string& directory);

class RunDirectory {
public:
    // Makes nothing yet.
    RunDirectory(const std::string& runs_dir, std::int64_t job_id, std::int64_t attempt, std::int64_t token);
    // One that is there.
    explicit RunDirectory(std::string path) : path_(std::move(path)), made_(true) {}

    // Makes the directory with what the job is given, owned by `account` if there is one, and locks it; takes a spare
    // one if it can. Throws std::system_error that names the path.
    DirectoryLock create(std::string_view script, const std::optional<std::string>& payload, const Account* account,
                         SpareDirectories& spares);

    // From now on a later executor finds this run. Throws std::system_error, rundir::LaunchError.
    void write_launch(const rundir::Launch& launch) const;

    // What the supervisor wrote at last; nothing when it died without it. `age_s` is how old it is by the time of day.
    // Throws std::system_error when that cannot be told now (is_shortage).
    [[nodiscard]] std::optional<rundir::End> read_end(double& age_s) const;

    // Whether the output directory holds anything, with at most 100 regular files of it. Throws std::system_error when
    // it cannot be looked at now (is_shortage).
    [[nodiscard]] Outputs collect_outputs() const;

    [[nodiscard]] bool has_log() const;

    // Makes the path where its log and outputs will be kept lead to where they are, so that it can be told to others
    // before the run is tidied.
    void announce() const;

    // Moves the directory to its kept path and removes everything but a log and outputs that are there; the directory
    // too when neither is. Nothing when it was not made.
    void tidy(Remover& remover, bool keep_outputs) const;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string job_path() const;
    [[nodiscard]] std::string script_path() const;
    [[nodiscard]] std::string payload_path() const;
    [[nodiscard]] std::string result_path() const;
    [[nodiscard]] std::string progress_path() const;
    [[nodiscard]] std::string log_path() const;
    [[nodiscard]] std::string output_path() const;
    // Where log and outputs stay after the end: beside the directory of runs, in the directory `kept`.
    [[nodiscard]] std::string kept_path() const;
    [[nodiscard]] std::string kept_log_path() const;
    [[nodiscard]] std::string kept_output_path() const;

private:
    std::string path_;
    bool made_ = false;
};

// A script that begins with #! is executed itself.
inline bool has_interpreter_line(std::string_view script) { return script.starts_with("#!"); }

} // namespace rcq::executor
