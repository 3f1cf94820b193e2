"""The command, as a shell starts it; and what it must print, kept in golden/: RCQ_GOLDEN=write takes over what is printed."""
import json
import os
import re
import subprocess

import harness

PROGRAM = os.environ.get("RCQ_COMMAND", os.path.join(harness.ROOT, "build", "rcq"))
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")


def environment(db, user="postgres", **more):
    return {"PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C.UTF-8", "PGHOST": db.server.dir, "PGPORT": str(db.server.port), "PGDATABASE": db.name,
            "PGUSER": user, "HOME": "/nonexistent", **more}


def run(*arguments, env, stdin=b"", timeout=60):
    """What it said and how it ended; never in more than `timeout` seconds."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], env=env, input=stdin, capture_output=True, check=False, timeout=timeout)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def of(db):
    def rcq(*arguments, user="postgres", stdin=b"", **more):
        return run(*arguments, env=environment(db, user, **more), stdin=stdin)

    rcq.json = lambda *arguments, **options: json.loads(good(rcq("--json", *arguments, **options)))
    rcq.text = lambda *arguments, **options: good(rcq(*arguments, **options))
    return rcq


def good(answer):
    code, out, err = answer
    assert (code, err) == (0, ""), (code, out, err)
    return out


def masked(text):
    """Without what differs from run to run: times, and how wide columns are for them."""
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d(:\d\d)?|Z)?", "TIME", text)
    text = re.sub(r"\b\d\d:\d\d:\d\d\b", "TIME", text)
    text = re.sub(r"\b\d+ MB\b", "N MB", text)
    text = re.sub(r"\b(\d+\.\ds|\d+d\d\dh|\d+h\d\dm|\d+m\d\ds|\d+s)\b", "SPAN", text)
    text = re.sub(r"\b\d+(\.\d+)? %", "N %", text)
    text = re.sub(r"\b0\.0\d+\b", "0.0N", text)  # of memory
    text = re.sub(r"(?m)(?<= )-$|(?<=  )-(?=  )", "N %", text)  # what was not measured
    text = re.sub(r"(?m)(pending.*SPAN) +(about )?TIME$", r"\1", text)  # when it is expected to start, once that is known
    return "\n".join(re.sub(r" {2,}", "  ", line).strip() for line in text.splitlines()) + "\n"


def shape(value):
    """A JSON document with the kinds of its values in the place of the values, the first element standing for a list."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(element) for element in value[:1]]
    if isinstance(value, str):
        return "TIME" if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d", value) else "text"
    return {type(None): None, bool: "boolean", int: "number", float: "number"}[type(value)]


def expect(name, text):
    path = os.path.join(GOLDEN, name)
    if os.environ.get("RCQ_GOLDEN") == "write":
        with open(path, "w", encoding="utf-8") as golden:
            golden.write(text)
    with open(path, encoding="utf-8") as golden:
        assert text == golden.read(), f"not as in {path}:\n{text}"
