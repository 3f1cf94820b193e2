#!/usr/bin/python3
"""Writes the manual page of rcq out of what the program says of itself, so that it cannot say anything else:
   deploy/man/make.py PROGRAM PAGE"""
import re
import subprocess
import sys


class Help:
    """What PROGRAM [COMMAND] --help says: `about`, `usage`, `sections` as {title: [(names, text)]}, and the `rest` below."""

    def __init__(self, program, *command):
        text = subprocess.run([program, *command, "--help"], check=True, capture_output=True, text=True).stdout
        lines = text.rstrip("\n").split("\n")
        self.about, self.usage = lines[0], re.sub(r"^Usage: ", "", lines[1])
        self.sections, self.rest = {}, []
        entries = None
        for line in lines[2:]:
            if title := re.fullmatch(r"(Positionals|Options|Subcommands):", line):
                entries = self.sections.setdefault(title[1], [])
            elif entries is not None and (entry := re.fullmatch(r"  (\S.*?)(?:  +(\S.*))?", line)):
                # a name that is as wide as its column is followed by one blank
                names, said = entry[1], entry[2]
                if said is None and len(line) > 32 and line[31] == " ":
                    names, said = line[2:31], line[32:]
                entries.append((names, said or ""))
            elif entries and line.startswith("     "):
                names, said = entries[-1]
                entries[-1] = (names, f"{said} {line.strip()}".strip())
            elif line:
                entries = None
                self.rest.append(line)
            elif entries is None:
                self.rest.append(line)


def roff(text):
    return re.sub(r"^([.'])", r"\\&\1", text.replace("\\", r"\e").replace("-", r"\-"))


def bold_names(names):
    """-c,--cpu-cores N: the names bold, the value slanted."""
    words = names.split(" ", 1)
    bold = ", ".join(rf"\fB{roff(name)}\fR" for name in words[0].split(","))
    return bold + (rf" \fI{roff(words[1])}\fR" if len(words) > 1 else "")


def entries(section):
    return [line for names, said in section for line in (".TP", bold_names(names), roff(said) or r"\&")]


def rest(lines):
    """What stands below the options, as it is."""
    return [".PP", ".nf", *map(roff, "\n".join(lines).strip("\n").split("\n")), ".fi"] if any(lines) else []


def page(program):
    main = Help(program)
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    out = [f'.TH RCQ 1 "" "{roff(version)}" "rcq"', ".SH NAME", r"rcq \- " + roff(main.about[0].lower() + main.about[1:].rstrip(".")),
           ".SH SYNOPSIS", r"\fBrcq\fR " + roff(main.usage.removeprefix("rcq ")), ".SH DESCRIPTION", roff(main.about), ".SH COMMANDS",
           *entries(main.sections["Subcommands"]), ".SH OPTIONS", *entries(main.sections["Options"]), *rest(main.rest)]
    for command, _ in main.sections["Subcommands"]:
        help_ = Help(program, command)
        out += [f".SH RCQ {roff(command.upper())}", r"\fBrcq\fR " + roff(help_.usage.removeprefix("rcq ")), ".PP", roff(help_.about)]
        for title in ("Positionals", "Options"):
            out += entries([entry for entry in help_.sections.get(title, []) if not entry[0].startswith("-h,")])
        out += rest(help_.rest)
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[2], "w", encoding="utf-8") as manual:
        manual.write(page(sys.argv[1]))
