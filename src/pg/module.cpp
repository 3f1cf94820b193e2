// Entry of the library.
#include "database_commands.hpp"
#include "guard.hpp"
#include "guc.hpp"
#include "launcher.hpp"
#include "rate_limits.hpp"
#include "shared.hpp"

extern "C" {
#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "rcq", .version = "0.1");
#else
PG_MODULE_MAGIC;
#endif
PGDLLEXPORT void _PG_init(void);
}

extern "C" void _PG_init(void) {
    // Loaded later than at server start, every function that needs the scheduler answers RC011.
    if (!process_shared_preload_libraries_in_progress) return;
    rcq::pg::guc::define();
    rcq::pg::install_shared_memory_hooks();
    rcq::pg::install_rate_limit_hooks();
    if (IsBinaryUpgrade) return;
    rcq::pg::install_database_command_hook();
    rcq::pg::register_launcher();
}
