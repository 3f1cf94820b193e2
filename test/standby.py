"""A streaming standby of a test server, and two servers that take each other's place."""
import contextlib
import os
import shutil
import signal

import harness


def configure(server, **settings):
    """Sets parameters of a running server by its configuration file, where the last line counts."""
    with open(os.path.join(server.data, "postgresql.conf"), "a", encoding="utf-8") as conf:
        conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    server._run("pg_ctl", "-D", server.data, "reload")


class Standby(harness.Server):
    """Follows a harness.Server. name: its directory; port: a free one unless told; synchronous: what the primary has committed
    is here; source: how it reaches the primary, by the primary's socket unless told; prefix: as of a harness.Server;
    rewind: the directory is that of a former primary, of which as much is kept as is common to both."""

    def __init__(self, primary, name="standby", port=None, synchronous=True, source=None, prefix=(), rewind=False):
        self.primary, self.bin, self.dir, self.name, self.prefix = primary, primary.bin, primary.dir, name, prefix
        self.executor_binary = primary.executor_binary
        self.log_path = os.path.join(self.dir, f"{name}.log")
        self.port = port or self._free_port()
        source = source or f"host={primary.dir} port={primary.port}"
        if rewind:
            # until its first checkpoint a promoted server's control file names the timeline before: before PostgreSQL 16
            # pg_rewind believes that
            with contextlib.closing(primary.connect()) as connection, connection.cursor() as cursor:
                cursor.execute("CHECKPOINT")
            self._run("pg_rewind", "-D", self.data, "--source-server", f"{source} user=postgres dbname=postgres", "-R", "--no-sync")
        else:
            shutil.rmtree(self.data, ignore_errors=True)
            self._run("pg_basebackup", "-d", f"{source} user=postgres", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as conf:
            # promoted, it waits for no standby of its own
            conf.write(f"port = {self.port}\nwal_retrieve_retry_interval = '100ms'\nsynchronous_standby_names = ''\n")
        self.start()
        if synchronous:
            configure(primary, synchronous_standby_names="*")
        harness.wait_for(lambda: self.follows("sync" if synchronous else "async"), "the standby follows")

    @property
    def data(self):
        return os.path.join(self.dir, self.name)

    def follows(self, how):
        """Whether the primary counts on it: 'sync', or 'async'."""
        with contextlib.closing(self.primary.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = %s", (how,))
            return bool(cursor.fetchall())

    def promote(self):
        """Ends the primary without a word, and takes its place."""
        self.primary.kill()
        self.take_over()

    def take_over(self):
        self._run("pg_ctl", "-w", "-D", self.data, "promote")

    def remove(self):
        with contextlib.suppress(RuntimeError):
            self.stop("immediate")


class Pair:
    """A primary and its standby, which clients find by both addresses. Whatever is asked of a server is asked of the primary of
    the moment. cable: one with ends ours and theirs (network.py of test/chaos), at whose other end the standby is; clients do
    not use it."""

    def __init__(self, synchronous=True, cable=None, **settings):
        self.synchronous, self.cable = synchronous, cable
        if cable:
            settings["listen_addresses"] = "*"
        self.primary = self._first = harness.Server(wal_log_hints="on", wal_keep_size="256MB", **settings)
        if cable:
            with open(os.path.join(self.primary.data, "pg_hba.conf"), "a", encoding="utf-8") as rules:
                rules.write("host all,replication all samenet trust\n")
            self.primary._run("pg_ctl", "-D", self.primary.data, "reload")
        self.standby = Standby(self.primary, synchronous=synchronous, **self._far(self.primary))
        self.address = f"host={self.dir},{self.dir} port={self.primary.port},{self.standby.port} target_session_attrs=primary"
        self._logs = [self.primary.log_path, self.standby.log_path]

    def __getattr__(self, name):
        return getattr(self.primary, name)

    def hold_back(self):
        """What is committed until now reaches the standby, nothing that comes later does."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_insert_lsn()")
            ((now,),) = cursor.fetchall()

            def received():
                cursor.execute("SELECT pid FROM pg_stat_replication WHERE flush_lsn >= %s", (now,))
                return cursor.fetchall()
            ((walsender,),) = harness.wait_for(received, "the standby has all of it")
        os.kill(walsender, signal.SIGSTOP)

    def fail_over(self):
        """The primary is lost, the standby takes its place."""
        self.primary.kill()
        self.swap()

    def swap(self):
        """The primary is gone, the standby takes its place."""
        self.standby.take_over()
        self.primary, self.standby = self.standby, self.primary

    def rejoin(self, rewind=False):
        """What was the primary comes back as a standby of the other one."""
        former = self.standby
        self.standby = Standby(self.primary, os.path.basename(former.data), former.port, self.synchronous, rewind=rewind, **self._far(self.primary))
        self._logs.append(self.standby.log_path)

    def _far(self, primary):
        """How the standby of this one is run, and reaches it."""
        if not self.cable:
            return {}
        at_home = not primary.prefix
        return {"source": f"host={self.cable.ours if at_home else self.cable.theirs} port={primary.port}", "prefix": self.cable.prefix if at_home else ()}

    def log(self):
        texts = []
        for path in dict.fromkeys(self._logs):
            with open(path, encoding="utf-8", errors="replace") as log:
                texts.append(log.read())
        return "\n".join(texts)

    def remove(self):
        for server in (self.standby, self.primary):
            with contextlib.suppress(RuntimeError):
                server.stop("immediate")
        self._first.remove()
