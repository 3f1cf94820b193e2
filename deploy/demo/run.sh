#!/usr/bin/env bash
# From a fresh machine to real jobs of three research groups, watched to their end; leaves the system up.
# RCQ_DEMO_TIMEOUT: seconds to wait for the jobs (300).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
source "$(dirname "$0")/../lib.sh"
demo=$root/deploy/demo
begin=$SECONDS

"$root/deploy/setup.sh"
become_owner "$demo/run.sh" "$@"
find_state
run_logged "building the extension and the executor" "$state/build.log" make -C "$root" -j"$(nproc)" all
"$root/deploy/cluster.sh" start
# shellcheck disable=SC1091
source "$state/env"
unset PGHOSTADDR PGSERVICE PGPASSWORD PGOPTIONS
bin=$state/pg/usr/lib/postgresql/15/bin
export PGAPPNAME=rcq-demo

sql() { "$bin/psql" -XAtq -v ON_ERROR_STOP=1 "$@"; }

# The database with the extension. An extension whose SQL changed since is never replaced silently.
make_database() {
    local script installed version sum=$state/run/extension.sum
    script=$state/pg/usr/share/postgresql/15/extension/rcq--$(sed -n "s/^default_version = '\(.*\)'/\1/p" "$root/rcq.control").sql
    if [[ -z $(sql -d postgres -c "SELECT FROM pg_database WHERE datname = 'rcq'" -c "SELECT datname FROM pg_database WHERE datname = 'rcq'") ]]; then
        sql -d postgres -c "CREATE DATABASE rcq"
    fi
    installed=$(sql -c "SELECT extversion FROM pg_extension WHERE extname = 'rcq'")
    version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" "$root/rcq.control")
    if [[ -z $installed ]]; then
        # pgcrypto hashes the passwords of those who come over HTTP
        PGOPTIONS='-c client_min_messages=warning' sql -c "CREATE EXTENSION IF NOT EXISTS pgcrypto" -c "CREATE EXTENSION rcq"
        cksum <"$script" | as_run_user tee "$sum" >/dev/null
    elif [[ $installed != "$version" ]]; then
        die "database rcq has version $installed of the extension and this is $version: psql -c 'ALTER EXTENSION rcq UPDATE', or begin anew with: make stop reset"
    elif [[ $(cksum <"$script") != "$(as_run_user cat "$sum" 2>/dev/null)" ]]; then
        die "the SQL of the extension changed since database rcq was made; its jobs and usage would be lost with it. To begin anew: make stop reset && make demo"
    fi
}

# Copies of the documents where the jobs can read them.
copy_documents() {
    rm -rf "$state/share"
    mkdir -p "$state/share"
    cp -R "$root/docs" "$state/share/docs"
    cp "$root"/*.md "$state/share/docs/"
}

make_database
sql -f "$demo/prepare.sql" >/dev/null
copy_documents
"$root/deploy/executors.sh" start node1 --cpu-cores 4 --memory-gb 4 --workdir-allow "$state/share"
"$root/deploy/executors.sh" start gpu1 --cpu-cores 2 --memory-gb 2 --gpus 2 --workdir-allow "$state/share"
"$root/deploy/http.sh" start
# shellcheck source-path=SCRIPTDIR source=http.sh
source "$demo/http.sh"
prepare_http
say "up after $((SECONDS - begin)) s: 3 groups, 6 users, 2 executors (4 cores 4 GB; 2 cores 2 GB 2 GPUs), HTTP"
echo

# shellcheck source-path=SCRIPTDIR source=jobs.sh
source "$demo/jobs.sh"
# shellcheck source-path=SCRIPTDIR source=report.sh
source "$demo/report.sh"
submit_jobs
echo
code=0
watch_jobs || code=$?
report_all
check_ends || code=1
exit "$code"
