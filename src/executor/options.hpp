// Command line and environment of the executor.
#pragma once
#include "executor/capacity.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace rcq::executor {

struct Options {
    std::string dsn; // empty: the environment of libpq alone
    std::string hostname;
    Capacity capacity;
    std::vector<std::string> features;
    std::string state_dir;
    std::vector<std::string> workdir_allow; // absolute, without symbolic links or a trailing slash
    int max_runs = 10000;
    double poll_s = 5;
    bool listen = true;
    double kill_grace_s = 5;
    double drain_timeout_s = 0; // 0: wait without end
    double keep_outputs_days = 30;
    std::string log_level = "info";
    bool check = false;
    std::string program_dir; // where this program lies, with no trailing slash; empty: not known
};

// Ends the process early: --help (0), --version (0), or a mistake (1). `what()` is the text to print.
class OptionsExit : public std::runtime_error {
public:
    OptionsExit(int code, const std::string& text) : std::runtime_error(text), code(code) {}
    int code;
};

Options parse_options(int argc, const char* const* argv);

// What --check prints: the registration that would be sent, as JSON.
std::string describe_registration(const Options& options);

// Blots out a password inside a --dsn argument, so that it does not stand in the process list.
void hide_password_in_arguments(int argc, char** argv);

} // namespace rcq::executor
