// How a run becomes processes: under a supervisor of its own on this host, or handed to another cluster. Whatever the
// back end, the run's directory tells what happens (src/rundir): its log grows there and its end appears there.
#pragma once
#include "executor/host_fault.hpp"
#include "rundir/launch.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace rcq::executor {

struct RunPlace {
    std::int64_t job_id = 0;
    std::int64_t token = 0;
    std::string path; // of the run's directory
};

class Backend {
public:
    struct Events {
        std::function<void(std::int64_t token)> changed; // there may be more of the log
        // Nothing of the run lives any more; it left `end`, or else was lost with its supervisor. Once per run.
        std::function<void(std::int64_t token)> ended;
        // Instead of `ended`: it turned out after start() that this host could not start the run.
        std::function<void(std::int64_t token, const HostFault& fault)> not_started;
    };

    virtual ~Backend() = default;
    virtual void set_events(Events events) = 0;

    // Starts a run whose directory is made and holds the file `launch`. `lock_fd` is the directory, open and locked; it
    // stays the caller's. Throws HostFault or std::system_error: this host could not start the run, which is put back
    // (not_started); any other std::exception: nobody could, its end is a spawn_error.
    virtual void start(const RunPlace& place, const rundir::Launch& launch, int lock_fd) = 0;

    // Takes over a run that an earlier executor started: events follow as if this one had, `ended` also when it is
    // over already.
    virtual void adopt(const RunPlace& place, const rundir::Launch& launch) = 0;

    // TERM, grace time, KILL, for all processes of the run. Nothing when it is over.
    virtual void terminate(std::int64_t token) = 0;
    // KILL at once, for all processes of the run.
    virtual void kill(std::int64_t token) = 0;
};

} // namespace rcq::executor
