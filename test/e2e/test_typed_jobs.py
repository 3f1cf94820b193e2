"""Jobs of a type through a real executor: payload in, result out."""
import base64
import json
import os
import shutil
import struct
import time
import zlib

import harness
import pytest


@pytest.fixture(autouse=True)
def handlers(server):
    """rcq-handler beside rcq-executor, as it is installed."""
    target = os.path.join(server.dir, "rcq-handler")
    if not os.path.exists(target):
        shutil.copy2(os.path.join(harness.ROOT, "build", "rcq-handler"), target)
        os.chmod(target, 0o755)


def submit(db, job_type, payload, user="postgres", **options):
    names = "".join(f", {name} => %s" for name in options)
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return db.one(f"SELECT rcq.submit_task(%s, %s::jsonb{names})", job_type, text, *options.values(), user=user)


def completed(db, job, timeout=60.0):
    row = db.ended(job, timeout)
    assert row["status"] == "completed", (row["status"], row["reason"], row["message"], db.logs(job))
    return row


def png(width, height, pixel):
    """A PNG of these pixels (red, green, blue)."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    rows = b"".join(b"\0" + b"".join(bytes(pixel(x, y)) for x in range(width)) for y in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_numbers_are_added(db):
    db.executor("a")
    job = submit(db, "add_numbers", {"numbers": [1, 2.5, -0.25]})
    row = completed(db, job)
    assert row["result"] == {"sum": 3.25} and row["type"] == "add_numbers" and row["payload"] == {"numbers": [1, 2.5, -0.25]}
    big = submit(db, "add_numbers", '{"numbers": [9007199254740993, 9007199254740993]}')
    assert completed(db, big)["result"] == {"sum": 18014398509481986}


def test_a_text_is_reversed(db):
    db.executor("a")
    assert completed(db, submit(db, "reverse_string", {"text": "Grüße, 世界"}))["result"] == {"text": "界世 ,eßürG"}


def test_an_image_is_resized(db):
    db.executor("a")
    image = png(90, 60, lambda x, y: (255, 0, 0) if x < 45 else (0, 0, 255))
    result = completed(db, submit(db, "resize_image", {"image": base64.b64encode(image).decode(), "width": 30}))["result"]
    assert (result["width"], result["height"], result["format"]) == (30, 20, "png")
    scaled = base64.b64decode(result["image"], validate=True)
    assert scaled.startswith(b"\x89PNG\r\n\x1a\n") and struct.unpack(">II", scaled[16:24]) == (30, 20)
    jpeg = completed(db, submit(db, "resize_image", {"image": result["image"], "height": 10, "format": "jpeg"}))["result"]
    assert (jpeg["width"], jpeg["height"], jpeg["format"]) == (15, 10, "jpeg")
    assert base64.b64decode(jpeg["image"]).startswith(b"\xff\xd8\xff")


def test_what_a_handler_cannot_work_on_fails_and_says_why(db):
    db.executor("a")
    job = submit(db, "resize_image", {"image": base64.b64encode(b"no image").decode(), "width": 30})
    row = db.ended(job)
    assert (row["status"], row["reason"], row["exit_code"], row["result"]) == ("failed", "exit_code", 1, None)
    assert db.logs(job) == ["rcq-handler: image is none of PNG, JPEG, WebP, GIF and BMP, or is cut short"]


def test_large_array_sum_uses_the_cores_that_it_gets_and_fewer_where_there_are_fewer(db):
    small = db.executor("small", cores=2)
    numbers = list(range(1000))
    row = completed(db, submit(db, "large_array_sum", {"numbers": numbers}))
    assert row["result"] == {"sum": 499500, "chunks": 2} and row["granted_cores"] == 2
    small.signal(15)
    small.wait_exit()
    db.executor("large", cores=8)
    row = completed(db, submit(db, "large_array_sum", {"numbers": numbers}))
    assert row["result"] == {"sum": 499500, "chunks": 4}
    assert completed(db, submit(db, "large_array_sum", {"numbers": numbers}, cpu_cores=8))["result"] == {"sum": 499500, "chunks": 8}


@pytest.mark.alone
def test_a_payload_of_50_mb_and_a_result_of_50_mb_pass(db):
    db.set(lost_after="2 min", lease="1 min")  # an executor is silent while 50 MB are on their way
    db.executor("a")
    count = 5_300_000
    text = '{"numbers": [' + ",".join(str(100_000_000 + i) for i in range(count)) + "]}"
    assert len(text) > 50 << 20
    begin = time.monotonic()
    job = submit(db, "large_array_sum", text)
    accepted = time.monotonic()
    db.ended(job, 240)
    ended = time.monotonic()
    assert completed(db, job)["result"] == {"sum": count * 100_000_000 + count * (count - 1) // 2, "chunks": 4}
    words = "".join(chr(97 + i % 26) for i in range(1_000_003)) * 53
    reverse = submit(db, "reverse_string", {"text": words})
    completed_in = time.monotonic()
    harness.wait_for(lambda: db.one("SELECT status FROM rcq.jobs WHERE id = %s", reverse) == "completed", "the 50 MB text is reversed", 240)
    print(f"50 MB payload: submit {accepted - begin:.1f} s, to the end {ended - accepted:.1f} s; 50 MB result {time.monotonic() - completed_in:.1f} s")
    assert db.one("SELECT length(result->>'text') FROM rcq.jobs WHERE id = %s", reverse) == len(words)
    assert db.one("SELECT result->>'text' = reverse(payload->>'text') FROM rcq.jobs WHERE id = %s", reverse)
    assert db.one("SELECT count(*) FROM rcq.runs WHERE job_id IN (%s, %s)", job, reverse) == 2


def test_numbers_reach_the_handler_and_come_back_as_they_were_written(db):
    db.executor("a")
    db.sql("SELECT rcq.register_type('echo', 'cp $RCQ_PAYLOAD $RCQ_RESULT')")
    precise = '{"a": 0.1234567890123456789012345, "b": 123456789012345678901234567890, "c": 1.50, "d": [{}, [], null, "\\u00fc\\"\\\\"]}'
    job = submit(db, "echo", precise)
    completed(db, job)
    assert db.one("SELECT result::text = payload::text AND result::text = %s::jsonb::text FROM rcq.jobs WHERE id = %s", precise, job)


def test_a_job_of_a_type_knows_its_type_and_any_job_may_have_a_result(db):
    db.executor("a")
    db.sql("SELECT rcq.register_type('look', 'printf ''{\"type\": \"%s\", \"payload\": %s}'' $RCQ_JOB_TYPE \"$(cat $RCQ_PAYLOAD)\" > $RCQ_RESULT')")
    assert completed(db, submit(db, "look", {"x": 1}))["result"] == {"type": "look", "payload": {"x": 1}}
    plain = db.submit("echo \"[1, $RCQ_CPU_CORES]\" > $RCQ_RESULT; echo \"${RCQ_JOB_TYPE-none} ${RCQ_PAYLOAD-none}\"")
    assert completed(db, plain)["result"] == [1, 1]
    assert db.logs(plain) == ["none none"]
    assert completed(db, db.submit("true"))["result"] is None


@pytest.mark.parametrize("script, said", [
    ("echo hello > $RCQ_RESULT", "the result is not JSON: parse error at line 1, column 1"),
    (": > $RCQ_RESULT", "the result is not JSON"),
    ("printf '\"\\\\u0000\"' > $RCQ_RESULT", "the result contains \\u0000"),
    ("printf '\"\\377\"' > $RCQ_RESULT", "the result is not JSON"),
    ("ln -s /etc/hostname $RCQ_RESULT", "the result cannot be read"),
    ("truncate -s 65M $RCQ_RESULT", "more than 64 MiB"),
    ("printf 1e-20000 > $RCQ_RESULT", "the result contains the number 1e-20000, which cannot be stored"),
    ("(printf '[1'; yes ,1 | head -n 999999 | tr -d '\\n'; printf ']') > $RCQ_RESULT", "the result has more than 1000000 JSON values"),
])
def test_a_result_that_cannot_be_stored_fails_the_job(db, script, said):
    executor = db.executor("a")
    job = db.submit(script)
    row = db.ended(job)
    assert (row["status"], row["reason"], row["exit_code"], row["result"]) == ("failed", "bad_result", 0, None)
    assert said in row["message"]
    assert "event=call_failed" not in executor.log(), "the server was not asked to"


def test_what_an_executor_takes_as_a_result_the_server_takes(db):
    db.executor("a")
    job = db.submit("printf '[1e-16383, 0.5e-16382, 0e-16383, -1e308, 0e1073741822, 1e-400]' > $RCQ_RESULT")
    assert db.ended(job)["status"] == "completed"
    largest = db.submit("(printf '[1'; yes ,1 | head -n 999998 | tr -d '\\n'; printf ']') > $RCQ_RESULT")
    assert db.ended(largest, 60)["status"] == "completed"
    assert db.one("SELECT jsonb_array_length(result) FROM rcq.jobs WHERE id = %s", largest) == 999_999


def test_a_result_that_only_the_server_refuses_fails_its_job_and_holds_up_no_other(db):
    gate = db.gate()
    role = f"{db.name}_a"
    db.sql("SELECT rcq.create_executor_login(%s, 'secret')", role)
    db.sql(f"ALTER ROLE {role} SET max_stack_depth = '100kB'")  # a bound of the server that no executor knows
    executor = db.executor("a")
    bad = db.submit(gate.script + """; python3 -c "open('$RCQ_RESULT', 'w').write('[' * 999 + '[\\"%s\\"]' % ('x' * (2 << 20)) + ']' * 999)" """)
    good = [db.submit(gate.script + "; echo 7 > $RCQ_RESULT") for _ in range(3)]
    harness.wait_for(lambda: db.one("SELECT count(*) FROM rcq.jobs WHERE status = 'running'") == 4, "all run")
    gate.open()
    row = db.ended(bad, 120)
    assert (row["status"], row["reason"], row["result"]) == ("failed", "bad_result", None)
    assert row["message"].startswith("the server cannot store the result: stack depth limit exceeded")
    assert [completed(db, job)["result"] for job in good] == [7, 7, 7]
    assert db.one("SELECT array_agg(attempt) FROM rcq.jobs") == [1, 1, 1, 1]
    assert executor.log().count("event=call_failed") == 1, "the large result went alone, and once"


def test_no_result_is_taken_of_a_failed_run(db):
    db.executor("a")
    row = db.ended(db.submit("echo 7 > $RCQ_RESULT; exit 3"))
    assert (row["status"], row["reason"], row["exit_code"], row["result"]) == ("failed", "exit_code", 3, None)


def test_nothing_of_a_payload_stays_on_the_host(db):
    executor = db.executor("a")
    completed(db, submit(db, "reverse_string", {"text": "secret"}))
    harness.wait_for(lambda: not os.listdir(os.path.join(executor.state_dir, "runs")), "the run directory is removed")


@pytest.mark.alone
def test_many_large_payloads_reach_an_executor_one_answer_after_the_other(db):
    gate = db.gate()
    db.sql("SELECT rcq.register_type('wait', %s)", f"{gate.script}; wc -c < $RCQ_PAYLOAD > $RCQ_RESULT")
    text = json.dumps({"text": "x" * (20 << 20)})
    jobs = [submit(db, "wait", text, memory_gb=0.1) for _ in range(8)]
    db.executor("a", cores=8)
    for job in jobs:
        harness.wait_for(lambda job=job: db.one("SELECT status FROM rcq.jobs WHERE id = %s", job) == "running", f"job {job} running", 60)
    gate.open()
    for job in jobs:
        harness.wait_for(lambda job=job: db.one("SELECT status FROM rcq.jobs WHERE id = %s", job) == "completed", f"job {job} completed", 60)
        assert db.one("SELECT result FROM rcq.jobs WHERE id = %s", job) == len(text)
    assert db.one("SELECT count(*) FROM rcq.runs") == 8
