#!/usr/bin/env bash
# Builds the extension's library under AddressSanitizer and UndefinedBehaviorSanitizer, in build/sanitize-pg, and puts it into
# a copy of the private PostgreSQL that RCQ_PG_CONFIG names. Prints the path of the copy's pg_config: every suite runs against
# it as against any other. What its processes have to report goes to files server.* and ubsan.* in the directory that
# RCQ_SANITIZER_REPORTS names; test/sanitize/reports.py tells what of it is ours.
# Only the library is compiled so, Debian's server is not: a write beyond a palloc'ed chunk is valgrind's to see
# (test/sanitize/valgrind.sh).
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=test/library.sh
source test/library.sh

sanitizers=-fsanitize=address,undefined
mkdir -p build/sanitize-pg
gcc -c -fPIC -O1 -o build/sanitize-pg/ubsan_options.o test/sanitize/ubsan_options.c
# The runtime of UBSan is the library's own: a shared one would have its path of reports set in that of AddressSanitizer.
build_apart build/sanitize-pg \
    EXTRA_CXX="$sanitizers -fno-sanitize-recover=undefined -fno-omit-frame-pointer -U_FORTIFY_SOURCE -D_GLIBCXX_ASSERTIONS -O1 -g1" \
    EXTRA_LINK="$sanitizers -static-libubsan ubsan_options.o" >&2
server_with sanitize build/sanitize-pg/rcq.so
gcc -shared -fPIC -O1 -o "$server/no_gettext.so" test/sanitize/no_gettext.c
reports='log_path=$RCQ_SANITIZER_REPORTS/server'
# Stacks of allocations are followed by frame pointers, which the library has and Debian's server has not: they show who in the
# library allocated, and cost little.
# No abort: when the look for leaks fails at the end of a process, that process is over all the same, and no reason for the server to start
# anew. After any other report the process has not cleaned up, which the postmaster notices and takes for a crash.
# Only the server itself gets the runtime: the programs that start it would wait for ever, too (no_gettext.c).
wrap_postgres \
    ': "${RCQ_SANITIZER_REPORTS:?a directory for what the sanitizers report}"' \
    "export ASAN_OPTIONS=$reports:detect_leaks=1:exitcode=0:abort_on_error=0:disable_coredump=1:detect_stack_use_after_return=0" \
    "export LD_PRELOAD='$(gcc -print-file-name=libasan.so) $server/no_gettext.so'" \
    'exec "$0.real" "$@"'
echo "$config"
