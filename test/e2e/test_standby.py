"""A streaming standby idles; the promoted server schedules at once, and executors that follow lose nothing."""
import contextlib
import os
import subprocess

import harness
import psycopg2


def test_a_standby_idles_and_schedules_after_its_promotion(db):
    primary = db.server
    standby_dir = os.path.join(primary.dir, "standby")
    port = primary.port + 400
    primary._run("pg_basebackup", "-h", primary.dir, "-p", str(primary.port), "-U", "postgres", "-D", standby_dir, "-R", "-X", "stream", "-c", "fast")
    with open(os.path.join(standby_dir, "postgresql.conf"), "a", encoding="utf-8") as conf:
        conf.write(f"port = {port}\nwal_retrieve_retry_interval = '100ms'\n")
    log = os.path.join(primary.dir, "standby.log")

    def query(text):
        connection = psycopg2.connect(host=primary.dir, port=port, dbname=db.name, user="postgres")
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall()

    primary._run("pg_ctl", "-w", "-D", standby_dir, "-l", log, "start")
    try:
        waiting = db.submit("true")
        harness.wait_for(lambda: query("SELECT 1 FROM rcq.jobs WHERE id = %d" % waiting), "the standby has the job")
        assert query("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'rcq%'") == [(0,)]
        with contextlib.suppress(psycopg2.Error):
            query("SELECT rcq.submit('true')")
            raise AssertionError("a standby took a job")
        subprocess.run([os.path.join(primary.bin, "pg_ctl"), "-w", "-D", standby_dir, "promote"], check=True, stdout=subprocess.DEVNULL, cwd=primary.dir, **harness.run_as())
        harness.wait_for(lambda: query("SELECT 1 FROM rcq.scheduler WHERE state = 'running' AND last_cycle_at IS NOT NULL"), "the promoted server schedules")
        role = f"{db.name}_a"
        query(f"SELECT rcq.create_executor_login('{role}')")
        executor = subprocess.Popen([primary.executor_binary, "--config", "/dev/null", "--dsn", f"host={primary.dir} port={port} dbname={db.name} user={role}", "--state-dir", os.path.join(primary.dir, "promoted"),
                                     "--cpu-cores", "2", "--memory-gb", "4"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=primary.dir, **harness.run_as())
        try:
            harness.wait_for(lambda: query("SELECT 1 FROM rcq.jobs WHERE id = %d AND status = 'completed'" % waiting), "the job of the old primary runs")
        finally:
            executor.kill()  # its only job has ended
            executor.wait()
    finally:
        primary._run("pg_ctl", "-w", "-D", standby_dir, "-m", "immediate", "stop")
    with open(log, encoding="utf-8", errors="replace") as text:
        assert not harness.CRASH.search(text.read())
