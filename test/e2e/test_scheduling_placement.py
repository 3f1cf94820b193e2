"""Where jobs run: constraints, GPU models, whole executors, moldable jobs; and where nothing runs: reservations, pauses."""
import harness
import pytest


def test_constraints_choose_among_executors(db):
    executors = {name: db.executor(name, "--features", features).role for name, features in (("a", "avx512,ssd"), ("b", "nvme,shared"), ("c", "ssd,shared"))}
    jobs = {}
    for constraints, where in (("avx512&ssd", "a"), ("ssd&!avx512", "c"), ("(avx512|nvme)&shared", "b"), ("shared&!nvme", "c"), ("!shared", "a"), ("!ssd", "b")):
        jobs[db.submit("true", constraints=constraints)] = (constraints, executors[where])
    for job, (constraints, where) in jobs.items():
        row = db.ended(job)
        assert (row["status"], row["executor"]) == ("completed", where), constraints
    db.waiting(db.submit("true", constraints="avx512&nvme"), "never_fits")


def test_a_job_gets_a_gpu_of_a_model_it_asked_for(db):
    executors = [db.executor(name, "--gpu-type", model, gpus=2).role for name, model in (("a", "a100"), ("b", "t4"))]
    asked = {db.submit("true", gpu_count=1, gpu_type=model): where for model, where in (("a100", executors[0]), ("t4", executors[1]), ("t4", executors[1]))}
    for job, where in asked.items():
        assert db.ended(job)["executor"] == where
    gate = db.gate()
    either = [db.submit(gate.script, gpu_count=1, gpu_type="a100|t4", memory_gb=0.1) for _ in range(4)]
    for job in either:
        db.running(job)
    waits = db.submit("true", gpu_count=1, gpu_type="t4")
    db.waiting(waits, "resources")
    assert sorted(db.job(job)["executor"] for job in either) == sorted(2 * executors)
    gate.open()
    assert db.ended(waits)["executor"] == executors[1]


def test_an_exclusive_job_has_its_executor_alone_and_is_billed_for_all_of_it(db):
    db.executor("a", cores=4, memory_gb=2, gpus=2)
    gate, own = db.gate(), db.gate()
    small = db.submit(gate.script, memory_gb=0.5, estimated_hours=0.1)
    db.running(small)
    exclusive = db.submit(f"{own.script}; echo $RCQ_CPU_CORES $RCQ_MEMORY_MIB $RCQ_GPU_COUNT $CUDA_VISIBLE_DEVICES; sleep 1", exclusive=True, memory_gb=0.5, estimated_hours=0.1)
    db.waiting(exclusive, "resources")
    late = db.submit("true", estimated_hours=1)
    db.waiting(late, "reserved")
    gate.open()
    row = db.running(exclusive)
    assert (row["cpu_cores"], row["granted_cores"], row["granted_memory_gb"], row["granted_gpus"]) == (1, 4, 2, 2)
    assert db.sql("SELECT runs, cpu_cores_used, memory_gb_used, gpu_count_used FROM rcq.executors") == [{"runs": 1, "cpu_cores_used": 4, "memory_gb_used": 2, "gpu_count_used": 2}]
    db.waiting(late, "resources")
    own.open()
    row = db.ended(exclusive)
    assert row["status"] == "completed" and db.logs(exclusive) == ["4 2048 2 0,1"]
    assert row["granted_cores"] == 4
    ran = (row["ended_at"] - row["started_at"]).total_seconds()
    assert ran >= 1
    assert db.ended(late)["started_at"] >= row["ended_at"]
    used = db.sql("SELECT core_seconds / %s AS cores, gb_seconds / %s AS gb, gpu_seconds / %s AS gpus FROM rcq_private.usage ORDER BY gpu_seconds DESC LIMIT 1", ran, ran, ran)
    assert used == [{"cores": pytest.approx(4, rel=1e-3), "gb": pytest.approx(2, rel=1e-3), "gpus": pytest.approx(2, rel=1e-3)}]
    small_s = db.one("SELECT date_part('epoch', ended_at - started_at) FROM rcq.jobs WHERE id = %s", small)
    assert float(db.one("SELECT billed_hours FROM rcq.group_usage WHERE group_name = 'default'")) == pytest.approx((4 * ran + small_s) / 3600, abs=2e-4)


def test_a_moldable_job_takes_fewer_cores_only_if_no_executor_has_as_many_as_it_wants(db):
    db.executor("small", cores=4)
    molded = db.submit("echo $RCQ_CPU_CORES", cpu_cores=8, cpu_cores_min=2)
    row = db.ended(molded)
    assert (row["cpu_cores"], row["granted_cores"]) == (8, 4)
    assert db.logs(molded) == ["4"]
    db.waiting(db.submit("true", cpu_cores=8, cpu_cores_min=5), "never_fits")

    big = db.executor("big", cores=8)
    gate = db.gate()
    blocking = db.submit(gate.script, cpu_cores=5, estimated_hours=0.1)
    assert db.running(blocking)["executor"] == big.role
    patient = db.submit("echo $RCQ_CPU_CORES", cpu_cores=8, cpu_cores_min=2)
    db.waiting(patient, "resources")
    db.let_it_plan()
    assert db.job(patient)["status"] == "pending"
    gate.open()
    row = db.ended(patient)
    assert (row["granted_cores"], row["executor"]) == (None, big.role)
    assert db.logs(patient) == ["8"]


