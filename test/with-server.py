#!/usr/bin/python3
"""Runs a command beside a private server: with-server.py [name=value ...] -- command. The command finds the server by
PGHOST, PGPORT and PGUSER. Fails when the command fails or the server log shows a crash."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402

split = sys.argv.index("--")
server = harness.Server(fsync="off", **dict(setting.split("=", 1) for setting in sys.argv[1:split]))
try:
    code = subprocess.run(sys.argv[split + 1:], env={**os.environ, "PGHOST": server.dir, "PGPORT": str(server.port), "PGUSER": "postgres", "PGDATABASE": "postgres"}, check=False).returncode
    server.stop()
    crash = harness.CRASH.search(server.log())
    if crash:
        print(server.log()[max(0, crash.start() - 1000):crash.end() + 1000])
        code = 1
finally:
    server.remove()
sys.exit(code)
