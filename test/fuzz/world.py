"""A queue with something of everything in it, and people of every kind: what the fuzzers of SQL work on."""
import contextlib
import os

import harness
from puppet import Puppet

ROLES = ("superuser", "admin", "manager", "user", "other", "executor", "nobody", "stranger")
SESAME = "sesame"  # every secret begins so
ARRAY = '"array"'  # a word of SQL
SECRETS = ("script", "env", "name", "log", "result", "message", "key", "project", "tag", "workdir", "payload", "schedule", "password", "disabled", "token")


class World:
    """`logins` are SQL roles: an administrator, two ordinary users of one group (the second one, `other`, has secrets), one who is a
    member of rcq_admin without being an administrator here (`manager`), an executor without a process, and somebody whom rcq does not
    know. `nobody` is who comes over HTTP without a token."""

    def __init__(self, server, name, encoding="UTF8"):
        self.server, self.encoding = server, encoding
        connection = server.connect()
        connection.cursor().execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}'" + (" LC_COLLATE 'C' LC_CTYPE 'C'" if encoding != "UTF8" else ""))
        connection.close()
        self.db = harness.Database.existing(server, name)
        self.db.sql("CREATE EXTENSION rcq")
        self.db.sql("CREATE EXTENSION pgcrypto")
        self.logins = {"superuser": "postgres"}
        self.puppets, self.runs = [], 0
        self._people()
        self._work()

    def secret(self, kind):
        """What only `other` and administrators may see."""
        return f"{SESAME}{SECRETS.index(kind)}{self.db.name}"

    def _people(self):
        db = self.db
        db.set(claim_timeout="2 s", lease="5 s", lost_after="8 s", max_losses="1000", password_cost="4")
        db.sql("SELECT rcq.add_group('lab', 1000, quota_mode => 'hard'), rcq.add_group('part', parent => 'lab')")
        for name in ("admin", "manager", "user", "other", "leaver"):
            self.logins[name] = db.user(name, "lab", is_admin=name == "admin")
        db.sql(f'GRANT rcq_admin TO "{self.logins["manager"]}"')
        db.sql("SELECT rcq.set_user(%s, disabled => %s)", self.logins["leaver"], self.secret("disabled"))
        db.sql("SELECT rcq.set_user(%s, email => 'other@example.org')", self.logins["other"])
        db.sql("SELECT rcq.set_password(%s, %s)", self.logins["other"], self.secret("password"))
        db.sql("SELECT rcq.add_http_user('someone@example.org', 'a fine long password')")
        self.logins["executor"], self.logins["stranger"] = f"{db.name}_fuzzed", f"{db.name}_stranger"
        db.sql("SELECT rcq.create_executor_login(%s)", self.logins["executor"])
        db.sql(f'CREATE ROLE "{self.logins["stranger"]}" LOGIN')
        db.roles += [self.logins["executor"], self.logins["stranger"]]
        db.sql("ALTER ROLE rcq_authenticator LOGIN")

    def _work(self):
        """Jobs in every state, before anybody runs them."""
        db, user, other = self.db, self.logins["user"], self.logins["other"]
        secret = self.secret
        db.sql("SELECT rcq.set_consumable('licence', 2), rcq.set_concurrency_limit('one', 1), rcq.set_gpu_billing('a100', 2)")
        db.sql("SELECT rcq.reserve(pg_catalog.now() + interval '1 day', pg_catalog.now() + interval '2 days', group_name => 'lab', reason => 'course')")
        db.sql("SELECT rcq.register_type('fuzzed_type', 'true', '{\"type\": \"object\", \"properties\": {\"note\": {\"type\": \"string\"}}}')")
        for who in (user, other):
            first = db.submit("true", user=who, name="first", tags=["tagged"], project="thesis", max_retries=2)
            db.submit("true", user=who, **{ARRAY: "1-5%2"}, name="array")
            db.submit("true", user=who, depends_on=f"afterany:{first}", consumables='{"licence": 1}')
            db.submit("true", user=who, concurrency_key="one", idempotency_key="once", estimated_hours=0.1)
            db.submit("true", user=who, hold=True)
            db.submit("true", user=who, cpu_cores=100000)
            db.submit("true", user=who, **{ARRAY: "0-9"}, hold=True)
            db.sql("SELECT rcq.cancel(%s)", db.submit("true", user=who), user=who)
            db.sql("SELECT rcq.schedule('yearly', '@yearly', 'true')", user=who)
            db.sql("SELECT rcq.create_api_token('mine')", user=who)
        for options in ({}, {"hold": True}, {ARRAY: "1-3", "hold": True}, {"cpu_cores": 100000}):
            db.submit(f"echo {secret('script')}", user=other, name=secret("name"), env='{"SECRET": "%s"}' % secret("env"), project=secret("project"), tags=[secret("tag")], workdir="/" + secret("workdir"),
                      **options, **({} if ARRAY in options else {"idempotency_key": secret("key") + str(len(options)) + str(options.get("cpu_cores", ""))}))
        db.sql("SELECT rcq.submit_task('fuzzed_type', %s)", '{"note": "%s"}' % secret("payload"), user=other)
        db.sql("SELECT rcq.submit_task('fuzzed_type', %s, hold => true)", '{"note": "%s"}' % secret("payload"), user=other)
        db.sql("SELECT rcq.schedule(%s, '@yearly', %s)", secret("schedule"), secret("script"), user=other)
        db.sql("SELECT rcq.create_api_token(%s)", secret("token"), user=other)
        db.sql("SELECT rcq.set_user(%s, unix_user => 'rcq')", other)

    def start(self):
        """Executors that run all there is; returns when they have begun."""
        self.puppets = [self._puppet(name, number) for number, name in enumerate(("swift", "slow"))]
        harness.wait_for(lambda: any(puppet.taken for puppet in self.puppets), "executors take runs", 60)

    def _puppet(self, name, seed):
        puppet = Puppet(self.db, name, seed=seed, secrets=(self.secret("log"), self.secret("result"), self.secret("message")))
        puppet.start()
        return puppet

    def stop(self):
        """Ends the executors; the errors that had ended some before."""
        ended, self.puppets = self.puppets, []
        self.runs += sum(puppet.taken for puppet in ended)
        return [puppet.failure for puppet in ended if not puppet.stop()]

    def restart(self):
        """Executors that nobody has removed nor spoken for; the errors that had ended those of before."""
        failures = self.stop()
        self.puppets = [self._puppet(name, number) for number, name in enumerate(("swift", "slow"), 2)]
        return failures

    def connect(self, who):
        """A session of one of ROLES."""
        if who == "nobody":
            connection = self.server.connect(self.db.name, "rcq_authenticator")
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION ROLE rcq_anon")
            return connection
        return self.server.connect(self.db.name, self.logins[who])

    def known(self):
        """What exists, by the names of arguments that may name it."""
        one = lambda query: [row["v"] for row in self.db.sql(query)]  # noqa: E731
        groups, people = one("SELECT name AS v FROM rcq_private.groups"), one("SELECT role_name AS v FROM rcq_private.users WHERE role_name IS NOT NULL") + ["someone@example.org"]
        executors, settings = one("SELECT name AS v FROM rcq_private.executor"), one("SELECT name AS v FROM rcq_private.setting_definition")
        jobs = one("SELECT id AS v FROM rcq_private.job ORDER BY random() LIMIT 60")
        runs = one("SELECT token AS v FROM rcq_private.live WHERE token IS NOT NULL LIMIT 20") + one("SELECT incarnation AS v FROM rcq_private.executor WHERE incarnation IS NOT NULL")
        return {"group_name": groups, "parent": groups, "user_name": people, "role_name": people, "executor": executors, "group": groups, "user": people,
                "name": groups + people + executors + settings + ["yearly", "licence", "fuzzed_type"], "schedule": ["yearly"], "key": ["one"], "idempotency_key": ["once"], "concurrency_key": ["one"],
                "value": one("SELECT default_value AS v FROM rcq_private.setting_definition") + ["0", "1", "off"], "ids": jobs + runs, "id": [str(job) for job in jobs], "job": [str(job) for job in jobs],
                "job_id": [str(job) for job in jobs], "token": [str(run) for run in runs], "depends_on": [f"afterok:{job}" for job in jobs[:5]] + [f"aftercorr:{job}" for job in jobs[5:9]], "small_ids": [str(job) for job in jobs if job < 1000]}

    def make_well(self):
        """Takes back what administrators have done to the queue as a whole, so that everything can end."""
        db = self.db
        db.sql("DELETE FROM rcq_private.setting")
        db.sql("DELETE FROM rcq_private.paused")
        db.sql("DELETE FROM rcq_private.reservation")
        db.sql("DELETE FROM rcq_private.consumable WHERE executor_id <> 0")
        db.sql("UPDATE rcq_private.consumable SET total = 1000000")
        db.sql("DELETE FROM rcq_private.concurrency_limit")
        db.sql("UPDATE rcq_private.groups SET paused = NULL, quota_mode = 'soft', quota_cpu_hours = NULL, max_jobs = NULL, max_cores = NULL, max_gpus = NULL")
        db.sql("UPDATE rcq_private.users SET disabled = NULL, max_jobs = NULL, max_cores = NULL, max_gpus = NULL, max_pending = NULL, max_priority = 10")
        db.sql("UPDATE rcq_private.executor SET drained = NULL, drain_at = NULL, drain_requeues = false, leaving = NULL")
        db.sql("UPDATE rcq_private.executor SET signed_off = true, hostname = 'fuzzed' WHERE name = %s", self.logins["executor"])
        db.sql("UPDATE rcq_private.schedule SET paused_since = pg_catalog.now() WHERE paused_since IS NULL")
        db.set(claim_timeout="2 s", lease="5 s", lost_after="8 s", max_losses="1000", password_cost="4")

    def drop(self):
        with contextlib.suppress(Exception):
            self.stop()
        self.db.drop()

    def log_since(self, mark):
        with open(self.server.log_path, encoding="utf-8", errors="replace") as log:
            log.seek(mark)
            return log.read()

    def log_size(self):
        return os.path.getsize(self.server.log_path)
