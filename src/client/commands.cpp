#include "client/commands.hpp"

namespace rcq::client {

void add_commands(Commands& commands) {
    add_queue_command(commands);
    add_logs_command(commands);
    add_wait_command(commands);
    add_top_command(commands);
}

} // namespace rcq::client
