#!/usr/bin/env bash
# Which lines the tests reach: test/coverage/run.sh. Builds apart (build/coverage, build/coverage-pg) with --coverage, runs the
# unit tests, then the SQL and the end-to-end suites, and prints the lines covered
#   of src/core      by the unit tests alone; fewer than 95 % fail
#   of src/executor  by unit and end-to-end tests
#   of src/pg        by the SQL and end-to-end suites
# and the functions that nothing called. Tables by file are kept in build/coverage/*.txt.
# RCQ_PG_CONFIG names a private PostgreSQL that rcq is installed in (deploy/private-postgres.sh).
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=test/library.sh
source test/library.sh

build_apart build/coverage-pg EXTRA_CXX="--coverage -fprofile-update=atomic -O0" EXTRA_LINK=--coverage
server_with coverage build/coverage-pg/rcq.so
mkdir -p build/coverage
cmake -S . -B build/coverage -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DRCQ_COVERAGE=ON >build/coverage/configure.log ||
    { cat build/coverage/configure.log && exit 1; }
cmake --build build/coverage --parallel "${JOBS:-$(nproc)}" --target core_test rundir_test executor_test rcq-executor rcq-supervisor rcq-job

# What is counted is kept apart from what is built: processes of several users write it, and add to what is there.
counts=$(mktemp -d)
trap 'rm -rf "$counts"' EXIT
chmod 755 "$counts"
export GCOV_PREFIX=$counts
prepare() {
    local notes
    rm -rf "${counts:?}"/*
    while IFS= read -r notes; do
        mkdir -p "$counts$(dirname "$notes")"
        : >"$counts${notes%.gcno}.gcda"
    done < <(find "$PWD/build/coverage" "$PWD/build/coverage-pg" -name '*.gcno')
    find "$counts" -mindepth 1 -exec chmod a+rwX {} +
}

collect() { # beside the notes, where gcovr looks for them
    find build/coverage build/coverage-pg -name '*.gcda' -delete
    (cd "$counts" && find . -name '*.gcda' -size +0 -print0 | xargs -0 -r cp --parents -t /)
}

# PARTS OBJECTS SOURCES: a table in build/coverage/SOURCES.txt, its last line here
report() { # NAME ROOT OBJECTS [OPTION ...]
    local name=$1 root=$2 objects=$3
    shift 3
    local filter=$root/src/$name/
    gcovr --root "$root" --filter "${filter#./}" --exclude-throw-branches --object-directory "$objects" "$@" \
        --json "build/coverage/$name.json" --txt "build/coverage/$name.txt" "$objects" || return 1
    test/coverage/uncalled.py "$name" "build/coverage/$name.json"
}

prepare
build/coverage/core_test --gtest_brief=1
collect
code=0
report core . build/coverage --fail-under-line 95 || code=1

prepare
for part in rundir executor; do "build/coverage/${part}_test" --gtest_brief=1 || code=1; done
RCQ_EXECUTOR=build/coverage/rcq-executor RCQ_PG_CONFIG=$config test/run-all.sh sql e2e || code=1
collect
report executor . build/coverage || code=1
report pg build/coverage-pg build/coverage-pg || code=1
exit "$code"
