#!/usr/bin/python3
"""What gcovr counted for one part of the sources: uncalled.py NAME FILE.json. Prints how many lines were reached, and the functions
of which no line was."""
import json
import subprocess
import sys


def demangled(names):
    done = subprocess.run(["c++filt"], check=True, text=True, input="\n".join(names), stdout=subprocess.PIPE)
    return done.stdout.splitlines()


def main():
    name, path = sys.argv[1:]
    with open(path, encoding="utf-8") as report:
        files = json.load(report)["files"]
    lines = [line["count"] for file in files for line in file["lines"] if not line.get("gcovr/noncode")]
    reached = sum(count > 0 for count in lines)
    print(f"coverage: src/{name}: {reached} of {len(lines)} lines, {100 * reached / max(len(lines), 1):.1f} %")
    never = [(file["file"], function) for file in files for function in file.get("functions", []) if function["execution_count"] == 0]
    for (file, function), text in zip(never, demangled([function["name"] for _, function in never])):
        print(f"    never called: {file}:{function['lineno']} {text}")


main()
