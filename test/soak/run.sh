#!/usr/bin/env bash
# What takes too long for every day: test/soak/run.sh [FUZZ_SECONDS [ROUNDS]]. RCQ_PG_CONFIG names the PostgreSQL that rcq is
# installed in. RCQ_SOAK_LONG=1: a snapshot held for 30 minutes instead of 3, 10,000,000 finished jobs instead of 200,000.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

failed=()
step() { # NAME COMMAND...
    local name=$1
    shift
    printf '\n== %s\n' "$name"
    "$@" || failed+=("$name")
}
tests() { /usr/bin/python3 -m pytest -q -p no:cacheprovider "$@"; }

step fuzz test/fuzz/run.sh "${1:-60}"
if command -v slurmctld >/dev/null; then step slurm tests test/slurm; else echo "SKIP slurm: slurmctld is not installed"; fi
RCQ_FUZZ_REQUESTS=20000 RCQ_FUZZ_SEED=$RANDOM step "fuzz over HTTP" tests test/http/test_fuzz.py
step "fuzz of SQL" test/fuzz/sql_fuzz.py --seconds "${RCQ_SQL_FUZZ_SECONDS:-900}"
step "random queries" test/fuzz/random_queries.py --queries 5000
step "failures at every point" tests test/injection
step "100,000 jobs, a held snapshot, a long life" tests -s test/soak
RCQ_SOAK=1 step chaos tests test/chaos --ignore test/chaos/test_rounds.py
step "faults, ${2:-1} round(s)" /usr/bin/python3 test/chaos/rounds.py --rounds "${2:-1}"
step "SQL, end to end and chaos under sanitizers" test/sanitize/run.sh sanitizers sql e2e chaos
step "SQL under valgrind" test/sanitize/run.sh valgrind sql
step coverage test/coverage/run.sh
step versions test/versions/run.sh

echo
if ((${#failed[@]} == 0)); then echo "soak: passed"; else
    printf 'soak: failed: %s\n' "${failed[*]}"
    exit 1
fi
