#include "client/commands.hpp"

namespace rcq::client {

void add_commands(Commands& commands) { add_queue_command(commands); }

} // namespace rcq::client
