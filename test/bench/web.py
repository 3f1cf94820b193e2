"""Rates over HTTP: routes of rcq beside the barest view and function that PostgREST can serve, through nginx and PostgREST alike."""
import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "http"))
import harness  # noqa: E402
import stack  # noqa: E402
from measuring import ProtocolExecutor, children, database, on_cpu, pgbench, server_cpu, submit_many  # noqa: E402

CLIENTS = 16
BARE_SQL = """
    CREATE SCHEMA bare;
    CREATE TABLE bare.job (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id integer, status text, submitted_at timestamptz DEFAULT now(), script text);
    CREATE VIEW bare.jobs AS SELECT * FROM bare.job;
    CREATE FUNCTION bare.insert_job(script text) RETURNS bigint LANGUAGE sql AS 'INSERT INTO bare.job (user_id, status, script) VALUES (1, ''pending'', script) RETURNING id';
    INSERT INTO bare.job (user_id, status, script) VALUES (1, 'pending', 'true');
    GRANT USAGE ON SCHEMA bare TO rcq_user;
    GRANT SELECT, INSERT ON bare.job, bare.jobs TO rcq_user;
"""
# The same limits of buffers and connections as rcq's own, and nothing else.
BARE_NGINX = """
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
worker_processes 2;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    access_log {dir}/access.log;
    upstream postgrest {{ server unix:{dir}/postgrest.sock; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://postgrest; }}
    }}
}}
"""
BARE_POSTGREST = """
db-uri = "{uri}"
db-schemas = "bare"
db-anon-role = "rcq_anon"
db-pool = 10
db-config = true
db-pre-config = "rcq.http_pre_config"
jwt-cache-max-lifetime = 3600
jwt-cache-max-entries = 1000
server-unix-socket = "{dir}/postgrest.sock"
log-level = "error"
"""


