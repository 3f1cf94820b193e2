// A scheduler is connected to its database, and a connection blocks DROP DATABASE, RENAME, SET TABLESPACE and CREATE
// DATABASE ... TEMPLATE. This hook stops the scheduler before such a command and lets it start again afterwards.
#pragma once

namespace rcq::pg {

void install_database_command_hook();

} // namespace rcq::pg
