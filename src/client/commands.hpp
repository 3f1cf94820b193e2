// Every subcommand, each in a file of its own (those that do something to jobs are in changes.cpp).
#pragma once
#include "client/command.hpp"

namespace rcq::client {

void add_submit_command(Commands& commands);
void add_queue_command(Commands& commands);
void add_logs_command(Commands& commands);
void add_wait_command(Commands& commands);
void add_top_command(Commands& commands);
void add_show_command(Commands& commands);
void add_explain_command(Commands& commands);
void add_cancel_command(Commands& commands);
void add_hold_command(Commands& commands);
void add_release_command(Commands& commands);
void add_priority_command(Commands& commands);
void add_update_command(Commands& commands);
void add_requeue_command(Commands& commands);
void add_resubmit_command(Commands& commands);
void add_history_command(Commands& commands);
void add_efficiency_command(Commands& commands);

} // namespace rcq::client
