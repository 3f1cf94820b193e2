"""What jobs say of themselves: how far they are, and a result, by rcq-job or by writing the files."""
import os

import psycopg2
import pytest
from harness import wait_for


def said(db, job):
    row = db.job(job)
    return row["progress"], row["progress_message"]


def says(db, job, percent, message=None, timeout=20.0):
    try:
        wait_for(lambda: said(db, job) == (percent, message), f"job {job} says {percent} {message!r}", timeout)
    except AssertionError as error:
        raise AssertionError(f"{error}; it says {said(db, job)}, its log is {db.logs(job)}") from None


def steps(db, *commands):
    """Gates, and a script that runs a command, waits for its gate, and so on."""
    gates = [db.gate() for _ in commands]
    return gates, "set -e\n" + "\n".join(f"{command}\n{gate.script}" for command, gate in zip(commands, gates))


def table_is_empty(db):
    wait_for(lambda: db.one("SELECT count(*) FROM rcq_private.progress") == 0, "nothing is left of it", 40)


def test_a_job_is_seen_saying_how_far_it_is(db):
    db.executor("a")
    gates, script = steps(db, "rcq-job progress 10", "rcq-job progress 40 'epoch 4, für 日本'", "rcq-job progress 100 done")
    job = db.submit(script)
    db.running(job)
    for gate, percent, message in zip(gates, (10, 40, 100), (None, "epoch 4, für 日本", "done")):
        says(db, job, percent, message)
        (state,) = db.sql("SELECT status, progress, progress_message FROM rcq.job_states(ARRAY[%s]::bigint[])", job)
        assert tuple(state.values()) == ("running", percent, message)
        assert db.one("SELECT rcq_private.rest_get_job(jsonb_build_object('id', %s)) ->> 'progress'", job) == str(percent)
        gate.open()
    row = db.ended(job)
    assert (row["status"], row["progress"], row["progress_message"]) == ("completed", None, None), db.logs(job)
    table_is_empty(db)


def test_a_result_of_a_script_is_stored_as_it_was_written(db):
    db.executor("a")
    job = db.submit("""rcq-job result '{"loss": 0.1}' && rcq-job result - <<'END'\n{"loss": 0.10, "big": 9007199254740993}\nEND""")
    row = db.ended(job)
    assert (row["status"], db.one("SELECT result::text FROM rcq.jobs WHERE id = %s", job)) == ("completed", '{"big": 9007199254740993, "loss": 0.10}'), db.logs(job)
    bad = db.submit("exec 2>&1; rcq-job progress 140; echo code $?; rcq-job result '{loss}'; echo code $?")
    row = db.ended(bad)
    assert (row["status"], row["result"]) == ("completed", None)
    log = db.logs(bad)
    assert log[0] == 'rcq-job: PERCENT is a whole number from 0 to 100, not "140"' and log.count("code 2") == 2, log


def test_programs_may_write_the_file_themselves_with_or_without_care(db):
    db.executor("a")
    gates, script = steps(db, 'echo "20 by hand" > "$RCQ_PROGRESS"', 'echo 21 > "$RCQ_PROGRESS.new" && mv "$RCQ_PROGRESS.new" "$RCQ_PROGRESS"')
    job = db.submit(script)
    says(db, job, 20, "by hand")
    gates[0].open()
    says(db, job, 21)
    gates[1].open()
    db.ended(job)


TRICKS = ('ln -s /etc/hostname "$RCQ_PROGRESS"', 'ln -s . "$RCQ_PROGRESS"', 'mkfifo "$RCQ_PROGRESS"', 'mkdir "$RCQ_PROGRESS"', 'head -c 100000 /dev/zero > "$RCQ_PROGRESS"',
          'echo 101 > "$RCQ_PROGRESS"', ': > "$RCQ_PROGRESS"', 'chmod 000 .', 'cd / && rm -r "$RCQ_RUN_DIR"')


def test_whatever_stands_in_the_place_of_the_file_harms_nobody(db):
    executor = db.executor("a", cores=len(TRICKS) + 1, memory_gb=16)
    gate, last = db.gate(), db.gate()
    tricked = [db.submit(f'rcq-job progress 30 before; {gate.script}; rm -f "$RCQ_PROGRESS"; {trick}; {last.script}') for trick in TRICKS]
    gates, script = steps(db, "rcq-job progress 1", "rcq-job progress 2")
    other = db.submit(script)
    for job in tricked:
        says(db, job, 30, "before")
    says(db, other, 1)
    gate.open()
    gates[0].open()
    says(db, other, 2)
    assert [said(db, job) for job in tricked] == [(30, "before")] * len(TRICKS), "the last that they said"
    gates[1].open()
    last.open()
    assert db.ended(other)["status"] == "completed"
    for job in tricked:
        db.ended(job)
    assert executor.process.poll() is None


def test_a_message_that_is_no_text_is_made_one(db):
    db.executor("a")
    gates, script = steps(db, r"""rcq-job progress 5 "$(printf 'f\374r \033[31m red\nline')" """)
    job = db.submit(script)
    says(db, job, 5, "f\ufffdr  [31m red line")
    gates[0].open()
    db.ended(job)


