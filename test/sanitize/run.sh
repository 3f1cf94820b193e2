#!/usr/bin/env bash
# Suites of test/run-all.sh with the library, the executor and its supervisors under AddressSanitizer and
# UndefinedBehaviorSanitizer, or with the server under valgrind; any report fails.
#   test/sanitize/run.sh sanitizers|valgrind SUITE ...
# RCQ_PG_CONFIG names a private PostgreSQL that rcq is installed in (deploy/private-postgres.sh).
set -euo pipefail
cd "$(dirname "$0")/../.."
kind=$1
shift

case $kind in
sanitizers)
    test/sanitize/build.sh rcq-executor rcq-supervisor rcq-job
    config=$(test/sanitize/server.sh)
    export RCQ_EXECUTOR=build/sanitize/rcq-executor
    ;;
valgrind) config=$(test/sanitize/valgrind.sh) ;;
*)
    sed -n '2,6s/^# //p' "$0" >&2
    exit 2
    ;;
esac

reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
chmod 1777 "$reports"
# the server has options of its own (server.sh)
export RCQ_SANITIZER_REPORTS=$reports ASAN_OPTIONS=log_path=$reports/asan UBSAN_OPTIONS=log_path=$reports/ubsan:print_stacktrace=1
code=0
RCQ_PG_CONFIG=$config test/run-all.sh "$@" || code=1
test/sanitize/reports.py "$reports" || code=1
exit "$code"
