// The launcher: one process per server that sees to it that each database with the extension has a scheduler.
#pragma once

namespace rcq::pg {

void register_launcher();

} // namespace rcq::pg