def test_a_flood_of_reports_costs_the_server_one_a_second(db):
    db.executor("a")
    flood = """/usr/bin/python3 - <<'END'
import os
path = os.environ["RCQ_PROGRESS"]
for i in range(1, 10001):
    with open(path + ".new", "w") as file:
        file.write(f"{i // 100} step {i}\\n")
    os.replace(path + ".new", path)
END"""
    gates, script = steps(db, flood)
    db.sql("CREATE SEQUENCE public.writes; CREATE FUNCTION public.count() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.writes'); RETURN NULL; END $$;"
           "CREATE TRIGGER count AFTER INSERT OR UPDATE ON rcq_private.progress FOR EACH ROW EXECUTE FUNCTION public.count()")
    job = db.submit(script)
    says(db, job, 100, "step 10000", 120)
    seconds = db.one("SELECT date_part('epoch', clock_timestamp() - started_at) FROM rcq.jobs WHERE id = %s", job)
    assert 1 <= db.one("SELECT last_value FROM public.writes") <= seconds + 2
    gates[0].open()
    db.ended(job)


def test_an_executor_that_was_killed_is_followed_by_one_that_goes_on(db):
    executor = db.executor("a")
    gates, script = steps(db, "rcq-job progress 10 first", "rcq-job progress 20 second", "rcq-job progress 30 third")
    job = db.submit(script, requeue=False)
    says(db, job, 10, "first")
    executor.kill()
    gates[0].open()
    directory = os.path.join(executor.state_dir, "runs")
    wait_for(lambda: open(os.path.join(directory, os.listdir(directory)[0], "job", "progress"), encoding="utf-8").read().startswith("20"), "it says more while nobody listens")
    assert said(db, job) == (10, "first")
    executor.start()
    says(db, job, 20, "second")
    gates[1].open()
    says(db, job, 30, "third")
    gates[2].open()
    assert (db.ended(job)["status"], db.job(job)["attempt"]) == ("completed", 1)


def test_an_attempt_begins_with_nothing_said(db):
    db.executor("a")
    gate, last = db.gate(), db.gate()
    job = db.submit(f'if [ "$RCQ_ATTEMPT" = 1 ]; then rcq-job progress 90 "nearly"; {gate.script}; exit 1; fi; {last.script}', max_retries=1)
    says(db, job, 90, "nearly")
    gate.open()
    wait_for(lambda: db.job(job)["attempt"] == 2 and db.job(job)["status"] == "running", "the second attempt runs")
    assert said(db, job) == (None, None)
    table_is_empty(db)
    assert said(db, job) == (None, None)
    last.open()
    assert db.ended(job)["status"] == "completed"


def test_a_directory_that_is_used_again_says_nothing_of_the_run_before(db):
    db.executor("a", cores=1)
    first = db.submit("rcq-job progress 77 'of the first'; rcq-job result 1")
    assert db.ended(first)["status"] == "completed"
    gate = db.gate()
    second = db.submit(f'ls; [ ! -e "$RCQ_PROGRESS" ] && [ ! -e "$RCQ_RESULT" ]; {gate.script}')
    db.running(second)
    other_gates, script = steps(db, "rcq-job progress 1")
    db.executor("b")
    other = db.submit(script)
    says(db, other, 1)
    assert said(db, second) == (None, None)
    other_gates[0].open()
    gate.open()
    assert (db.ended(second)["status"], db.ended(second)["result"]) == ("completed", None)


def test_a_server_that_is_away_hears_the_latest_when_it_is_back(db):
    executor = db.executor("a")
    gates, script = steps(db, "rcq-job progress 10", "rcq-job progress 20")
    job = db.submit(script)
    says(db, job, 10)
    db.sql(f'ALTER ROLE "{executor.role}" NOLOGIN')
    db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", executor.role)
    gates[0].open()
    db.sql(f'ALTER ROLE "{executor.role}" LOGIN')
    says(db, job, 20)
    gates[1].open()
    db.ended(job)


def test_others_do_not_see_it(db):
    db.executor("a")
    ann, ben = db.user("ann"), db.user("ben")
    gates, script = steps(db, "rcq-job progress 10 secret")
    job = db.submit(script, user=ann)
    says(db, job, 10, "secret")
    assert db.one("SELECT progress_message FROM rcq.jobs WHERE id = %s", job, user=ann) == "secret"
    assert not db.sql("SELECT progress FROM rcq.jobs WHERE id = %s", job, user=ben)
    assert not db.sql("SELECT progress FROM rcq.job_states(ARRAY[%s]::bigint[])", job, user=ben)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        db.sql("SELECT rcq.executor_progress(1, 1, '{1}', '{1}', '{1}', '{NULL}')", user=ann)
    gates[0].open()
    db.ended(job)


def test_a_server_that_does_not_know_progress_is_not_told(db):
    db.sql("ALTER EXTENSION rcq DROP FUNCTION rcq.executor_progress(integer, bigint, bigint[], bigint[], integer[], bytea[])")
    db.sql("ALTER FUNCTION rcq.executor_progress(integer, bigint, bigint[], bigint[], integer[], bytea[]) RENAME TO progress_of_later")
    executor = db.executor("a")
    gates, script = steps(db, "rcq-job progress 10", "rcq-job progress 20")
    job = db.submit(script)
    db.running(job)
    wait_for(lambda: "executor_progress" in executor.log(), "it finds out")
    gates[0].open()
    gates[1].open()
    assert db.ended(job)["status"] == "completed"
    assert executor.log().count("executor_progress") == 1 and executor.log().count("event=registered") == 1
