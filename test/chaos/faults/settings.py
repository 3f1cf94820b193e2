"""Settings that somebody makes for a database or for everybody's sessions, and settings of rcq, changed under load."""
import harness
from faults import fault

# With these everything goes on.
HOSTILE = {
    "search_path": "hostile, public", "default_transaction_isolation": "serializable", "default_transaction_deferrable": "on", "TimeZone": "Pacific/Chatham",
    "DateStyle": "German", "IntervalStyle": "sql_standard", "bytea_output": "escape", "extra_float_digits": "-15", "array_nulls": "off",
    "transform_null_equals": "on", "standard_conforming_strings": "off", "quote_all_identifiers": "on", "xmlbinary": "hex", "jit_above_cost": "0",
    "plan_cache_mode": "force_custom_plan", "work_mem": "64kB", "enable_indexscan": "off", "enable_nestloop": "off", "enable_bitmapscan": "off",
    "enable_seqscan": "off", "enable_partition_pruning": "off", "constraint_exclusion": "on", "geqo_threshold": "2", "synchronous_commit": "off",
    "max_parallel_workers_per_gather": "8", "parallel_setup_cost": "0", "min_parallel_table_scan_size": "0", "client_min_messages": "debug1",
    "check_function_bodies": "off", "lo_compat_privileges": "on", "default_toast_compression": "pglz", "temp_buffers": "800kB", "cursor_tuple_fraction": "0",
    "log_statement": "all", "log_min_duration_statement": "0", "track_activities": "off", "max_stack_depth": "100kB", "session_replication_role": "replica",
    "force_parallel_mode": "regress", "debug_parallel_query": "regress",
}
# With these sessions cannot do their work, and the scheduler does its own nevertheless; afterwards everything goes on.
PARALYSING = {"default_transaction_read_only": "on", "statement_timeout": "1ms", "lock_timeout": "1ms", "idle_session_timeout": "20ms",
              "idle_in_transaction_session_timeout": "1ms", "row_security": "off", "role": "hostile_nobody", "default_tablespace": "hostile_nowhere", "transaction_timeout": "1ms"}

# A schema that stands before everybody else's, in which the commonest functions and operators do something else.
HOSTILE_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS hostile;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
CREATE OR REPLACE FUNCTION hostile.raise() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'code of a stranger was run'; END $$;
CREATE OR REPLACE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT hostile.raise()::timestamptz $$;
CREATE OR REPLACE FUNCTION hostile.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT hostile.raise()::timestamptz $$;
CREATE OR REPLACE FUNCTION hostile.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT hostile.raise() $$;
CREATE OR REPLACE FUNCTION hostile.equal(integer, integer) RETURNS boolean LANGUAGE sql AS $$ SELECT hostile.raise()::boolean $$;
CREATE OR REPLACE FUNCTION hostile.equal(bigint, bigint) RETURNS boolean LANGUAGE sql AS $$ SELECT hostile.raise()::boolean $$;
DO $$ BEGIN CREATE OPERATOR hostile.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = hostile.equal); EXCEPTION WHEN duplicate_function THEN END $$;
DO $$ BEGIN CREATE OPERATOR hostile.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = hostile.equal); EXCEPTION WHEN duplicate_function THEN END $$;
DO $$ BEGIN CREATE ROLE hostile_nobody; EXCEPTION WHEN duplicate_object THEN END $$;
"""


def sessions_anew(world):
    """All sessions of the database begin anew, the scheduler too, and so have its settings."""
    world.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type IN ('client backend', 'rcq scheduler')")


def at_work(world, timeout=30):
    harness.wait_for(world.scheduler, "there is a scheduler", timeout)
    harness.wait_for(world.placed_since(), "something is placed", timeout)


def settled(world, statement, settings, meanwhile):
    """For each of these settings: ALTER ... SET, new sessions, what is to be seen meanwhile, ALTER ... RESET."""
    known = {row["name"] for row in world.ask("SELECT name FROM pg_settings UNION SELECT 'role'")}  # to this version of the server
    for name, value in settings.items():
        if name not in known:
            continue
        world.ask(f"{statement} SET {name} = {value if name == 'search_path' else repr(value)}")
        sessions_anew(world)
        try:
            meanwhile(world)
        except AssertionError as error:
            raise AssertionError(f"with {name} = {value}: {error}") from None
        finally:
            world.ask(f"{statement} RESET {name}")
    sessions_anew(world)


@fault("hostile-database", "ALTER DATABASE ... SET of some 40 settings, one after the other, each with new sessions", bound=5)
def hostile_database(world):
    world.ask(HOSTILE_SCHEMA)
    settled(world, f"ALTER DATABASE {world.db.name}", HOSTILE, at_work)
    yield


@fault("hostile-roles", "ALTER ROLE ALL SET of some 40 settings, one after the other, each with new sessions", bound=5)
def hostile_roles(world):
    world.ask(HOSTILE_SCHEMA)
    settled(world, "ALTER ROLE ALL", HOSTILE, at_work)
    yield


def scheduling(world):
    """The scheduler goes through its cycles."""
    harness.wait_for(world.scheduler, "there is a scheduler")
    cycles = world.one("SELECT cycles FROM rcq.scheduler")
    harness.wait_for(lambda: world.one("SELECT cycles FROM rcq.scheduler") > cycles + 1, "the scheduler goes on")


@fault("paralysed-database", "ALTER DATABASE ... SET of what keeps people and executors from working, for a moment each", bound=15)
def paralysed_database(world):
    world.ask(HOSTILE_SCHEMA)
    world.load.expect("42501", "55P03", "RC010", "RC020", "22023")
    settled(world, f"ALTER DATABASE {world.db.name}", PARALYSING, scheduling)
    yield


@fault("settings-of-the-server", "ALTER SYSTEM and reload of every setting of rcq, to its extremes and back", bound=5)
def settings_of_the_server(world):
    rows = world.ask("SELECT name, vartype, min_val, max_val, context FROM pg_settings WHERE name LIKE 'rcq.%%'")
    for row in rows:
        for value in (["off", "on"] if row["vartype"] == "bool" else [row["min_val"], row["max_val"]]):
            world.ask(f"ALTER SYSTEM SET {row['name']} = '{value}'")
            world.ask("SELECT pg_reload_conf()")
            harness.wait_for(lambda: row["context"] != "sighup" or world.one("SELECT setting FROM pg_settings WHERE name = %s", row["name"]) == value, "it is read")
            if value != "off":
                at_work(world)
        world.ask(f"ALTER SYSTEM RESET {row['name']}")
        world.ask("SELECT pg_reload_conf()")
    yield


@fault("settings-of-the-queue", "rcq.set of every setting that is a choice or a switch, to each of its values and back", bound=5)
def settings_of_the_queue(world):
    for row in world.ask("SELECT name, type, choices FROM rcq_private.setting_definition WHERE type IN ('choice', 'boolean') ORDER BY name"):
        for value in row["choices"] or ["off", "on"]:
            world.ask("SELECT rcq.set(%s, %s)", row["name"], value)
            harness.wait_for(world.placed_since(), f"something is placed with {row['name']} = {value}")
        world.ask("SELECT rcq.set(%s, NULL)", row["name"])
    yield
