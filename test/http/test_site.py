"""What deploy/ offers for production: the nginx site with TLS, and the unit of PostgREST."""
import contextlib
import http.client as http_client
import json
import os
import re
import ssl
import stat
import subprocess

import harness
import pytest
import stack

DEPLOY = os.path.join(harness.ROOT, "deploy")


@pytest.fixture(scope="module")
def site(http):
    """The site as an administrator installs it, but for its ports, its name and its certificate; figures are for tokens alone, and X-Test-Address says whence a request comes."""
    etc = os.path.join(http.server.dir, "etc")
    certificate, port, plain = os.path.join(etc, "certificate"), stack.free_port(), stack.free_port()
    with open(os.path.join(DEPLOY, "http", "site.conf"), encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"(?m)^ *listen \[::\].*$", "", text)
    for before, after in (("listen 80;", f"listen 127.0.0.1:{plain};"), ("listen 443 ", f"listen 127.0.0.1:{port} "), ("/etc/ssl/certs/rcq.example.org.pem", f"{certificate}.pem"),
                          ("/etc/ssl/private/rcq.example.org.key", f"{certificate}.key"), ("/var/log/nginx", etc), ("rcq.example.org", "localhost")):
        assert before in text
        text = text.replace(before, after)
    temporary = "".join(f"{kind}_temp_path {etc}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    configuration = f"pid {etc}/nginx.pid;\nerror_log {etc}/error.log;\nevents {{ }}\nhttp {{\naccess_log off;\nset_real_ip_from 127.0.0.0/8;\nreal_ip_header X-Test-Address;\n{temporary}{text}\n}}\n"
    os.makedirs(os.path.join(etc, "rcq"))
    for name in os.listdir(os.path.join(DEPLOY, "http", "rcq")):
        with open(os.path.join(http.state, "http", "rcq", name), encoding="utf-8") as file:
            lines = [line for line in file if not re.match(r" *allow ", line)]
        with open(os.path.join(etc, "rcq", name), "w", encoding="utf-8") as file:
            file.writelines(lines)
    with open(os.path.join(etc, "nginx.conf"), "w", encoding="utf-8") as file:
        file.write(configuration)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{certificate}.key", "-out", f"{certificate}.pem"], check=True, capture_output=True)
    if os.geteuid() == 0:
        account = harness.run_as()
        subprocess.run(["chown", "-R", f"{account['user']}:{account['group']}", etc], check=True)
    process = subprocess.Popen(["/usr/sbin/nginx", "-g", "daemon off;", "-e", f"{etc}/error.log", "-c", f"{etc}/nginx.conf"], **harness.run_as())
    try:
        trusted = ssl.create_default_context(cafile=f"{certificate}.pem")

        def ask(method, path, token=None, body=None, secure=True, address=None):
            place = "localhost", port if secure else plain
            connection = http_client.HTTPSConnection(*place, context=trusted, timeout=15) if secure else http_client.HTTPConnection(*place, timeout=15)
            with contextlib.closing(connection):
                connection.request(method, path, body=body, headers={**({"Authorization": f"Bearer {token}"} if token else {}), **({"X-Test-Address": address} if address else {})})
                answer = connection.getresponse()
                return stack.Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

        def answers():
            assert process.poll() is None, "nginx ended"
            with contextlib.suppress(ConnectionRefusedError):
                return ask("GET", "/nothing").status == 404
        harness.wait_for(answers, "the site answers")
        yield ask
    finally:
        process.terminate()
        process.wait()


def test_the_site_serves_over_tls_and_sends_others_there(site, user):
    answer = site("GET", "/api/auth/me", user.token)
    assert answer.status == 200 and answer.json["email"] == user.email
    assert answer.headers["strict-transport-security"].startswith("max-age=") and answer.headers["x-content-type-options"] == "nosniff"
    elsewhere = site("GET", "/api/jobs?limit=1", secure=False)
    assert elsewhere.status == 301 and elsewhere.headers["location"] == "https://localhost/api/jobs?limit=1"


def test_figures_are_for_tokens_of_scope_metrics_or_admin(site, user, admin):
    refused = site("GET", "/metrics")
    assert refused.status == 401 and refused.error
    for scope, status in (("metrics", 200), ("admin", 200), ("read", 403), ("submit", 403)):
        token = admin.post("/api/auth/tokens", {"name": scope, "scope": scope}).json["token"]
        assert site("GET", "/metrics", token).status == status, scope
    assert site("GET", "/metrics", user.token).status == 403
    assert site("GET", "/metrics", "garbage").status == 401
    metrics = admin.post("/api/auth/tokens", {"name": "prometheus", "scope": "metrics"}).json["token"]
    assert site("GET", "/api/jobs", metrics).status == 403, "and such a token is for nothing else"


def test_a_token_of_scope_metrics_ends_with_the_rights_of_its_administrator(site, db, admin):
    token = admin.post("/api/auth/tokens", {"name": "prometheus", "scope": "metrics"}).json["token"]
    assert site("GET", "/metrics", token).status == 200
    db.sql("SELECT rcq.set_user(%s, is_admin => false)", admin.email)
    assert site("GET", "/metrics", token).status == 403
    db.sql("SELECT rcq.set_user(%s, is_admin => true)", admin.email)
    assert site("GET", "/metrics", token).status == 200


def test_whoever_has_a_network_of_addresses_counts_as_one(site):
    def log_in(network, host):
        return site("POST", "/api/auth/login", body=json.dumps({"email": f"nobody{host}@example.org", "password": "none of theirs"}), address=network + format(host, "x")).status
    assert 429 in [log_in("2001:db8:1:2:ffff::", host) for host in range(1, 20)]
    assert log_in("2001:db8:1:3::", 1) == 401, "others are not refused for that"
    # an address of IPv4 is one, also where it is written as one of IPv6
    assert {log_in(network, host) for network in ("192.0.2.", "::ffff:192.0.2.") for host in range(2, 10)} == {401}


def test_systemd_understands_the_unit_of_postgrest(http, tmp_path):
    with open(os.path.join(DEPLOY, "systemd", "rcq-postgrest.service"), encoding="utf-8") as file:
        text = file.read()
    unit = tmp_path / "rcq-postgrest.service"

    def complaints():
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"})
        return done.returncode, [line for line in done.stderr.splitlines() if unit.name in line]
    unit.write_text(text.replace("/usr/local/bin/postgrest", http.environment["RCQ_POSTGREST"]))
    assert complaints() == (0, [])
    unit.write_text(text.replace("/usr/local/bin/postgrest", "/no/such/program"))
    assert complaints() != (0, []), "a mistake would be seen"


def test_the_packed_postgrest_is_pinned_by_its_sum_whichever_registry_npm_is_set_up_with():
    with open(os.path.join(DEPLOY, "http", "package-lock.json"), encoding="utf-8") as file:
        lock = file.read()
    assert "sha512-YdoDWSnozHr5oQO+oNPeE3U8X+Kzjyh8XUW" in lock
    assert "://" not in lock


def test_no_file_of_the_configuration_holds_a_secret_or_more_rights_than_it_needs(http):
    for folder, _, files in os.walk(os.path.join(http.state, "http")):
        for name in files:
            assert not stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) & 0o022, name
    with open(os.path.join(http.state, "http", "postgrest.conf"), encoding="utf-8") as file:
        settings = [line for line in file if not line.startswith("#")]
    assert not [line for line in settings if re.search("@[A-Z_]+@", line)], "everything was filled in"
