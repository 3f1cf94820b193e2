#!/usr/bin/env bash
# Puts valgrind's memcheck around the server of a copy of the private PostgreSQL that RCQ_PG_CONFIG names, and prints the path
# of the copy's pg_config. Reports as of test/sanitize/server.sh. Sees what the sanitizers do not: memory used before it was
# written, by PostgreSQL's code too when it is ours that handed it over.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=test/library.sh
source test/library.sh

server_with valgrind "$("$RCQ_PG_CONFIG" --pkglibdir)/rcq.so"
cp test/sanitize/postgres.supp "$server/"
wrap_postgres \
    ': "${RCQ_SANITIZER_REPORTS:?a directory for what valgrind reports}"' \
    "exec valgrind --quiet --num-callers=40 --error-limit=no --suppressions=$server/postgres.supp" \
    '    --log-file="$RCQ_SANITIZER_REPORTS/server.%p" "$0.real" "$@"'
sed -i '/^exec valgrind/s/$/ \\/' "$("$config" --bindir)/postgres"
echo "$config"