@contextlib.contextmanager
def bare_service(server, service, looked_at):
    """nginx and PostgREST in front of schema bare, with or without rcq's look at every request; its URL."""
    directory, port = os.path.join(server.dir, "bare-looked-at" if looked_at else "bare"), stack.free_port()
    os.mkdir(directory)
    os.chmod(directory, 0o777)
    with open(os.path.join(service.state, "http", "postgrest.conf"), encoding="utf-8") as file:
        uri = re.search(r'^db-uri = "(.*)"', file.read(), re.M).group(1)
    for name, text in (("postgrest.conf", BARE_POSTGREST.format(uri=uri, dir=directory) + ('db-pre-request = "rcq.http_pre_request"\n' if looked_at else "")), ("nginx.conf", BARE_NGINX.format(dir=directory, port=port))):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(text)
    processes = []
    with open(os.path.join(directory, "output.log"), "wb") as log:
        for command in ([service.environment["RCQ_POSTGREST"], f"{directory}/postgrest.conf"],
                        ["/usr/sbin/nginx", "-p", directory, "-c", f"{directory}/nginx.conf", "-g", "daemon off;"]):
            processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **harness.run_as()))
    url = f"http://127.0.0.1:{port}"
    try:
        harness.wait_for(lambda: subprocess.run(["curl", "-sf", "-o", "/dev/null", url + "/"], check=False).returncode == 0, "the bare service answers")
        yield url
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def wrk(directory, url, token, seconds, body=None, clients=CLIENTS, pause_ms=None, wait=True):
    """Requests per second; one that is refused fails the benchmark. With a pause every client makes one between its requests."""
    script = os.path.join(directory, f"load-{os.urandom(4).hex()}.lua")
    lines = [f'wrk.method = "{"POST" if body else "GET"}"', f'wrk.headers["Authorization"] = "Bearer {token}"']
    if body:
        lines += ['wrk.headers["Content-Type"] = "application/json"', f"wrk.body = [[{body}]]"]
    if pause_ms:
        lines.append(f"function delay() return {pause_ms} end")
    if isinstance(url, list):
        paths = ", ".join(f'"{path[path.index("/", 8):]}"' for path in url)
        lines.append(f"local paths, n = {{{paths}}}, 0\nfunction request() n = n + 1 return wrk.format(nil, paths[n % #paths + 1]) end")
        url = url[0]
    with open(script, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))
    run = subprocess.Popen(["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "-s", script, url], stdout=subprocess.PIPE, text=True)
    return finish(run) if wait else run


def finish(run):
    output = run.communicate()[0]
    assert run.returncode == 0 and "Non-2xx" not in output, output
    return float(re.search(r"Requests/sec: *([\d.]+)", output).group(1))


@contextlib.contextmanager
def served(server, name):
    """A database behind HTTP, and the token of an ordinary user."""
    db = harness.Database(server, name, request_rate_per_user="0", parallel_requests_per_user="0", password_cost="4")
    db.sql("CREATE EXTENSION pgcrypto")
    db.sql("SELECT rcq.add_http_user('ada@example.org', %s)", stack.PASSWORD)
    service = stack.Stack(server, name, name)
    service.start(RCQ_HTTP_RATE="1000000r/s")
    try:
        yield db, service, f"http://127.0.0.1:{service.port}", service.login("ada@example.org")
    finally:
        service.stop()
        db.drop()


def http_rates(bench):
    """Beside the barest view and function through the same stack, which looks at every request as rcq does; and beside
    those of a stack that does not (_vs_naked)."""
    server, seconds = bench.server, 2 if bench.quick else 6
    figures = {}
    with served(server, "web_rates") as (db, service, url, token):
        db.sql(BARE_SQL)
        job = service.post("/api/jobs", {"script": "true", "hold": True}, token).json["job_id"]
        with bare_service(server, service, True) as bare, bare_service(server, service, False) as naked:
            for _ in range(3):
                for name, address, body in (("naked_get", f"{naked}/jobs?id=eq.1", None), ("get", f"{url}/api/jobs/{job}", None), ("bare_get", f"{bare}/jobs?id=eq.1", None),
                                            ("naked_submit", f"{naked}/rpc/insert_job", '{"script": "true"}'), ("submit", f"{url}/api/jobs", '{"script": "true", "hold": true}'),
                                            ("bare_submit", f"{bare}/rpc/insert_job", '{"script": "true"}')):
                    figures.setdefault(name, []).append(wrk(server.dir, address, token, seconds, body))
    for name in ("get", "submit"):
        bench.report(f"http_{name}", statistics.median(figures[name]), "requests/s")
        for other in ("bare", "naked"):
            bench.report(f"http_{name}_vs_{other}", statistics.median(own / beside for own, beside in zip(figures[name], figures[f"{other}_{name}"])), "ratio")


def ticks(pid):
    """CPU seconds of a process and all the threads that it had."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pollers_http(bench):
    """What a thousand people and pages that look every five seconds, beside many jobs that wait, cost the dispatch of jobs; and
    what one look costs nginx, PostgREST and the server."""
    count, waiting, clients, pause_ms, seconds = (4000 if bench.quick else 20000), (20000 if bench.quick else 100000), 100, 500, 5
    rates, polled = {"alone": [], "polled": []}, []
    with served(bench.server, "web_pollers") as (db, service, url, token):
        job = service.post("/api/jobs", {"script": "true", "hold": True}, token).json["job_id"]
        submit_many(db, waiting, hold=True)
        executor = ProtocolExecutor(db, "x", 4000)
        submit_many(db, count)
        executor.drain(count)
        paths = [f"{url}{path}" for path in (f"/api/jobs/{job}", "/api/jobs?limit=10", "/api/queue?limit=10", f"/api/jobs/{job}", "/api/jobs?status=running")]

        def poll(length):
            return wrk(bench.server.dir, paths, token, length, clients=clients, pause_ms=pause_ms, wait=False)

        def cpu():
            return server_cpu(bench.server) + ticks(service.pids("postgrest")) + sum(on_cpu(pid) for pid in children(service.pids("nginx")))

        for _ in range(3):
            submit_many(db, count)
            rates["alone"].append(executor.drain(count))
            submit_many(db, count)
            load = poll(600)
            time.sleep(1)
            rates["polled"].append(executor.drain(count))
            load.send_signal(2)  # wrk tells what it saw
            polled.append(finish(load))
        executor.connection.close()
        idle = cpu()
        time.sleep(seconds)
        before = cpu()
        looks = finish(poll(seconds)) * seconds
        cost = (cpu() - before - (before - idle)) / looks
    bench.report("polled_requests", statistics.median(polled), "requests/s")
    bench.report("pollers_http", statistics.median(b / a for a, b in zip(rates["alone"], rates["polled"])), "ratio")
    bench.report("poll_http_cpu", cost * 1e6, "us")


def list_of_a_million(bench):
    """A page of 50 jobs of the person with most of them, as the server answers it."""
    jobs = 100000 if bench.quick else 1000000
    with database(bench.server, "web_list") as db:
        user = db.one("SELECT id FROM rcq.users ORDER BY id LIMIT 1")
        db.sql("SELECT rcq.submit('true', hold => true)")
        db.sql("INSERT INTO rcq_private.job (id, submitted_at, user_id, group_id, cpu_cores, memory_mib, gpu_count, priority, max_retries, requeue, kill_on_disconnect, script) "
               "SELECT nextval('rcq_private.job_id'), now() - interval '60 days', %s, 1, 1, 1024, 0, 5, 0, true, false, 'true' FROM generate_series(1, %s)", user, jobs)
        db.sql("INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, status) "
               "SELECT id, submitted_at + interval '1 hour', %s, 1, 5, 1, CASE WHEN id %% 1000 = 0 THEN 'failed' ELSE 'completed' END FROM rcq_private.job WHERE submitted_at < now() - interval '50 days'", user)
        db.sql("CHECKPOINT")
        for status in ("", "status=completed", "status=failed", "status=pending", "status=running"):
            rate = pgbench(bench.server, db.name, f"SELECT rcq_rest.list_jobs('{status}');", 1, 2)
            bench.report(f"list_50_{status.removeprefix('status=') or 'all'}", 1000 / rate, "ms")


def http(bench):
    """Through nginx and PostgREST; and what the server does for a page of many jobs."""
    missing = [program for program in ("wrk", "nginx") if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin") is None]
    if missing:
        for name in ("http_get", "http_submit", "pollers_http"):
            bench.skip(name, f"{', '.join(missing)} missing: deploy/setup.sh bench")
    else:
        http_rates(bench)
        pollers_http(bench)
    list_of_a_million(bench)
