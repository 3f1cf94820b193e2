"""Values that nobody would pass, as SQL expressions: the extremes of every type that a function takes, and beside them what exists
in the database, so that calls reach beyond their first check."""

BIG = [0, 1, -1, 2, 7, 10, 100, 2 ** 31 - 1, -2 ** 31, 2 ** 31, 2 ** 53, 2 ** 63 - 1, -2 ** 63]
SMALL = ["0", "1", "(-1)", "32767", "(-32768)"]
WHOLE = ["0", "1", "2", "3", "5", "10", "(-1)", "1000", "100000", "2147483647", "(-2147483648)"]
NUMERIC = ["0", "0.5", "1", "(-1)", "1e-30", "1e30", "'NaN'", "'Infinity'", "'-Infinity'", "123456789012345678901234567890.123", "0.1", "24", "1e15", "pg_catalog.repeat('9', 131072)", "2048"]
FLOAT = ["0", "1", "(-1)", "0.5", "'NaN'", "'Infinity'", "'-Infinity'", "1e308", "5e-324", "1e15", "'-0'"]
TIMES = ["pg_catalog.now()", "'infinity'", "'-infinity'", "'4714-11-24 00:00:00+00 BC'", "'294276-12-31 23:59:59+00'", "'2000-01-01'", "'epoch'", "pg_catalog.now() + '1 minute'", "pg_catalog.now() - '1 day'",
         "'2026-03-29 02:30:00 Europe/Berlin'", "'0001-01-01'"]
INTERVALS = ["'0'", "'1 second'", "'-1 second'", "'1 microsecond'", "'178000000 years'", "'-178000000 years'", "'1 month'", "'-1 month 30 days'", "'9223372036854775807 microseconds'", "'2147483647 days'",
             "'2147483647 months'", "'-2147483648 days'", "'1 hour'", "'1 month -40 days'", "'290000 years'", "'2 hours 30 minutes'"]
HUGE = ["pg_catalog.repeat('x', 1000000)", "pg_catalog.repeat(E'\\n', 100000)", "pg_catalog.repeat('1-2,', 200000)", "pg_catalog.repeat('(', 100000)", "pg_catalog.repeat('a & ', 50000) || 'a'", "pg_catalog.repeat('!', 100000) || 'a'",
        "pg_catalog.repeat('ä', 65)", "pg_catalog.repeat('x', 8192)", "pg_catalog.repeat('* ', 20000)", "pg_catalog.repeat('1', 5000)", "pg_catalog.repeat('%s', 1000)", "pg_catalog.repeat('afterok:1,', 20000)"]
TEXTS = ["", " ", "0", "1", "-1", "x", "NULL", "null", "true", "'", "\"", "\\", "%", "%s%n", "..", "/", "/tmp", "a/../b", "'; DROP SCHEMA rcq CASCADE; --", "$1", "$$", "\x01", "\x7f", "\n", "a\nb", "\t", "\u00a0", "\u202e", "\ufeff", "\ufffd", "ä", "ß", "İ",
         "e\u0301", "\U0001f600", "日本語", "9223372036854775807", "9223372036854775808", "99999999999999999999", "1e309", "NaN", "infinity", "-infinity", "2026-02-30", "now", "1 day", "public", "rcq_private.users", "pg_catalog", "postgres", "rcq_user", "rcq_admin",
         "x" * 63, "x" * 64, "x" * 65, "{}", "[]", "{\"a\": 1}", "[1", "{", "1-", "1-0", "-", ",", "*", ":", "=", "a=b", "1,2", "1:2", "1-3%0", "\\x", "\\xff", "#!/bin/sh", "exit 3"]
