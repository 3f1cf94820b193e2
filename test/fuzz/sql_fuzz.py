#!/usr/bin/python3
"""Calls every SQL function as everybody with what nobody would pass, while work goes on; and does to the views what users may not.

    test/fuzz/sql_fuzz.py [--seconds N] [--seed N] [--sessions N] [--only PATTERN]     RCQ_PG_CONFIG as for the other suites

A third of the time each in databases of the encodings UTF8, LATIN1 and SQL_ASCII. What is a finding: a crash, an internal error, a
failed serialisation or deadlock that leaves a function, anything that takes longer than 10 s, an error of SQL's own where a function
should have said what is wrong, a right that somebody should not have, a scheduler that fails or stops, books that do not balance.
Exits with 1 when there is one. Which calls are made follows from the seed; what they meet depends on the time they take."""
import argparse
import contextlib
import io
import os
import random
import re
import sys
import threading
import time
import traceback

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import books  # noqa: E402
import harness  # noqa: E402
import psycopg2  # noqa: E402
from values import FIELDS, TEXTS, Values, literal  # noqa: E402
from world import ROLES, SESAME, World  # noqa: E402

SCHEMAS = "('rcq', 'rcq_api', 'rcq_rest', 'rcq_private')"
ENCODINGS = ("UTF8", "LATIN1", "SQL_ASCII")
# Whatever a function was called with, it may answer so: what rcq says itself, wrong values, no right, too much, read-only
# transactions; 0A000 is what PostgreSQL says of triggers that are called.
FAIR = re.compile(r"RC\d\d\d|22...|42501|54...|53...|25006|0A000|PGRST")
WAITS = {"executor_log_position", "executor_log", "executor_progress", "register_executor", "executor_drain", "executor_sign_off"}  # 55P03: executors ask again
# Functions that nobody but superusers can call trust who calls them: a row that cannot be is refused by its table, and what is told to
# go on for ever does. What they never may:
FOUL = re.compile(r"XX...|40...|57P..|58...|P0004|F0...")
# Roles of the whole cluster come of these, or people who are to go on as they are: undone whoever calls them.
UNDONE = {"create_executor_login", "add_user", "set_user", "set_http_password", "drop_type", "register_type"}


class Function:
    def __init__(self, row):
        self.schema, self.name, self.kind = row["schema"], row["name"], row["result"]
        self.arguments = list(zip(row["names"] or [""] * len(row["types"]), row["types"]))
        self.defaults, self.variadic = row["defaults"], row["variadic"]
        self.label = f"{self.schema}.{self.name}"
        self.callers = set(row["callers"])

    def call(self, values):
        """The call with arguments of random value; trailing ones with a default are now and then left out, or some named."""
        least = len(self.arguments) - self.defaults
        named = self.defaults and all(name for name, _ in self.arguments) and values.dice.random() < 0.7
        given = []
        for position, (name, type_name) in enumerate(self.arguments):
            if position >= least and values.dice.random() < (0.75 if named else 0.3):
                if not named:
                    break
                continue
            value = values.of(type_name, name)
            given.append(f'"{name}" => {value}' if named and position >= least else value)
        if self.variadic and given and len(given) == len(self.arguments):
            given[-1] = "VARIADIC " + given[-1]
        return f'{self.schema}."{self.name}"(' + ", ".join(given) + ")", [item.split(" => ", 1)[-1].removeprefix("VARIADIC ") for item in given]

    def is_named_by(self, text, arguments):
        """Whether an error says which argument is meant, or shows what it was."""
        said = text.lower()
        names = {name for name, _ in self.arguments if name} | set(FIELDS)
        if any(name.lower() in said or name.lower().replace("_", " ") in said for name in names):
            return True
        shown = [part for argument in arguments for part in re.findall(r"[\w.@:/-]+", argument.split("::")[0])]
        return any(part.lower() in said for part in shown) or "null" in said


