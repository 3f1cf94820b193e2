// The state directory of an executor: held by one process at a time. Its runs outlive that process.
#pragma once
#include "rundir/launch.hpp"

#include <string>
#include <vector>

namespace rcq::executor {

class Remover;

// A run that an earlier executor started and whose end was not answered.
struct FoundRun {
    std::string path; // of its directory
    rundir::Launch launch;
};

class StateDirectory {
public:
    // Makes the directory, locks it. When other users' jobs are to run in it they may pass through. Throws
    // std::runtime_error with a message for people.
    StateDirectory(const std::string& path, bool other_users);
    ~StateDirectory();
    StateDirectory(const StateDirectory&) = delete;
    StateDirectory& operator=(const StateDirectory&) = delete;

    // What an earlier executor left to be taken over. What else is in the directory of runs is tidied: runs that were
    // never started, or had ended. Throws std::runtime_error when that cannot be told for certain: a run that is
    // overlooked runs twice.
    [[nodiscard]] std::vector<FoundRun> find_runs(Remover& remover) const;

    [[nodiscard]] const std::string& runs_dir() const { return runs_dir_; }
    // Logs and outputs of ended runs (RunDirectory::kept_path).
    [[nodiscard]] const std::string& kept_dir() const { return kept_dir_; }
    // Of runs that left nothing (SpareDirectories).
    [[nodiscard]] const std::string& spare_dir() const { return spare_dir_; }
    // Tells this state directory from all others of this boot.
    [[nodiscard]] std::string id() const;
    // When the server last heard of this executor (rundir::Contact).
    [[nodiscard]] std::string contact_file() const { return path_ + "/contact"; }

private:
    std::string path_;
    std::string runs_dir_;
    std::string kept_dir_;
    std::string spare_dir_;
    int lock_fd_ = -1;
};

} // namespace rcq::executor
