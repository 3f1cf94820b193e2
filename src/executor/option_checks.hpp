// Values of options: brought into one form, and refused with a message that says what to do.
#pragma once
#include "executor/options.hpp"

#include <string>
#include <vector>

namespace rcq::executor {

[[noreturn]] void option_mistake(const std::string& text);

// What can be judged without looking at the host; also sorts lists and resolves paths. Throws OptionsExit.
void check_values(Options& options);

// What keeps an executor with these options from running on this host: hooks and the supervisor that are missing or not
// executable, unix users that do not exist, and the like. Empty: nothing.
std::vector<std::string> host_problems(const Options& options);

} // namespace rcq::executor
