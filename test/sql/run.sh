#!/bin/sh
# Runs the SQL tests against a running server: pg_regress (sql/), isolation (test/isolation), pgTAP (test/pgtap/).
#
#   test/sql/run.sh [PG_CONFIG [PART ...]]   the server is where PGHOST, PGPORT and PGUSER (a superuser) say
#   Parts: regress isolation pgtap; all of them when none is named
#
# The server needs rcq in shared_preload_libraries. Databases are made and dropped: contrib_regression,
# isolation_regression, rcq_pgtap. Ends with the line 'sql: N passed, M failed', and with an error when M is not 0.
# RCQ_TEST_OUT: where results and differences are kept; a temporary directory that is removed when not set.
set -u
config=${1:-${PG_CONFIG:-pg_config}}
[ $# -eq 0 ] || shift
parts=" ${*:-regress isolation pgtap} "
bin=$("$config" --bindir) || exit 2
tools=$(dirname "$("$config" --pgxs)")/../test
root=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$bin:$PATH
export PATH

out=${RCQ_TEST_OUT:-}
if [ -z "$out" ]; then
    out=$(mktemp -d) || exit 2
    trap 'rm -rf "$out"' EXIT
fi
mkdir -p "$out/regress" "$out/isolation" "$out/pgtap" || exit 2

passed=0
failed=0
names() { for file in "$root/$1"/*."$2"; do [ -e "$file" ] && basename "$file" ."$2"; done; }
count() { grep -c -E "$1" "$2" || :; }

# pg_regress and its isolation sister speak alike: 'test name ... ok' or 'FAILED'
run_regress() { # directory of results, directory of tests, program, arguments...
    dir=$1
    input=$2
    shift 2
    "$@" --inputdir="$input" --outputdir="$out/$dir" --bindir="$bin" --encoding=UTF8 >"$out/$dir/log" 2>&1
    status=$?
    grep -E '^test ' "$out/$dir/log"
    ok=$(count '^test .*\.\.\. ok' "$out/$dir/log")
    bad=$(count '^test .*\.\.\. (FAILED|failed)' "$out/$dir/log")
    if [ $status -ne 0 ]; then
        if [ -s "$out/$dir/regression.diffs" ]; then cat "$out/$dir/regression.diffs"; else cat "$out/$dir/log"; fi
        [ "$bad" -gt 0 ] || bad=1
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
}

PGISOLATIONTIMEOUT=60
export PGISOLATIONTIMEOUT
wanted() { case $parts in *" $1 "*) true ;; *) false ;; esac; }

run_pgtap() {
    dropdb --if-exists rcq_pgtap 2>/dev/null
    createdb --template=template0 --encoding=UTF8 rcq_pgtap || exit 2
    for name in $(names test/pgtap sql); do
        pg_prove --dbname rcq_pgtap --verbose "$root/test/pgtap/$name.sql" >"$out/pgtap/$name.log" 2>&1
        status=$?
        ok=$(count '^ok [0-9]' "$out/pgtap/$name.log")
        bad=$(count '^not ok [0-9]' "$out/pgtap/$name.log")
        if [ $status -ne 0 ]; then
            grep -E '^(not ok|#|psql:|  )' "$out/pgtap/$name.log"
            [ "$bad" -gt 0 ] || bad=1
        fi
        echo "pgtap $name ... $ok passed, $bad failed"
        passed=$((passed + ok))
        failed=$((failed + bad))
    done
    dropdb rcq_pgtap
}

# shellcheck disable=SC2046  # names are words without blanks, an argument each
if wanted regress; then
    run_regress regress "$root" "$tools/regress/pg_regress" --dbname=contrib_regression $(names sql sql)
    dropdb --if-exists contrib_regression
fi
# shellcheck disable=SC2046
if wanted isolation; then
    run_regress isolation "$root/test/isolation" "$tools/isolation/pg_isolation_regress" --dbname=isolation_regression $(names test/isolation/specs spec)
    dropdb --if-exists isolation_regression
fi
if wanted pgtap; then run_pgtap; fi

echo "sql: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
