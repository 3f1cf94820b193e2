#!/usr/bin/env bash
# Every test suite, one after the other; closes with a line `N passed, N failed`. A suite that cannot run is a failure.
#   test/run-all.sh [suite ...]     unit vm replay exports sql fuzz upgrade e2e client http chaos sanitize
# RCQ_PG_CONFIG names the PostgreSQL that rcq is installed in; RCQ_TEST_WORKERS (3): how many end-to-end tests run at a time,
# each with a server of its own: most of them wait for something most of the time.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

passed=0
failed=0
skipped=0
logs=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$logs"' EXIT

say() { printf '\n== %s\n' "$*"; }

# Adds up what a suite counted, and keeps the names of what failed, for the last lines; a suite that ended badly without
# counting a failure counts as one.
count() { # suite passed failed exit-code [file with what it printed]
    passed=$((passed + $2))
    failed=$((failed + $3))
    if [ "$4" -ne 0 ] && [ "$3" -eq 0 ]; then failed=$((failed + 1)); fi
    if [ "$4" -ne 0 ]; then
        echo "$1: ended with code $4"
        if [ -n "${5:-}" ]; then grep -aE '^(FAILED|ERROR) |^not ok |^test .*FAILED|^pgtap .* [1-9][0-9]* failed|^\[  FAILED  \] .* ms\)$' "$5" | cut -c 1-300; fi
    fi >>"$logs/failures"
    echo "-- $1: $2 passed, $3 failed"
}

number() { # file regex: the number that the last match begins with, or 0
    grep -oE "(^|[^0-9])$2" "$1" | tail -n 1 | grep -oE '[0-9]+' | head -n 1 || echo 0
}

googletest() { # suite binary ...
    local suite=$1 binary code=0 good=0 bad=0 left_out=0
    shift
    for binary in "$@"; do
        say "$binary"
        "$binary" >"$logs/unit" 2>&1 || code=1
        grep -vE '^\[(-+| +OK +| +RUN +)\]|^$' "$logs/unit" | tail -n 25
        good=$((good + $(grep -cE '^\[ +OK \] .* ms\)$' "$logs/unit")))
        bad=$((bad + $(grep -cE '^\[  FAILED  \] .* ms\)$' "$logs/unit")))
        left_out=$((left_out + $(grep -cE '^\[  SKIPPED \] .* ms\)$' "$logs/unit")))
        cat "$logs/unit" >>"$logs/$suite"
    done
    skipped=$((skipped + left_out))
    count "$suite" "$good" "$bad" "$code" "$logs/$suite"
}

unit() { googletest unit build/core_test build/rundir_test build/supervisor_test build/executor_test build/client_test build/handlers_test build/sim_test; }

# What needs limits of cgroups, in a virtual machine.
vm() {
    local code=0
    say "limits of cgroups, in a virtual machine"
    test/vm/test.sh 2>&1 | tee "$logs/vm"
    code=${PIPESTATUS[0]}
    count vm "$(grep -c '^ok ' "$logs/vm")" "$(grep -c '^not ok ' "$logs/vm")" "$code" "$logs/vm"
}

# Whole replays against an independent simulator; RCQ_TRACES names a folder of traces whose published figures are
# checked, too.
replay() { googletest replay build/replay_test; }

# The library must export its entries and nothing else: PostgreSQL loads libraries with global symbols. Nothing may be left
# in it of the points at which test/injection has things fail.
exports() {
    local extra
    say "exported symbols"
    extra=$(nm -D --defined-only rcq.so | awk '{print $3}' | grep -vE '^(_PG_init|Pg_magic_func|(pg_finfo_)?rcq_[a-z0-9_]+)$')
    extra+=$(nm rcq.so | grep -E 'pass_point|debug_point')
    if [ -z "$extra" ]; then count exports 1 0 0; else
        echo "$extra" | head
        count exports 0 1 1
    fi
}

sql() { # [PART ...]: regress isolation pgtap, or all of them
    local code=0
    say "${*:-pg_regress, isolation, pgTAP}"
    test/with-server.py max_prepared_transactions=5 -- test/sql/run.sh "${RCQ_PG_CONFIG:-pg_config}" "$@" 2>&1 | tee "$logs/sql"
    code=${PIPESTATUS[0]}
    count sql "$(number "$logs/sql" '[0-9]+ passed, [0-9]+ failed$')" "$(number "$logs/sql" '[0-9]+ failed$')" "$code" "$logs/sql"
}