NAMED = {  # by the name of an argument: what may be meant
    "array": ["1-3", "1-10:3", "0-9%2", "1,3,5", "7", "1-100000", "2147483647", "0-2147483647", "1-3%0", "1-3,2", "3-1"],
    "spec": ["1-3", "1-10:3%2", "0"], "canonical": ["1-3", "1-10:3", "0"], "selection": ["1", "1-2", "9", "1-3:2"], "tasks": ["1", "2-3", "1-100", "0"],
    "cron": ["* * * * *", "@daily", "@every 5m", "0 0 29 2 *", "0 0 30 2 *", "*/7 * * * *", "@reboot", "0 2 * * 7#1", "L * * * *", "59 23 31 12 6", "@every 0s", "@every 9999999999h"],
    "expression": ["* * * * *", "0 0 29 2 1", "@hourly"],
    "timezone": ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Nowhere", "UTC+3", "posixrules", "Etc/GMT+99", "../../etc/passwd", "localtime"],
    "missed": ["once", "skip", "all"], "overlap": ["allow", "skip", "cancel"],
    "depends_on": ["afterok:1", "afterany:2,afterok:3", "after:1", "afternotok:4", "aftercorr:5", "singleton", "afterok:99999", "afterok:1_2", "afterok:", "afterok:-1", "afterok:9223372036854775808", "1"],
    "on_dependency_failed": ["fail", "wait"], "on_disconnect": ["kill", "continue"],
    "constraints": ["a", "a & b", "!a", "(a | b) & !c", "a &", "&", "a b"], "constraint": ["a", "a & !b", "((a))"],
    "gpu_type": ["a100", "v100", "A100"], "name": ["nightly", "default", "licence", "lease", "align"], "workdir": ["/tmp", "relative", "/a/../b", "/"],
    "retry_backoff": ["constant", "exponential", "linear"], "quota_mode": ["soft", "hard"], "mode": ["finish", "requeue"], "scope": ["read", "submit", "admin", "metrics"],
    "stream": ["stdout", "stderr", "both"], "kind": ["group", "user"], "code": ["RC001", "22023", "", "12", "ZZZZZ", "00000", "ääääää"], "status": ["pending", "running", "failed"],
    "email": ["someone@example.org", "UPPER@EXAMPLE.ORG", "@", "a@b", "someone@example.org "], "password": ["a fine long password", "short"],
    "type": ["add_numbers", "reverse_string", "fuzzed_type", "nothing"], "expected": ["text"], "channel": ["x"], "version": ["0.7"],
}
SETTINGS = ["lease", "lost_after", "claim_timeout", "policy", "fairshare_window", "max_wait", "max_script_bytes", "default_time_limit", "predict_depth", "request_rate_per_user", "password_cost", "backfill", "nothing_of_the_kind"]
FIELDS = ["script", "cpu_cores", "memory_gb", "gpu_count", "estimated_hours", "time_limit", "priority", "max_retries", "name", "workdir", "env", "features", "hold", "requeue", "on_disconnect", "cpu_cores_min", "gpu_type",
          "constraints", "consumables", "exclusive", "preemptible", "concurrency_key", "array", "depends_on", "begin_time", "deadline", "idempotency_key", "project", "tags", "external_id", "on_dependency_failed", "retry_on",
          "retry_delay", "retry_backoff", "retry_max_delay", "retry_jitter", "retry_memory_factor", "type", "payload", "key", "needs", "after", "id", "job_id", "token", "end", "exit_code", "signal", "cpu_seconds", "peak_memory_mib",
          "ended_ago_s", "message", "output_dir", "files", "result", "limit", "offset", "email", "password", "old_password", "new_password", "reason", "value", "cron", "scope", "expires_in", "job", "attempt", "tasks", "on", "exit_codes",
          "memory_mib", "info", "properties", "required", "items", "minimum", "enum", "pattern", "maxLength", "additionalProperties", "max_payload_kb", "status", "group", "user", "jobs", "schedule", "timezone", "options", "until", "mode"]
NULL_ESCAPE = "'{\"script\": \"a\\u0000b\"}'"
DEEP = ["(pg_catalog.repeat('[', 10000) || pg_catalog.repeat(']', 10000))", "(pg_catalog.repeat('{\"script\":', 5000) || '1' || pg_catalog.repeat('}', 5000))",
        "(pg_catalog.repeat('{\"properties\":{\"a\":', 1500) || '{}' || pg_catalog.repeat('}}', 1500))", "(pg_catalog.repeat('{\"items\":', 3000) || '{}' || pg_catalog.repeat('}', 3000))"]


