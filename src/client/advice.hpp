// What the server advises, which speaks SQL, in the words of this command.
#pragma once
#include <string>

namespace rcq::client {

// "Release it: SELECT rcq.release(46)." as "Release it: rcq release 46.". Calls that the command has nothing for stay
// as they are.
std::string as_commands(const std::string& text);
// The same about a task, which people call 41_10 and the server 46.
std::string as_commands(const std::string& text, const std::string& id, const std::string& label);

} // namespace rcq::client
