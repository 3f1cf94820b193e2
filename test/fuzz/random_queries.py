#!/usr/bin/python3
"""Random queries on what users and administrators can read, made by sqlsmith out of the catalog.

    test/fuzz/random_queries.py [--queries N] [--seed N]     RCQ_PG_CONFIG as for the other suites

Each query is run by an ordinary user and by an administrator, then explained. What is a finding: a crash, an internal error, a word of
somebody else's secrets in what an ordinary user sees: rows, errors, plans, notices of a function that looks at every row it is given,
statistics. Exits with 1 when there is one."""
import argparse
import os
import random
import re
import subprocess
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import harness  # noqa: E402
import psycopg2  # noqa: E402
from world import SECRETS, SESAME, World  # noqa: E402

# as whoever may read the views and nothing else, so that the queries are about them
GENERATOR = "rcq_fuzz_generator"
LEAK = """CREATE FUNCTION pg_temp.look(value anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'saw %', value; RETURN true; END $$"""


def generated(world, number, seed):
    """So many statements of sqlsmith."""
    db, server = world.db, world.server
    db.sql(f"CREATE ROLE {GENERATOR} LOGIN")
    db.roles.append(GENERATOR)
    for schema in ("rcq", "rcq_api"):
        db.sql(f"GRANT USAGE ON SCHEMA {schema} TO {GENERATOR}")
        db.sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {GENERATOR}")
    target = f"host={server.dir} port={server.port} dbname={db.name} user={GENERATOR}"
    made = subprocess.run(["sqlsmith", f"--target={target}", "--exclude-catalog", "--dry-run", f"--max-queries={number}", f"--seed={seed}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    db.sql(f"DROP OWNED BY {GENERATOR}")
    return [query.strip() for query in made.stdout.decode("utf-8", "replace").split(";\n") if query.strip()]


class Reader:
    """Somebody who asks; what is found goes into `findings`."""

    def __init__(self, world, who, findings):
        self._world, self._who, self._findings = world, who, findings
        self.answered, self.refused, self.secrets = 0, 0, set()
        self._connection = world.connect(who)
        self._connection.autocommit = True
        self._ask("SET statement_timeout = '3s'")

    def _find(self, what, query, detail):
        self._findings.setdefault((what, self._who, re.sub(r"\d+", "#", detail)[:100]), f"{what}, as {self._who}: {detail[:500]}\n    {query[:1500]}")

    def _look(self, query, seen):
        self.secrets |= {kind for kind in SECRETS if self._world.secret(kind) in seen}
        if self._who != "admin" and SESAME in seen:
            self._find("secret", query, seen[max(0, seen.index(SESAME) - 200):])

    def _ask(self, query):
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("BEGIN; " + query if not query.startswith(("SET", "CREATE")) else query)
                rows = cursor.fetchmany(500) if cursor.description else []
            self.answered += 1
            self._look(query, str(rows))
        except psycopg2.Error as error:
            self.refused += 1
            self._look(query, str(error))
            if error.pgcode is None and not isinstance(error, psycopg2.ProgrammingError):
                self._find("crash", query, str(error))
            elif error.pgcode and error.pgcode.startswith("XX"):
                self._find(error.pgcode, query, f"{error} ({error.diag.source_file}:{error.diag.source_function}) {error.diag.message_detail} {error.diag.context}")
        except (ValueError, OverflowError):
            pass  # what Python cannot represent: dates of great age
        finally:
            self._look(query, "".join(self._connection.notices))
            self._connection.notices.clear()
            if not self._connection.closed and not query.startswith(("SET", "CREATE")):
                with self._connection.cursor() as cursor:
                    cursor.execute("ROLLBACK")

    def run(self, query):
        self._ask(query)
        self._ask("EXPLAIN (VERBOSE, COSTS OFF) " + query)

    def peep(self):
        """Each column of each view, by a function that is cheap to call and tells all that it is called with; and by errors."""
        self._ask(LEAK)
        columns = self._world.db.sql("""SELECT a.attrelid::regclass::text AS view, quote_ident(a.attname) AS name, format_type(a.atttypid, NULL) AS type FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                                         WHERE c.relnamespace::regnamespace::text IN ('rcq', 'rcq_api') AND c.relkind = 'v' AND a.attnum > 0 AND a.attname <> 'rank'""")
        for column in columns:
            view, name = column["view"], column["name"]
            self._ask(f"SELECT count(*) FROM {view} WHERE pg_temp.look({name})")
            self._ask(f"SELECT count(*) FROM {view} v WHERE ({name})::text::pg_catalog.int4 = 1")
            self._ask(f"EXPLAIN (ANALYZE, VERBOSE, TIMING OFF) SELECT * FROM {view} WHERE pg_temp.look({name})")
            self._ask(f"SELECT pg_catalog.string_agg(v::text, '') FROM {view} v")
            if column["type"] == "bigint":
                self._ask(f"SELECT count(*) FROM {view} WHERE {name} IN (SELECT i FROM pg_catalog.generate_series(1, 200) i) AND pg_temp.look({name})")
        for query in ("SELECT * FROM pg_catalog.pg_stats WHERE schemaname LIKE 'rcq%'", "SELECT * FROM pg_catalog.pg_stats_ext", "SELECT * FROM pg_catalog.pg_stat_activity", "SELECT * FROM pg_catalog.pg_prepared_statements",
                      "SELECT * FROM pg_catalog.pg_statistic", "SELECT * FROM pg_catalog.pg_settings WHERE name LIKE 'rcq%'", "SELECT * FROM pg_catalog.pg_locks", "TABLE rcq_private.job", "TABLE rcq_private.audit", "TABLE rcq_private.credential"):
            self._ask(query)
        for job in range(1, 80):
            for call in (f"rcq.logs({job})", f"rcq.logs_raw({job})", f"rcq.log_chunks({job}, 0, 0)", f"rcq.job_states(ARRAY[{job}])", f"rcq.explain({job})", f"rcq.tasks({job})", f"rcq.task({job}, 1)", f"rcq.resubmit(ARRAY[{job}])", f"rcq.cancel({job})", f"rcq.requeue({job})", f"rcq.submit('true', depends_on => 'afterok:{job}')"):
                self._ask(f"SELECT * FROM {call}")


def run(server, number, seed):
    findings = {}
    world = World(server, "random_queries")
    try:
        world.start()
        harness.wait_for(lambda: world.db.one("SELECT count(*) FROM rcq_private.outcome WHERE token IS NOT NULL") >= 8, "jobs have ended", 60)
        assert not world.stop(), "an executor was ended by an error"
        world.db.sql("ANALYZE")
        queries = generated(world, number, seed)
        readers = [Reader(world, who, findings) for who in ("user", "admin")]
        for reader in readers:
            reader.peep()
        for query in queries:
            for reader in readers:
                reader.run(query)
        unseen = {"script", "name", "log", "result", "message", "project", "tag", "schedule", "disabled"} - readers[1].secrets
        if unseen:
            findings["unseen"] = f"the search itself: an administrator did not see {unseen} anywhere"
    finally:
        world.drop()
    return list(findings.values()), f"{len(queries)} queries of sqlsmith; answered {[reader.answered for reader in readers]}, refused {[reader.refused for reader in readers]}"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--queries", type=int, default=1000)
    options.add_argument("--seed", default=str(random.randrange(10 ** 6)))
    chosen = options.parse_args()
    with harness.watched_server(fsync="off", log_min_error_statement="panic") as server:
        found, done = run(server, chosen.queries, chosen.seed)
    print("\n".join([*found, done, f"{len(found)} findings with seed {chosen.seed}"]))
    sys.exit(1 if found or done.startswith("0 queries") else 0)


if __name__ == "__main__":
    main()
