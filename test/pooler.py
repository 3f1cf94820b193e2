"""A connection pooler in front of a test server."""
import os
import subprocess

import harness


class Pooler:
    """PgBouncer in transaction mode, whose connections to the server live for a second."""

    def __init__(self, server, *roles):
        self.port, self.directory = server._free_port(), os.path.join(server.dir, "pooler")
        os.makedirs(self.directory, exist_ok=True)
        self.config, users = os.path.join(self.directory, "pgbouncer.ini"), os.path.join(self.directory, "users")
        with open(users, "w", encoding="utf-8") as file:
            file.writelines(f'"{role}" ""\n' for role in roles)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"[databases]\n* = host={server.dir} port={server.port}\n"
                       f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {users}\n"
                       "pool_mode = transaction\nserver_lifetime = 1\n")
        self.process = None
        self.start()

    def start(self):
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen(["/usr/sbin/pgbouncer", self.config], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory, **harness.run_as())

    def stop(self):
        self.process.kill()
        self.process.wait()