def literal(text):
    """A text as an SQL literal."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Values:
    """Draws arguments. `known` names what there is: jobs, groups, users, executors, incarnations, tokens."""

    def __init__(self, dice, known, types, encoding="UTF8"):
        self.dice, self.known, self.types, self.encoding = dice, known, types, encoding

    def text(self, name):
        roll = self.dice.random()
        meant = NAMED.get(name, []) + self.known.get(name, [])
        if meant and roll < 0.6:
            return literal(self.sayable(self.dice.choice(meant)))
        if roll < 0.7:
            return self.dice.choice(HUGE if self.encoding == "UTF8" else [value for value in HUGE if value.isascii()])
        if roll < 0.8:
            return literal(self.sayable(str(self.dice.choice(self.dice.choice([*NAMED.values(), *self.known.values(), SETTINGS]) or TEXTS))))
        return literal(self.sayable(self.dice.choice(TEXTS)))

    def sayable(self, text):
        """What the encoding of the database can hold; SQL_ASCII holds whatever bytes come."""
        return text.encode("latin-1", "replace").decode("latin-1") if self.encoding == "LATIN1" else text

    def json_value(self, depth=0):
        kind = self.dice.randrange(10 if depth < 4 else 7)
        if kind < 2:
            field = self.dice.choice(FIELDS)
            return self.json_text(self.sayable(self.dice.choice(NAMED.get(field, []) + self.known.get(field, []) or TEXTS)))
        if kind == 2:
            return self.json_text(self.sayable(self.dice.choice(TEXTS)))
        if kind in (3, 4):
            return str(self.dice.choice([*BIG, 0.5, -1.5, "1e400", "1e-400", 10 ** 40, "1e15", 60]))
        if kind == 5:
            return self.dice.choice(["null", "true", "false"])
        if kind == 6:
            return self.dice.choice(["{}", "[]"])
        if kind == 7:
            return "[" + ", ".join(self.json_value(depth + 1) for _ in range(self.dice.randrange(4))) + "]"
        return self.json_object(depth)

    def json_object(self, depth=0):
        fields = [self.dice.choice(FIELDS if self.dice.random() < 0.9 else TEXTS) for _ in range(self.dice.randrange(6))]
        if self.dice.random() < 0.5:
            fields.append("script")
        return "{" + ", ".join(f"{self.json_text(self.sayable(field))}: {self.json_for(field, depth)}" for field in fields) + "}"

    def json_for(self, field, depth):
        if field == "script" and self.dice.random() < 0.8:
            return '"true"'
        meant = NAMED.get(field, []) + self.known.get(field, [])
        if meant and self.dice.random() < 0.5:
            return self.json_text(self.sayable(self.dice.choice(meant)))
        return self.json_value(depth + 1)

    @staticmethod
    def json_text(text):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(letter if letter >= " " else f"\\u{ord(letter):04x}" for letter in escaped) + '"'

    def json(self):
        """An SQL expression of type text."""
        roll = self.dice.random()
        if roll < 0.05:
            return self.dice.choice(DEEP)
        if roll < 0.07:
            return NULL_ESCAPE
        if roll < 0.1:
            return "pg_catalog.concat('[', pg_catalog.repeat('{\"script\": \"true\"}, ', 20000), '{}]')"
        value = self.json_object() if roll < 0.6 else "[" + ", ".join(self.json_object(1) for _ in range(self.dice.randrange(5))) + "]" if roll < 0.8 else self.json_value()
        return literal(value)

    def array(self, element, name):
        kind = self.dice.randrange(12)
        one = lambda: self.of(element, name, nulls=False)  # noqa: E731
        if kind == 0:
            return f"'{{}}'::{element}[]"
        if kind == 1:
            return f"ARRAY[NULL]::{element}[]"
        if kind == 2:
            return f"pg_catalog.array_fill({one()}, '{{3}}', '{{7}}')"
        if kind == 3:
            return f"ARRAY[[{one()}, {one()}], [{one()}, NULL]]"
        if kind == 4:
            return f"pg_catalog.array_fill({one()}, '{{{self.dice.choice([1000, 10000])}}}')" if element not in ("text", "jsonb", "bytea") else f"pg_catalog.array_fill('x'::text, '{{10000}}')::{element}[]" if element == "text" else f"'{{}}'::{element}[]"
        if kind == 5:
            return f"pg_catalog.array_fill({one()}, '{{2}}', '{{-2147483648}}')"
        if kind == 6:
            return f"ARRAY[{one()}, NULL, {one()}]"
        return "ARRAY[" + ", ".join(one() for _ in range(self.dice.randrange(1, 4))) + f"]::{element}[]"

    def composite(self, type_name, columns):
        if self.dice.random() < 0.1:
            return f"NULL::{type_name}"
        given = self.dice.random()
        return "ROW(" + ", ".join(self.of(column, name) if self.dice.random() < given else f"NULL::{column}" for name, column in columns) + f")::{type_name}"

    def of(self, type_name, name="", nulls=True):
        """An expression of this type for an argument of this name."""
        if nulls and self.dice.random() < 0.08:
            return f"NULL::{type_name}"
        if type_name.endswith("[]"):
            return self.array(type_name[:-2], name)
        if type_name in self.types:
            return self.composite(type_name, self.types[type_name])
        choices = {"smallint": SMALL, "integer": WHOLE + self.known.get("small_ids", []), "numeric": NUMERIC, "double precision": FLOAT, "real": FLOAT[:5],
                   "timestamp with time zone": TIMES, "interval": INTERVALS, "boolean": ["true", "false"], "uuid": ["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
                   "int4multirange": ["'{}'", "'{[0,3)}'", "'{[0,2147483647)}'", "'{(,)}'", "'{(,5)}'", "'{[-5,-1),[2,3)}'", "'{[1,)}'"], "name": ["'x'", "'postgres'"], "oid": ["0", "1", "4294967295"]}
        if type_name == "bigint":
            ids = self.known.get("ids", [])
            value = self.dice.choice(ids) if ids and self.dice.random() < 0.6 else self.dice.choice(BIG)
            return f"({value})::bigint" if value != -2 ** 63 else "'-9223372036854775808'::bigint"
        if type_name in choices:
            return f"({self.dice.choice(choices[type_name])})::{type_name}"
        if type_name in ("jsonb", "json"):
            return f"({self.json()})::{type_name}"
        if type_name == "bytea":
            return self.dice.choice([f"pg_catalog.convert_to({self.json()}, 'UTF8')", f"pg_catalog.convert_to({self.json()}, 'UTF8')", "'\\x'::bytea", "'\\x00ff0a80'::bytea", "pg_catalog.decode(pg_catalog.repeat('00', 100000), 'hex')",
                                     "pg_catalog.convert_to('id=1&limit=-1&after=%00&status=%ff', 'UTF8')", "'\\xc3'::bytea", "pg_catalog.decode(pg_catalog.repeat('0a', 100000), 'hex')"])
        return f"({self.text(name)})::{type_name}"
