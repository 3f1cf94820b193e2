"""What docs/reference/directives.md says of options in scripts: each row of its tables is submitted."""
import os
import re

import psycopg2
import pytest
from harness import wait_for

PAGE = os.path.join(os.path.dirname(__file__), "../../docs/reference/directives.md")


def table(title):
    """The rows of the table under these headings, as lists of cells without their backquotes."""
    with open(PAGE, encoding="utf-8") as page:
        lines = [line.rstrip("\n") for line in page]
    begin = lines.index("| " + " | ".join(title) + " |") + 2
    rows = []
    for line in lines[begin:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def code(cell):
    """What stands between the backquotes of a cell that has nothing else."""
    assert re.fullmatch(r"`[^`]+`", cell), cell
    return cell[1:-1]


def script(directive):
    return f"#!/bin/sh\n#RCQ {directive}\ntrue\n"


@pytest.fixture
def cluster(db):
    """A database that knows what the examples ask for, without anybody who would run them."""
    role = f"{db.name}_node"
    db.sql("SELECT rcq.create_executor_login(%s, 'secret')", role)
    db.roles.append(role)
    db.sql(
        """SELECT rcq.register_executor('big', '{"cpu_cores": 64, "memory_mib": 262144, "gpu_count": 4, "gpu_type": "a100"}',
                                        '{avx512,nvme,bigmem}', 1, 1)""",
        user=role,
    )
    db.sql("SELECT rcq.set_consumable('matlab', 10)")
    db.sql("SELECT rcq.pause('nothing is placed here')")
    return db


def test_every_row_of_the_table_for_users_of_sbatch_does_what_it_says(cluster):
    rows = table(["sbatch", "#RCQ", "rcq.jobs"])
    assert len(rows) >= 25
    other = str(cluster.submit("true", hold=True))
    wrong = []
    for sbatch, ours, shown in rows:
        code(sbatch)
        directive, condition = (re.sub(r"\b41\b", other, code(cell)) for cell in (ours, shown))
        job = cluster.submit(script(directive))
        if not cluster.one(f"SELECT coalesce({condition}, false) FROM rcq.jobs WHERE id = %s", job):
            wrong.append((directive, condition, dict(cluster.job(job))))
    assert wrong == []


def test_what_has_no_counterpart_is_refused_in_a_script(cluster):
    rows = table(["sbatch", "why"])
    assert len(rows) >= 10
    for sbatch, _ in rows:
        with pytest.raises(psycopg2.Error, match=r'line 2 of the script: there is no option "--') as refused:
            cluster.submit(script(code(sbatch)))
        assert refused.value.pgcode == "RC001"


def test_the_page_lists_every_option_with_its_field(cluster):
    listed = {}
    for names, field, value in table(["option", "field", "value"]):
        name = code(names.split(", ")[-1])
        listed[name] = (code(field), "not in a script" in value)
    with pytest.raises(psycopg2.Error) as refused:
        cluster.submit(script("--frobnicate"))
    known = re.search(r"Options are (.*)\.", refused.value.diag.message_hint)[1].split(", ")
    assert [name for name, (_, elsewhere) in listed.items() if not elsewhere] == known
    fields = {row["name"] for row in cluster.sql("SELECT name FROM rcq_private.request_fields()")}
    assert {field for field, _ in listed.values()} == fields - {"script", "type", "payload"}, "every field has an option"


def test_a_script_with_directives_runs_as_it_is(db):
    db.executor("runner", cores=2)
    text = '#!/bin/sh\n#RCQ --env GREETING="two words" --name=said -c 2\ncat <<END\n#RCQ --nonsense\nEND\necho "$GREETING $RCQ_CPU_CORES"\n'
    job = db.ended(db.submit(text))
    assert (job["status"], job["name"], job["script"]) == ("completed", "said", text)
    wait_for(lambda: "two words 2" in str(db.logs(job["id"])), "the log of the job")
    assert "#RCQ --nonsense" in str(db.logs(job["id"]))