python_suite() { # NAME [ARGUMENT ...]: the tests of test/NAME, or what pytest is told
    local name=$1 code=0
    shift
    if [ $# -eq 0 ]; then set -- "test/$name"; fi
    /usr/bin/python3 -m pytest -q -p no:cacheprovider -c test/pytest.ini "$@" 2>&1 | tee "$logs/$name"
    code=${PIPESTATUS[0]}
    skipped=$((skipped + $(number "$logs/$name" '[0-9]+ skipped')))
    count "$name" "$(number "$logs/$name" '[0-9]+ passed')" "$(($(number "$logs/$name" '[0-9]+ failed') + $(number "$logs/$name" '[0-9]+ errors?')))" "$code" "$logs/$name"
}

# Every SQL function, with what nobody would pass.
fuzz() {
    say "fuzz of SQL"
    python_suite fuzz
}

upgrade() {
    say "ALTER EXTENSION UPDATE against a fresh install"
    python_suite upgrade
}

e2e() {
    say "end to end: real server, real executors"
    python_suite e2e -n "${RCQ_TEST_WORKERS:-3}" -m "not alone" test/e2e
    python_suite "e2e, one at a time" -m alone test/e2e
}

# The command for people, as they use it.
client() {
    say "the command: real server, real executors, real terminals"
    python_suite client -n "${RCQ_TEST_WORKERS:-3}" --dist loadfile test/client
}

# Through nginx and PostgREST, as people and programs come.
http() {
    say "HTTP: real server, real executors, real PostgREST, real nginx"
    python_suite http
}

# Faults, and what must hold through them.
chaos() {
    say "killed, frozen, cut off, out of space, out of time"
    python_suite chaos -n 2 --dist loadfile test/chaos
}

# Under AddressSanitizer and UndefinedBehaviorSanitizer: of the executor and what runs its jobs the unit tests and those
# end-to-end tests that begin, cancel and end many runs and connect again; of the extension's library pg_regress. All
# suites with both are for make soak (test/sanitize/run.sh). Why no ThreadSanitizer: test/sanitize/build.sh.
sanitize() {
    local code=0 reports=$logs/reports server
    say "sanitizers"
    wait "$sanitizers" || {
        cat "$logs/sanitizers"
        count sanitize 0 1 1
        return
    }
    server=$(tail -n 1 "$logs/sanitizers")
    mkdir -m 1777 "$reports"
    chmod 711 "$logs"
    python_suite "reader of reports" test/sanitize
    export RCQ_SANITIZER_REPORTS=$reports ASAN_OPTIONS=log_path=$reports/asan UBSAN_OPTIONS=log_path=$reports/ubsan:print_stacktrace=1
    # the sanitizers need themselves what these tests refuse to the process: descriptors, prlimit, clone
    export GTEST_FILTER='-*WithoutDescriptors.*:RunStart.a_process_that_cannot_be_set_up_is_a_fault_of_the_host:RunStart.a_host_that_has_no_more_processes_just_now_is_not_at_fault'
    googletest sanitize build/sanitize/executor_test build/sanitize/rundir_test build/sanitize/supervisor_test
    RCQ_EXECUTOR=build/sanitize/rcq-executor python_suite e2e test/e2e/test_failures.py test/e2e/test_runs.py
    RCQ_PG_CONFIG=$server sql regress
    unset RCQ_SANITIZER_REPORTS ASAN_OPTIONS UBSAN_OPTIONS GTEST_FILTER
    test/sanitize/reports.py "$reports" || code=1
    count "sanitizer reports" $((1 - code)) "$code" "$code"
}

# Builds for them while other suites wait for something, which most of them do most of the time.
sanitizers=
build_sanitizers() {
    (
        nice -n 19 test/sanitize/build.sh rcq-executor rcq-supervisor rcq-job executor_test rundir_test supervisor_test &&
            nice -n 19 test/sanitize/server.sh
    ) >"$logs/sanitizers" 2>&1 &
    sanitizers=$!
}
if [[ $# -eq 0 || " $* " == *" sanitize "* ]]; then build_sanitizers; fi

for suite in "${@:-unit vm replay exports sql fuzz upgrade e2e client http chaos sanitize}"; do
    for name in $suite; do
        began=$SECONDS
        "$name"
        echo "-- $name took $((SECONDS - began)) s"
    done
done

if [ -s "$logs/failures" ]; then
    say "what failed"
    cat "$logs/failures"
fi
echo
if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
[ "$failed" -eq 0 ]
