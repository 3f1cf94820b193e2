// rcq-executor --check: everything that can be said of a configuration without starting.
#pragma once
#include "executor/options.hpp"

#include <string>
#include <vector>

namespace rcq::executor {

inline constexpr int check_unreachable = 5; // all is well here, but there is no connection to the database

// The registration that would be sent, as JSON.
std::string describe_registration(const Options& options);

// What keeps the state directory from being used; nothing is made. Empty: nothing.
std::string state_directory_problem(const std::string& path);

// Prints the registration on stdout, and remarks and all that is wrong on stderr. `options` has been through
// prepare_host, whose remarks these are. The exit code: 0; 1 something is wrong here; 2 the login is no executor's;
// check_unreachable.
int run_check(const Options& options, const std::vector<std::string>& remarks);

} // namespace rcq::executor
