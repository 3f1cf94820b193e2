#!/usr/bin/python3
"""What sanitizers and valgrind reported: reports.py DIRECTORY. Prints what counts, and fails if there is any.

Everything counts, but
- of a server's process (files server.*) a leak counts only where the extension's library stands in the stack: PostgreSQL leaves
  what it allocated once to the end of the process;
- what is left of a process that was killed while it was looked for leaks says nothing of it: the one who looked could not read
  the registers of a thread that was gone. A process that lives, and that nobody could look into, does count ("LeakSanitizer has
  encountered a fatal error": it was refused what the look takes, clone or ptrace), for its leaks are not known;
- a look into a process of the server that ended with a signal of its own ("Tracer caught signal") does not count, as others are looked
  into; more than a few do, for then next to nobody is."""
import os
import re
import sys

OURS = re.compile(r"rcq\.so|src/(pg|core)/\w+\.[ch]pp")
ENDED_ITSELF = re.compile(r"Tracer caught signal \d+: .*\n(==\d+==(LeakSanitizer has encountered a fatal error\.|HINT: .*)\n?)+")
KILLED = re.compile(r"(==\d+==Unable to get registers from thread \d+\.\n?)+")
LEAK = re.compile(r"^(Direct|Indirect) leak of", re.MULTILINE)
SHOWN = 20
MOST_UNSEEN = 3


def findings(name, text, unseen):
    """The records of one file that count; unseen: of processes that could not be looked into, so far."""
    if KILLED.fullmatch(text):
        return []
    if not name.startswith("server."):
        return [text]
    if ENDED_ITSELF.fullmatch(text):
        unseen.append(text)
        return [] if len(unseen) <= MOST_UNSEEN else [text]
    if "ERROR: LeakSanitizer" not in text or "ERROR: AddressSanitizer" in text:
        return [text] if text.strip() else []
    return [record for record in re.split(r"\n\s*\n", text) if LEAK.search(record) and OURS.search(record)]


def main():
    directory, found, unseen = sys.argv[1], [], []
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), encoding="utf-8", errors="replace") as report:
            found += [(name, record) for record in findings(name, report.read(), unseen)]
    for name, record in found[:SHOWN]:
        print(f"--- {name}\n{record.strip()[:6000]}\n")
    if unseen:
        print(f"{len(unseen)} processes could not be looked into: the tracer ended with a signal")
    print(f"{len(found)} reports that count, of {len(os.listdir(directory))} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
