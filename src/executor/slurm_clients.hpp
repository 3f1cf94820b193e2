// Runs Slurm's client programs beside the loop, a few at a time and in order. When slurmctld is away every one of them
// hangs for its whole time limit; so while it is, only squeue is run, with a growing pause, and the others wait.
#pragma once
#include "executor/backoff.hpp"
#include "executor/program.hpp"
#include "executor/slurm_commands.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace rcq::executor {

// Only what the clients need: variables named SBATCH_* or SLURM_*, but for SLURM_CONF, would change what is asked for,
// and everything that sbatch has, the batch script gets.
std::vector<std::string> slurm_environment(const char* const* inherited);

class SlurmClients {
public:
    using Done = std::function<void(const ProgramEnd&)>;

    SlurmClients(uv_loop_t* loop, std::vector<std::string> environment);

    // Asks for the list now, unless that is going on, or failed a moment ago. `done` gets lists only, with the time at
    // which they were asked for.
    void list(const std::vector<std::string>& command,
              const std::function<void(const std::string& output, std::int64_t asked_ms)>& done);

    // Runs a command when its turn has come.
    void run(std::vector<std::string> command, Done done);

private:
    struct Command {
        std::vector<std::string> arguments;
        Done done;
    };

    std::unique_ptr<Program> start(const std::vector<std::string>& arguments, const Done& done);
    void start_next();
    void away(const std::string& message);
    void back();

    uv_loop_t* loop_;
    ProgramSetup setup_;
    bool reachable_ = false;
    bool complained_ = false;
    Backoff pause_{1000, 30'000};
    std::int64_t list_after_ms_ = 0;
    std::unique_ptr<Program> list_;
    std::deque<Command> waiting_;
    std::list<std::unique_ptr<Program>> running_;
};

} // namespace rcq::executor
