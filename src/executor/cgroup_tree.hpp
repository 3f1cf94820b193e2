// The cgroups (version 2) of this executor: one leaf with the executor and its supervisors, one per run beside it.
//
//   BASE/            belongs to the executor: its own cgroup when it was started, or the one of --cgroup
//     executor/         executor and supervisors, so that a run's limits never count or kill them
//     run-OWNER-TOKEN/  processes of one run; made by the executor, removed by the supervisor, or else by the executor
//
// Several executors may share BASE: OWNER tells whose a run is.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace rcq::executor {

class CgroupError : public std::runtime_error {
public:
    explicit CgroupError(const std::string& what, int error = 0) : std::runtime_error(what), error_(error) {}
    [[nodiscard]] int error() const { return error_; } // an errno; 0: none

private:
    int error_;
};

// Where the cgroup of this process is found in the file system, from the content of /proc/self/cgroup and
// /proc/self/mountinfo; empty: there is no version 2, or its part with this cgroup is not mounted.
std::string own_cgroup(std::string_view cgroup, std::string_view mountinfo);

struct CgroupLimits {
    std::int64_t memory_mib = 0; // 0: none
    int cpu_cores = 1;           // weight against other runs
    std::vector<int> cpus;       // bound to these; empty: not
    std::int64_t max_processes = 0;
};

class CgroupTree {
public:
    // `mode` is auto, off, required or the path of BASE, `owner` a word without a dash (StateDirectory::id). Moves this
    // process into the leaf. Throws CgroupError: what is required, or the given path, cannot be had. With auto whatever
    // is missing is done without.
    CgroupTree(const std::string& mode, const std::string& owner);

    // Runs get cgroups of their own.
    [[nodiscard]] bool usable() const { return !base_.empty(); }
    // Their memory is limited by the kernel.
    [[nodiscard]] bool limits_memory() const { return has("memory"); }
    // For people: what is enforced.
    [[nodiscard]] std::string describe() const;

    // Makes the cgroup of a run and answers its path; empty when there are none. Throws CgroupError.
    [[nodiscard]] std::string make(std::int64_t token, const CgroupLimits& limits) const;

    // The cgroups of this owner's runs that `held` does not know.
    [[nodiscard]] std::vector<std::string> others(const std::function<bool(std::int64_t token)>& held) const;

private:
    void set_up(const std::string& base);
    [[nodiscard]] bool has(std::string_view controller) const;

    std::string run_prefix_;
    std::string base_;
    std::vector<std::string> controllers_;
};

// Kills everything in a cgroup and those below it; true when nothing is left of it and the cgroup is removed, or was
// not there.
bool kill_and_remove_cgroup(const std::string& path);

} // namespace rcq::executor