class Fuzz:
    """One database of one encoding, fuzzed by several sessions at a time."""

    def __init__(self, world, seed, sessions, only=""):
        self.world, self.seed, self.sessions = world, seed, sessions
        self.findings, self.calls, self.errors = {}, 0, 0
        self._lock, self.healing = threading.Lock(), threading.Lock()
        self.functions = [function for function in map(Function, world.db.sql(self._catalog())) if re.search(only, function.label)]
        self.views = [row["v"] for row in world.db.sql(f"SELECT c.oid::regclass::text AS v FROM pg_class c WHERE c.relnamespace::regnamespace::text IN {SCHEMAS} AND c.relkind = 'v' ORDER BY 1")]
        columns = world.db.sql(f"""SELECT a.attrelid::regclass::text AS type, a.attname AS name, format_type(a.atttypid, NULL) AS of FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                                    WHERE c.relnamespace::regnamespace::text IN {SCHEMAS} AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('c', 'r', 'p', 'v') ORDER BY a.attrelid, a.attnum""")
        self.types = {}
        for column in columns:
            self.types.setdefault(column["type"], []).append((column["name"], column["of"]))
        self.inbox = self.types["rcq.inbox"]
        self.known = world.known()

    def _catalog(self):
        who = ", ".join(f"('{name}', {literal(login)})" for name, login in self.world.logins.items()) + ", ('nobody', 'rcq_anon')"
        return f"""
            SELECT n.nspname AS schema, p.proname AS name, p.prorettype::regtype::text AS result, p.pronargdefaults AS defaults, p.provariadic <> 0 AS variadic, 
                   ARRAY(SELECT a.name FROM unnest(p.proargnames, COALESCE(p.proargmodes, pg_catalog.array_fill('i'::"char", ARRAY[p.pronargs]))) WITH ORDINALITY a(name, mode, i) WHERE a.mode IN ('i', 'b', 'v') ORDER BY a.i)::text[] AS names,
                   ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, i) ORDER BY i) AS types,
                   ARRAY(SELECT w.name FROM (VALUES {who}) w(name, login) WHERE has_function_privilege(w.login, p.oid, 'EXECUTE') AND has_schema_privilege(w.login, n.oid, 'USAGE')) AS callers
              FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN {SCHEMAS} ORDER BY p.oid::regprocedure::text"""

    def find(self, what, where, statement, detail):
        with self._lock:
            self.findings.setdefault((what, where, re.sub(r"\d+", "#", str(detail))[:100]), f"{what}: {where}\n    {detail}\n    {statement[:600]}")

    def run(self, seconds):
        mark = self.world.log_size()
        self.world.start()
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=self._session, args=(number, end)) for number in range(self.sessions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        crashed = harness.CRASH.search(self.world.log_since(mark))
        if crashed:
            self.find("crash", "the server", "", crashed[0])
            return
        self._afterwards(mark)

    def _session(self, number, end):
        try:
            self._work(number, end)
        except Exception:  # pylint: disable=broad-except
            self.find("the fuzzer itself", f"session {number}", "", traceback.format_exc())

    def _work(self, number, end):
        dice = random.Random(f"{self.seed}-{self.world.encoding}-{number}")
        session = Session(self, Values(dice, self.known, self.types, self.world.encoding))
        everything = [(function, who) for function in self.functions for who in ROLES]
        mine = everything[number::self.sessions]
        dice.shuffle(mine)
        while time.monotonic() < end and not any(key[0] == "crash" for key in self.findings):
            roll = dice.random()
            if mine and roll < 0.6:
                session.call(*mine.pop())
            elif roll < 0.93:
                function = dice.choice(self.functions)
                session.call(function, dice.choice(sorted(function.callers) if dice.random() < 0.95 else ROLES))
            elif roll < 0.96:
                session.copy(dice.choice(("user", "admin", "other", "stranger", "executor")))
            elif roll < 0.975:
                session.submit()
            elif roll < 0.99:
                session.change_view(dice.choice(self.views), dice.choice(ROLES[1:]))
            else:
                session.set_parameter(dice.choice(ROLES))
        session.close()

    def _afterwards(self, mark):
        """Everything still works: what is left ends, counts agree, a new job runs."""
        world, db = self.world, self.world.db
        world.make_well()
        for failure in world.restart():
            if not re.fullmatch(r"RC\d\d\d", failure.pgcode or "none"):  # an administrator removed it, or somebody spoke for it
                self.find(failure.pgcode or "crash", "an executor", "", failure)
        for row in db.sql("SELECT l.job_id FROM rcq_private.live l WHERE l.array_id IS NULL AND l.claimed_at IS NULL OR l.tasks_waiting IS NOT NULL"):
            with contextlib.suppress(psycopg2.Error):  # it has ended meanwhile
                db.sql("SELECT rcq.cancel(%s)", row["job_id"])
        left = "SELECT count(*) FROM rcq_private.live"
        try:
            db.sql("SELECT rcq_private.definitions_changed()")
            harness.wait_for(lambda: db.one(left) == 0, "all jobs end", 90)
            books.at_rest(db)
            harness.wait_for(lambda: db.one("SELECT count(*) FROM rcq_private.command") == 0 and db.one("SELECT count(*) FROM rcq_private.dependency") == 0, "commands and dependencies are gone", 30)
            db.ended(db.submit("true", cpu_cores=8, memory_gb=64, gpu_count=2, exclusive=True, user=world.logins["user"]), 60)
        except (AssertionError, psycopg2.Error) as error:
            self.find("standstill", "the scheduler", "", f"{error}; left: {db.sql('SELECT * FROM rcq_private.live LIMIT 3')}")
        for line in books.audit(db):
            self.find("books", line.split(":")[0], "", line)
        for failure in world.stop():
            self.find("ended", "an executor that nobody disturbed", "", failure)
        for line in re.findall(r"rcq scheduler(?:,[^:]*)?: (?!out of shared memory).*|rcq: .* failed: .*", world.log_since(mark)):  # of locks, which a call had taken all
            self.find("logged", "the scheduler", "", line)


class Session:
    """One thread with a connection per role."""

    MODES = ("plain", "undone", "subtransaction", "caught", "cursor", "read only", "serializable", "several", "pair")

    def __init__(self, fuzz, values):
        self.fuzz, self.values, self.dice = fuzz, values, values.dice
        self._connections = {}

    def close(self):
        for connection in self._connections.values():
            connection.close()

    def _connection(self, who):
        if who not in self._connections or self._connections[who].closed:
            connection = self._connections[who] = self.fuzz.world.connect(who)
            # the server converts nothing that comes from SQL_ASCII, and Python reads any byte as LATIN1
            connection.set_client_encoding("LATIN1" if self.fuzz.world.encoding == "SQL_ASCII" else "UTF8")
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = '10s'")
        return self._connections[who]

    @staticmethod
    def _rows(cursor):
        try:
            return cursor.fetchall() if cursor.description else []
        except OverflowError:  # an interval or a time that Python has no type for
            return []

    def _execute(self, who, *statements):
        """The rows of the last statement; the first error ends it, and the transaction."""
        connection = self._connection(who)
        with connection.cursor() as cursor:
            try:
                for statement in statements:
                    cursor.execute(statement.encode("utf-8", "surrogatepass"))
                rows = self._rows(cursor)
                self._look_for_secrets(who, statements, str(rows))
            except psycopg2.Error as error:
                self._look_for_secrets(who, statements, str(error))
                if not connection.closed:
                    cursor.execute("ROLLBACK")
                raise
        return rows

    def _look_for_secrets(self, who, statements, seen):
        if who in ("user", "manager", "stranger", "nobody") and SESAME in seen:
            self.fuzz.find("secret", who, "; ".join(statements), seen[max(0, seen.index(SESAME) - 200):][:400])

    def call(self, function, who):
        call, arguments = function.call(self.values)
        keeps = function.schema != "rcq_private" and function.name not in UNDONE
        mode = self.dice.choice(self.MODES if keeps else [mode for mode in self.MODES if mode not in ("plain", "caught", "several")])
        finish = "COMMIT" if keeps and self.dice.random() < 0.7 else "ROLLBACK"
        once = f"SELECT * FROM {call} AS result" if not function.kind == "trigger" else f"SELECT {call}"
        again = f"SELECT {function.call(self.values)[0]}"
        ways = {
            "plain": [once], "undone": ["BEGIN", once, "ROLLBACK"], "several": [f"SELECT {call} FROM pg_catalog.generate_series(1, 3)"],
            "subtransaction": ["BEGIN", "SAVEPOINT a", once, "ROLLBACK TO a", once, "RELEASE a", finish],
            "caught": [f"DO $do$ BEGIN PERFORM * FROM {call} AS result; EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END $do$"],
            "cursor": ["BEGIN", f"DECLARE c CURSOR FOR {once}", "FETCH 1 FROM c", "FETCH ALL FROM c", finish],
            "read only": ["BEGIN READ ONLY", once, "COMMIT"],
            "serializable": [f"BEGIN ISOLATION LEVEL {self.dice.choice(('SERIALIZABLE', 'REPEATABLE READ'))}", "SELECT 1", once, finish],
            "pair": ["BEGIN", once, again, finish],
        }
        statements = ways[mode]
        if function.schema == "rcq_rest":
            statements = ["BEGIN", once, "SELECT pg_catalog.current_setting('response.status', true)"]
        text = f"as {who}: " + "; ".join(statements)
        begin = time.monotonic()
        try:
            rows = self._execute(who, *statements)
            if function.schema == "rcq_rest":
                self._execute(who, finish)
                if rows and rows[0][0] and rows[0][0].isdigit() and int(rows[0][0]) >= 500:
                    self.fuzz.find("status", function.label, text, rows[0][0])
            if mode == "caught":
                self._judge_notices(function, who, text, arguments)
            elif who not in function.callers:
                self.fuzz.find("allowed", function.label, text, f"{who} could call it")
        except psycopg2.Error as error:
            self.fuzz.errors += 1
            self._judge(function, who, text, arguments, error)
        except (UnicodeError, ValueError) as error:
            self.fuzz.find("unreadable", function.label, text, error)
        if time.monotonic() - begin > 10 * len(statements):
            self.fuzz.find("slow", function.label, text, "")
        self.fuzz.calls += 1

    def _judge_notices(self, function, who, text, arguments):
        notices = self._connection(who).notices
        for notice in notices:
            said = re.match(r"NOTICE:\s+(\w{5}) (.*)", notice, re.S)
            if said:
                self._judge_state(function, who, text, arguments, said[1], said[2], caught=True)
        notices.clear()

    def _judge(self, function, who, text, arguments, error):
        if error.pgcode is None:
            self.fuzz.find("crash", function.label, text, error)
            return
        said = " ".join(filter(None, (error.diag.message_primary, error.diag.message_detail, error.diag.message_hint)))
        self._judge_state(function, who, text, arguments, error.pgcode, said)

    def _judge_state(self, function, who, text, arguments, state, said, caught=False):
        if function.schema == "rcq_private" and who in function.callers:
            # fail() raises what it is told to; a route that sets a header which cannot be is at fault, and answers 500
            if FOUL.fullmatch(state) and function.name not in ("fail", "set_header"):
                self.fuzz.find(state, function.label, text, said)
        elif not FAIR.fullmatch(state) and not (state == "55P03" and function.name in WAITS) and not self._is_of_arguments(who, arguments):
            self.fuzz.find(state, function.label, text, said)
        elif who not in function.callers and state != "42501" and not self._is_of_arguments(who, arguments):
            self.fuzz.find("refused otherwise", function.label, text, f"{state} {said}")
        elif who in function.callers and state == "42501" and function.schema == "rcq":
            self.fuzz.find("no right to what it needs", function.label, text, said)
        elif function.schema == "rcq" and re.match("22|RC001", state) and not caught and not function.is_named_by(said, arguments) and not self._is_of_arguments(who, arguments):
            self.fuzz.find("vague", function.label, text, f"{state} {said}")

    def _is_of_arguments(self, who, arguments):
        """Whether the arguments alone cannot be had: a text that is no JSON, too deep a one."""
        try:
            self._execute(who, "SELECT " + ", ".join(arguments or ["1"]))
        except psycopg2.Error:
            return True
        except (UnicodeError, ValueError):
            pass
        return False

    def submit(self):
        """Work that can be done, and what keeps it from being done taken back."""
        if self.dice.random() < 0.2:
            with self.fuzz.healing:
                self.fuzz.world.make_well()
        with contextlib.suppress(psycopg2.Error):
            self._execute(self.dice.choice(("user", "other", "admin")), "SELECT rcq.submit('true', max_retries => 2) FROM pg_catalog.generate_series(1, 10)", "SELECT rcq.submit('true', \"array\" => '1-9%4')")

    def copy(self, who):
        """Rows for rcq.inbox, as COPY takes them."""
        columns = self.dice.sample(self.fuzz.inbox, self.dice.randrange(1, 8))
        if self.dice.random() < 0.7 and "script" not in dict(columns):
            columns.append(("script", "text"))
        dice, known = self.dice, self.fuzz.known
        field = lambda name: str(dice.choice(["\\N", *known.get(name, ["\\N"]), *TEXTS, "5", "{}", "{a,NULL}", "{\"a\": 1}", "1 hour", "infinity", "2100-01-01", "[1:2]={a,b}", "{{a},{b}}", "x" * 100000])).replace("\n", "\\n").replace("\t", "\\t")  # noqa: E731
        lines = "".join("\t".join("true" if name == "script" and dice.random() < 0.8 else field(name) for name, _ in columns) + "\n" for _ in range(dice.choice([0, 1, 2, 20, 1500])))
        statement = "COPY rcq.inbox (" + ", ".join(f'"{name}"' for name, _ in columns) + ") FROM STDIN"
        connection = self._connection(who)
        try:
            with connection.cursor() as cursor:
                cursor.copy_expert(statement, io.BytesIO(lines.encode("utf-8") + (b"\xff\xc3\n" if dice.random() < 0.05 else b"")))
        except psycopg2.Error as error:
            self.fuzz.errors += 1
            if error.pgcode is None or not re.fullmatch(FAIR.pattern + "|22P04", error.pgcode):
                self.fuzz.find(error.pgcode or "crash", "rcq.inbox", f"as {who}: {statement} {lines[:300]!r}", error)
        else:
            if who in ("stranger", "executor"):
                self.fuzz.find("allowed", "rcq.inbox", statement, f"{who} could copy into it")
        self.fuzz.calls += 1

    def change_view(self, view, who):
        column, type_name = self.dice.choice(self.fuzz.types[view])
        statement = self.dice.choice((f"INSERT INTO {view} DEFAULT VALUES", f'UPDATE {view} SET "{column}" = NULL', f"DELETE FROM {view}", f"TRUNCATE {view}", f"COPY {view} FROM PROGRAM 'true'", f"DROP VIEW {view}", f'INSERT INTO {view} ("{column}") VALUES ({self.values.of(type_name, column)})',
                                      f"CREATE OR REPLACE RULE x AS ON INSERT TO {view} DO INSTEAD NOTHING", f"LOCK {view}", f"CREATE TRIGGER x INSTEAD OF UPDATE ON {view} FOR EACH ROW EXECUTE FUNCTION rcq_private.inbox()", f"ALTER VIEW {view} SET (security_barrier = false)"))
        try:
            self._execute(who, "BEGIN", statement, "ROLLBACK")
        except psycopg2.Error as error:
            self.fuzz.errors += 1
            # what cannot be changed at all says so before it asks for rights
            if error.pgcode is None or not re.fullmatch(FAIR.pattern + "|55000|42809|428C9|42846|42804|RC...|0LP01|42P17|42P16|42501|2F...|0A000", error.pgcode):
                self.fuzz.find(error.pgcode or "crash", view, f"as {who}: {statement}", error)
        else:
            if not (view == "rcq.inbox" and statement.startswith("INSERT")) and not statement.startswith("LOCK"):
                self.fuzz.find("allowed", view, f"as {who}: {statement}", f"{who} could do that")
        self.fuzz.calls += 1

    def set_parameter(self, who):
        name = self.dice.choice(("enabled", "scheduler_interval", "plan_budget", "max_databases", "max_executors", "nothing", "debug_point"))
        statement = self.dice.choice((f"SET rcq.{name} = 'off'", f"SET LOCAL rcq.{name} = '1'", f"SELECT pg_catalog.set_config('rcq.{name}', {literal(self.values.sayable(self.dice.choice(TEXTS)))}, false)", f"RESET rcq.{name}"))
        try:
            self._execute(who, "BEGIN", statement, "ROLLBACK")
        except psycopg2.Error as error:
            if error.pgcode not in ("55P02", "42501", "42602", "42704"):
                self.fuzz.find(error.pgcode or "crash", f"rcq.{name}", f"as {who}: {statement}", error)
        else:
            self.fuzz.find("allowed", f"rcq.{name}", f"as {who}: {statement}", f"{who} could set it")
        self.fuzz.calls += 1


def run(server, seconds, seed, sessions=3, only="", encodings=ENCODINGS):
    """The findings as texts, and how much was done."""
    found, done = [], []
    for encoding in encodings:
        world = World(server, f"f_{encoding.lower()}", encoding)
        fuzz = Fuzz(world, seed, sessions, only)
        try:
            fuzz.run(seconds / len(encodings))
        except Exception:  # pylint: disable=broad-except
            found.append(f"[{encoding}] the fuzzer itself: {traceback.format_exc()}")
        else:
            done.append(f"{encoding}: {fuzz.calls} calls of {len(fuzz.functions)} functions, {fuzz.errors} refused, {world.runs} runs meanwhile")
        found += [f"[{encoding}] {text}" for text in fuzz.findings.values()]
        with contextlib.suppress(psycopg2.Error):  # of a server that has just crashed
            world.drop()
        if any(what == "crash" for what, _, _ in fuzz.findings):
            break
    return found, done


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", default=str(random.randrange(10 ** 6)))
    options.add_argument("--sessions", type=int, default=3)
    options.add_argument("--only", default="", help="functions whose schema.name has a match of this pattern")
    options.add_argument("--encoding", choices=ENCODINGS, action="append", help="only this one")
    chosen = options.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    with harness.watched_server(fsync="off", log_min_error_statement="panic", max_prepared_transactions="2") as server:
        found, done = run(server, chosen.seconds, chosen.seed, chosen.sessions, chosen.only, chosen.encoding or ENCODINGS)
    print("\n".join(found + done))
    print(f"{len(found)} findings with seed {chosen.seed}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
