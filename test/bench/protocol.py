"""The executor protocol spoken from a benchmark, without running anything: what is claimed is reported as a success."""
import json
import time


class Session:
    """One executor: registers under its role, and reports with each sync what the one before claimed."""

    def __init__(self, db, role, cores, memory_mib):
        self.connection = db.server.connect(db.name, role)
        self.cursor = self.connection.cursor()
        self.incarnation = time.time_ns() >> 1
        self.cursor.execute("SELECT rcq.register_executor(%s, %s, '{}', %s, 1)",
                            (role, json.dumps({"cpu_cores": cores, "memory_mib": memory_mib, "gpu_count": 0}), self.incarnation))
        self.terms = self.cursor.fetchone()[0]
        self.id = self.terms["executor"]
        self.acked, self.finished = 0, []

    def sync(self, batch, listing=None):
        """Claims up to so many jobs, and reports those of the last call; returns how many reports were accepted."""
        self.cursor.execute("SELECT kind, seq, job_id, token, body->>'answer' FROM rcq.executor_sync(%s, %s, %s, %s::bigint[], %s, NULL, %s)",
                            (self.id, self.incarnation, self.acked, listing, json.dumps(self.finished) if self.finished else None, batch))
        done, self.finished = 0, []
        for kind, seq, job, token, answer in self.cursor.fetchall():
            if kind == "start":
                self.finished.append({"job_id": job, "token": token, "end": "exit_code", "exit_code": 0, "cpu_seconds": 0.0})
            elif kind == "ack":
                self.acked = seq
            elif kind == "answer":
                assert answer == "ok", answer
                done += 1
        return done
