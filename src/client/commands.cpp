#include "client/commands.hpp"

namespace rcq::client {

void add_commands(Commands& commands) {
    add_submit_command(commands);
    add_queue_command(commands);
    add_show_command(commands);
    add_explain_command(commands);
    add_logs_command(commands);
    add_wait_command(commands);
    add_top_command(commands);
    add_cancel_command(commands);
    add_hold_command(commands);
    add_release_command(commands);
    add_priority_command(commands);
    add_update_command(commands);
    add_requeue_command(commands);
    add_resubmit_command(commands);
    add_history_command(commands);
    add_efficiency_command(commands);
}

} // namespace rcq::client
