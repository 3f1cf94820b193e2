"""What monitoring is given: the text of /metrics, alerts and dashboard that go with it, and a real Prometheus that reads all of it."""
import contextlib
import json
import os
import re
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

import harness

PROMETHEUS = os.path.join(harness.ROOT, "deploy", "prometheus")
DASHBOARD = os.path.join(harness.ROOT, "deploy", "grafana", "rcq.json")
KEYWORDS = {"sum", "max", "min", "by", "and", "on", "rate", "increase", "histogram_quantile", "topk", "le"}


def samples(text):
    """Values by name and labels."""
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line and not line.startswith("#")}


def families(text):
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))


def names(expression):
    """The metrics that an expression is about."""
    bare = re.sub(r'"[^"]*"|\[[^]]*\]', "", expression)
    bare = re.sub(r"\{[^}]*\}|\b(by|on) \([^)]*\)", "", bare)
    return {word for word in re.findall(r"[a-z_:][a-z0-9_:]*", bare) if word not in KEYWORDS}


def family_of(name, known):
    return name if name in known else re.sub(r"_(bucket|sum|count)$", "", name)


def panels():
    with open(DASHBOARD, encoding="utf-8") as file:
        return json.load(file)["panels"]


def dashboard_expressions():
    """As Grafana sends them."""
    for panel in panels():
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$group", ".*")


def alert_expressions():
    with open(os.path.join(PROMETHEUS, "rcq-alerts.yml"), encoding="utf-8") as file:
        text = re.sub(r">\n((?: {10}.*\n)+)", lambda m: " ".join(m[1].split()) + "\n", file.read())
    return re.findall(r"^      - alert: (\S+)\n        expr: (.*)$", text, re.M)


def promtool(*arguments, text=None):
    done = subprocess.run(["promtool", *arguments], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def metrics(http):
    answer = http.get("/metrics")
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.text


@pytest.fixture
def prometheus(http, tmp_path):
    """Reads from the service as rcq.yml says, every second; asks it: a path of its API -> data."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open(os.path.join(PROMETHEUS, "rcq.yml"), encoding="utf-8") as file:
        config = file.read().replace("127.0.0.1:18080", f"127.0.0.1:{http.port}").replace("15s", "1s")
    (tmp_path / "prometheus.yml").write_text(config)
    with open(os.path.join(PROMETHEUS, "rcq-alerts.yml"), encoding="utf-8") as file:
        (tmp_path / "rcq-alerts.yml").write_text(file.read())
    with open(tmp_path / "log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{port}"],
                                   stdout=log, stderr=log)

    def ask(path, **query):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=5) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:  # not ready yet
                return None
            raise AssertionError(f"{path} {query}: {error.read().decode()}") from error
        except OSError:
            assert process.poll() is None, (tmp_path / "log").read_text()
            return None

    yield ask
    process.terminate()
    process.wait(10)


def test_metrics_follow_the_conventions_of_prometheus(metrics):
    assert promtool("check", "metrics", text=metrics) == ""


def test_what_people_do_is_counted(http, user, executor):
    before = samples(http.get("/metrics").text)
    job = user.submit("exit 3")
    harness.wait_for(lambda: user.get(f"/api/jobs/{job}").json["status"] == "failed", "the job ends")

    def rose(name, by=1):
        return samples(http.get("/metrics").text).get(name, 0) >= before.get(name, 0) + by
    for name in ("rcq_submissions_total", "rcq_placements_total", 'jobs_executed_total{status="failed"}', "job_execution_duration_seconds_count", "rcq_job_wait_seconds_count",
                 'http_requests_total{route="submit_job",status="201"}', 'http_requests_total{route="get_job",status="200"}'):
        assert rose(name), name
    user.get("/api/jobs/999999999")
    assert rose('http_requests_total{route="get_job",status="404"}')
    assert samples(http.get("/metrics").text)["rcq_up"] == 1


def test_every_metric_of_the_dashboard_exists_and_every_expression_is_one(metrics, tmp_path):
    known = families(metrics)
    found = list(dashboard_expressions())
    assert len(found) > 40
    for title, expression in found:
        assert names(expression), (title, expression)
        for name in names(expression):
            assert family_of(name, known) in known, (title, name)
    rules = [{"record": f"panel:{n}", "expr": expression} for n, (_, expression) in enumerate(found)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(found)} rules found" in promtool("check", "rules", str(tmp_path / "rules.yml"))


def test_every_metric_is_on_the_dashboard(metrics):
    known = families(metrics)
    shown = {family_of(name, known) for _, expression in dashboard_expressions() for name in names(expression)}
    assert set(known) - shown == {"rcq_paused"}  # which an alert needs


def test_every_metric_of_an_alert_exists(metrics):
    known = families(metrics)
    alerts = alert_expressions()
    assert len(alerts) == 9
    for alert, expression in alerts:
        assert names(expression) - {"up"} <= set(known), (alert, expression)


def test_alerts_are_raised_when_they_should_be_and_not_else():
    promtool("test", "rules", os.path.join(PROMETHEUS, "rcq-alerts-test.yml"))


def test_prometheus_reads_the_metrics_evaluates_the_alerts_and_answers_the_dashboard(prometheus, executor):
    harness.wait_for(lambda: (prometheus("query", query="rcq_up") or {}).get("result"), "the first scrape", 60)
    (target,) = prometheus("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    (result,) = prometheus("query", query="rcq_up")["result"]
    assert result["value"][1] == "1"

    def rules():
        return [rule for group in prometheus("rules")["groups"] for rule in group["rules"]]
    harness.wait_for(lambda: all(rule["health"] != "unknown" for rule in rules()), "the alerts are evaluated")
    assert {(rule["name"], rule["health"]) for rule in rules()} == {(name, "ok") for name, _ in alert_expressions()}
    for title, expression in dashboard_expressions():
        assert prometheus("query", query=expression)["resultType"] == "vector", title
    metadata = prometheus("targets/metadata", metric="rcq_job_wait_seconds")
    assert (metadata[0]["type"], metadata[0]["help"][:10]) == ("histogram", "Time from ")
