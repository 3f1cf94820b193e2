#!/usr/bin/env bash
# What takes too long for every day: test/soak/run.sh [FUZZ_SECONDS]. RCQ_PG_CONFIG names the PostgreSQL that rcq is installed in.
set -uo pipefail
cd "$(dirname "$0")/../.."

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
step "100,000 jobs" tests test/soak
RCQ_SOAK=1 step chaos tests test/chaos

echo
if ((${#failed[@]} == 0)); then echo "soak: passed"; else
    printf 'soak: failed: %s\n' "${failed[*]}"
    exit 1
fi
