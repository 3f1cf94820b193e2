// Every subcommand, each in a file of its own.
#pragma once
#include "client/command.hpp"

namespace rcq::client {

void add_queue_command(Commands& commands);
void add_logs_command(Commands& commands);
void add_wait_command(Commands& commands);
void add_top_command(Commands& commands);

} // namespace rcq::client
