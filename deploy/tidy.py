#!/usr/bin/python3
"""clang-tidy over every source under src, what was changed last first, or over some: tidy.py [FILE ...]; needs
build/compile_commands.json. A file that was found clean is not looked at again until the text that its compiler sees, its flags,
.clang-tidy or the version changes: build/tidy keeps a stamp for each."""
import concurrent.futures
import glob
import hashlib
import json
import os
import shlex
import subprocess
import sys

STAMPS = "build/tidy"
MOST_STAMPS = 1000


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def compile_flags():
    """Of every file, how it is compiled: what CMake builds by its own word, the extension, which it does not, as written here."""
    with open("build/compile_commands.json", encoding="utf-8") as database:
        # what a program and its tests both compile is looked at as the program has it: gcc's precompiled headers are not clang's
        commands = {os.path.relpath(entry["file"]): shlex.split(entry["command"])[1:]
                    for entry in json.load(database) if "_test.dir/" not in entry["command"]}
    server = output_of("pg_config", "--includedir-server").decode().strip()
    flags = {}
    for file in glob.glob("src/**/*.cpp", recursive=True):
        if file.startswith("src/pg/"):
            flags[file] = ["-std=c++20", "-Wno-register", "-isystem", server]
        else:
            words = commands[file]
            flags[file] = words[:words.index("-o")]
    return flags


def stamp_of(file, flags, common):
    seen = output_of("g++", *flags, "-E", "-C", file)
    with open(file, "rb") as source:
        return os.path.join(STAMPS, hashlib.sha256(b"\0".join([common, " ".join(flags).encode(), source.read(), seen])).hexdigest())


def check(file, flags, common):
    """What is wrong with a file; nothing when it is clean."""
    stamp = stamp_of(file, flags, common)
    if os.path.exists(stamp):
        os.utime(stamp)
        return ""
    done = subprocess.run(["clang-tidy", "--quiet", file, "--", *flags], check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        return done.stdout or done.stderr
    with open(stamp, "w", encoding="utf-8"):
        return ""


def main():
    os.makedirs(STAMPS, exist_ok=True)
    with open(".clang-tidy", "rb") as settings:
        common = settings.read() + output_of("clang-tidy", "--version")
    files = [(file, flags) for file, flags in compile_flags().items() if file in sys.argv[1:] or len(sys.argv) == 1]
    files.sort(key=lambda item: -os.path.getmtime(item[0]))
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda item: check(*item, common), files):
            if found:
                wrong += 1
                print(found, flush=True)
    for stamp in sorted(glob.glob(f"{STAMPS}/*"), key=os.path.getmtime)[:-MOST_STAMPS]:
        os.unlink(stamp)
    return 1 if wrong else 0


sys.exit(main())
