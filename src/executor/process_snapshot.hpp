// All processes of the host at one moment, each looked into at most once.
#pragma once
#include "rundir/process_stat.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

namespace rcq::executor {

class ProcessSnapshot {
public:
    // Throws std::system_error when /proc cannot be read whole.
    ProcessSnapshot();
    virtual ~ProcessSnapshot() = default;
    ProcessSnapshot(const ProcessSnapshot&) = delete;
    ProcessSnapshot& operator=(const ProcessSnapshot&) = delete;

    // Zombies included.
    [[nodiscard]] const std::vector<rundir::ProcessStat>& processes() const { return processes_; }

    // The value of RCQ_RUN_DIR in the environment that a process was started with: empty when there is none, or no such
    // process any more; nothing when it cannot be known.
    const std::optional<std::string>& run_dir_of(pid_t pid);

    // Nothing when it cannot be known.
    [[nodiscard]] virtual std::optional<uid_t> user_of(pid_t pid) const;
    [[nodiscard]] virtual std::string name_of(pid_t pid) const;
    [[nodiscard]] virtual std::string directory_of(pid_t pid) const;

protected:
    explicit ProcessSnapshot(std::vector<rundir::ProcessStat> processes) : processes_(std::move(processes)) {}
    [[nodiscard]] virtual std::optional<std::string> read_run_dir(pid_t pid) const;

private:
    std::vector<rundir::ProcessStat> processes_;
    std::unordered_map<pid_t, std::optional<std::string>> run_dirs_;
};

} // namespace rcq::executor
