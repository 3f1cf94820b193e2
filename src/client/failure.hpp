// How the command ends: its exit codes (docs/reference/rcq.md), and what is told to people when it is not well.
#pragma once
#include <stdexcept>
#include <string>
#include <utility>

namespace rcq::client {

enum class ExitCode {
    good = 0,
    refused = 1,     // the server said no, or something on this side failed
    misused = 2,     // unknown option, bad value
    unreachable = 3, // no connection, or it was lost
    unknown_job = 4, // there is no such job, or it is not yours to see
    job_failed = 5,  // wait: without an exit code of its own
    timed_out = 124, // wait --timeout, as of timeout(1)
    interrupted = 130,
    broken_pipe = 141, // as shells see a program that SIGPIPE ended
};

// One line for people and, where there is one, what they can do about it. Both may hold bytes of others: they are made
// safe when they are written.
class Failure : public std::runtime_error {
public:
    Failure(ExitCode exit_code, const std::string& message, std::string advice = {})
        : std::runtime_error(message), code(exit_code), hint(std::move(advice)) {}

    ExitCode code;
    std::string hint;
};

// Ctrl-C while the server was asked; what it was doing has been cancelled.
class Interrupted : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "interrupted"; }
};

} // namespace rcq::client