def test_before_maintenance_only_jobs_that_end_in_time_start(db):
    a, b = db.executor("a"), db.executor("b", "--features", "b")
    gate = db.gate()
    reservation = db.one("SELECT rcq.reserve(now() + interval '1 hour', now() + interval '2 hours', %s, reason => 'new disks')", a.role)
    elsewhere = db.submit(gate.script, cpu_cores=4, estimated_hours=2)
    assert db.running(elsewhere)["executor"] == b.role
    waits = db.submit("true", cpu_cores=4, estimated_hours=2)
    db.waiting(waits, "maintenance")
    short = db.submit("true", cpu_cores=4, estimated_hours=0.5)
    assert db.ended(short)["executor"] == a.role
    assert db.job(waits)["status"] == "pending"
    everywhere = db.one("SELECT rcq.reserve(now() + interval '1 hour', now() + interval '3 hours')")
    db.sql("SELECT rcq.cancel_reservation(%s)", reservation)
    db.waiting(waits, "maintenance")
    gate.open()
    assert db.ended(elsewhere)["status"] == "completed"
    db.let_it_plan()
    db.waiting(waits, "maintenance")
    (row,) = db.sql("SELECT starts_at, ends_at, state FROM rcq.reservations WHERE id = %s", everywhere)
    assert row["state"] == "upcoming"
    assert harness.wait_for(lambda: db.one("SELECT expected_start FROM rcq.queue WHERE id = %s", waits), "an expected start") >= row["ends_at"].replace(microsecond=0)
    db.sql("SELECT rcq.cancel_reservation(%s)", everywhere)
    assert db.ended(waits)["status"] == "completed"


def test_during_maintenance_what_runs_goes_on_and_nothing_starts(db):
    db.executor("a")
    gate = db.gate()
    running = db.submit(gate.script, estimated_hours=0.001)
    db.running(running)
    db.sql("SELECT rcq.reserve(now(), now() + interval '4 seconds')")
    waits = db.submit("true", estimated_hours=0.001)
    db.waiting(waits, "maintenance")
    gate.open()
    assert db.ended(running)["status"] == "completed"
    ends_at = db.one("SELECT ends_at FROM rcq.reservations")
    assert db.ended(waits)["started_at"] >= ends_at, "it starts when the reservation is over"


def test_what_is_reserved_for_a_group_is_for_that_group(db):
    db.executor("a", cores=2)
    db.sql("SELECT rcq.add_group('course')")
    student = db.user("student", "course")
    reservation = db.one("SELECT rcq.reserve(now() - interval '1 minute', now() + interval '1 hour', group_name => 'course')")
    other = db.submit("true", estimated_hours=0.1)
    db.waiting(other, "maintenance")
    assert db.ended(db.submit("true", user=student, estimated_hours=2))["status"] == "completed"
    db.waiting(other, "maintenance")
    db.sql("SELECT rcq.cancel_reservation(%s)", reservation)
    assert db.ended(other)["status"] == "completed"


def test_a_pause_stops_starts_and_nothing_else(db):
    a = db.executor("a")
    db.sql("SELECT rcq.add_group('lab')")
    member = db.user("ann", "lab")
    gate = db.gate()
    running = db.submit(gate.script)
    db.running(running)

    db.sql("SELECT rcq.pause('power cut')")
    job = db.submit("true")
    db.waiting(job, "paused")
    assert db.one("SELECT paused FROM rcq.scheduler") == "power cut"
    db.sql("SELECT rcq.resume()")
    assert db.ended(job)["status"] == "completed"

    db.sql("SELECT rcq.pause('exams', group_name => 'lab')")
    job, other = db.submit("true", user=member), db.submit("true")
    assert db.ended(other)["status"] == "completed"
    db.waiting(job, "paused")
    db.sql("SELECT rcq.resume(group_name => 'lab')")
    assert db.ended(job)["status"] == "completed"

    db.sql("SELECT rcq.pause('hot', executor => %s)", a.role)
    job = db.submit("true")
    db.waiting(job, "drained")
    assert db.sql("SELECT status, reason FROM rcq.executors") == [{"status": "draining", "reason": "hot"}]
    db.sql("SELECT rcq.resume(executor => %s)", a.role)
    assert db.ended(job)["status"] == "completed"
    assert db.job(running)["status"] == "running"
    gate.open()
    assert db.ended(running)["status"] == "completed"
