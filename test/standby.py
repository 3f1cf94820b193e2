"""A streaming standby of a test server, to be promoted."""
import contextlib
import os

import harness


class Standby(harness.Server):
    """Follows a harness.Server synchronously: what the primary has committed is here."""

    def __init__(self, primary):
        self.primary, self.bin, self.dir = primary, primary.bin, primary.dir
        self.executor_binary = primary.executor_binary
        self.log_path = os.path.join(self.dir, "standby.log")
        self.port = self._free_port()
        self._run("pg_basebackup", "-h", primary.dir, "-p", str(primary.port), "-U", "postgres", "-D", self.data, "-R", "-X", "stream", "-c", "fast")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as conf:
            conf.write(f"port = {self.port}\nwal_retrieve_retry_interval = '100ms'\n")
        self.start()
        with contextlib.closing(primary.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            cursor.execute("SELECT pg_reload_conf()")

            def synchronous():
                cursor.execute("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
                return cursor.fetchall()
            harness.wait_for(synchronous, "the standby is synchronous")

    @property
    def data(self):
        return os.path.join(self.dir, "standby")

    def promote(self):
        """Ends the primary without a word, and takes its place."""
        self.primary.stop("immediate")
        # this one waits for no standby of its own
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as conf:
            conf.write("synchronous_standby_names = ''\n")
        with open(os.path.join(self.data, "postgresql.auto.conf"), "r+", encoding="utf-8") as auto:
            kept = [line for line in auto if not line.startswith("synchronous_standby_names")]
            auto.seek(0)
            auto.truncate()
            auto.writelines(kept)
        self._run("pg_ctl", "-w", "-D", self.data, "promote")

    def remove(self):
        with contextlib.suppress(RuntimeError):
            self.stop("immediate")
