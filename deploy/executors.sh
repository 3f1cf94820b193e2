#!/usr/bin/env bash
# Executors of the private cluster, as unprivileged processes with logs and pid files under .rcq.
#   deploy/executors.sh start NAME [option of rcq-executor ...]     makes its login when missing; kept when it runs as asked
#   deploy/executors.sh stop [NAME ...]                             drains for $RCQ_DRAIN_SECONDS (5), then cancels what runs
#   deploy/executors.sh status
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
become_owner "$root/deploy/executors.sh" "$@"

usage() {
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

pid_file() { echo "$state/run/executor-$1.pid"; }

executor_pid() { # of a running executor, or nothing
    local pid
    pid=$(as_run_user cat "$(pid_file "$1")" 2>/dev/null) || return 0
    if [[ $pid =~ ^[0-9]+$ && $(cat "/proc/$pid/comm" 2>/dev/null) == rcq-executor ]] &&
        tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "--state-dir $state/executors/$1 "; then echo "$pid"; fi
}

# shellcheck disable=SC2016
signal() { as_run_user sh -c 'kill -s "$1" "$2" 2>/dev/null || true' sh "$1" "$2"; }

wait_gone() { # NAME SECONDS
    local end=$((SECONDS + $2))
    while [[ -n $(executor_pid "$1") ]]; do
        ((SECONDS < end)) || return 1
        sleep 0.1
    done
}

names() {
    local file
    for file in "$state"/run/executor-*.pid; do
        [[ -e $file ]] || continue
        file=${file##*/executor-}
        echo "${file%.pid}"
    done
}

query() { "$bin/psql" -XAtq -v ON_ERROR_STOP=1 -v name="$1" <<<"$2"; }

start() { # NAME OPTION...
    local name=$1 pid wanted before log=$state/log/executor-$1.log end
    [[ $name =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]*$ ]] || die "\"$name\" cannot be the name of an executor"
    [[ -f $state/env && -x $bin/rcq-executor ]] || die "the private cluster was never started: make demo, or deploy/cluster.sh start"
    # shellcheck disable=SC1091
    source "$state/env"
    make_directories
    wanted="$(cksum <"$bin/rcq-executor") $PGPORT $*"
    pid=$(executor_pid "$name")
    if [[ -n $pid ]]; then
        if [[ $(as_run_user cat "$state/run/executor-$name.fingerprint" 2>/dev/null) == "$wanted" ]]; then
            say "executor $name runs already: pid $pid"
            return
        fi
        say "executor $name is to run with other options or another binary"
        stop "$name"
    fi
    query "$name" "SELECT FROM rcq.create_executor_login(:'name') WHERE NOT EXISTS (SELECT FROM rcq.executors WHERE name = :'name')"
    # shellcheck disable=SC2016
    as_run_user sh -c 'printf "%s\n" "$1" >"$2"' sh "$wanted" "$state/run/executor-$name.fingerprint"
    before=$(query "$name" "SELECT registered_at FROM rcq.executors WHERE name = :'name'")
    # shellcheck disable=SC2016
    as_run_user sh -c 'log=$1 pid=$2; shift 2; setsid "$@" >>"$log" 2>&1 </dev/null & echo "$!" >"$pid"' \
        sh "$log" "$(pid_file "$name")" env -i PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 HOME="$state/home" PGHOST="$PGHOST" \
        PGPORT="$PGPORT" PGDATABASE="$PGDATABASE" PGUSER="$name" "$bin/rcq-executor" --config /dev/null --state-dir "$state/executors/$name" --hostname "$@"
    end=$((SECONDS + 15))
    until [[ $(query "$name" "SELECT registered_at FROM rcq.executors WHERE name = :'name' AND status <> 'offline'") != @("$before"|) ]]; do
        if ((SECONDS >= end)) || [[ ! -d /proc/$(as_run_user cat "$(pid_file "$name")") ]]; then
            as_run_user tail -n 10 "$log" >&2
            die "executor $name did not register; its log is $log"
        fi
        sleep 0.1
    done
    say "executor $name runs: pid $(executor_pid "$name"), log $log"
}

stop() { # NAME...
    local name pid drain=${RCQ_DRAIN_SECONDS:-5}
    for name in "$@"; do
        pid=$(executor_pid "$name")
        if [[ -n $pid ]]; then signal TERM "$pid"; fi
    done
    for name in "$@"; do
        pid=$(executor_pid "$name")
        if ! wait_gone "$name" "$drain"; then
            say "executor $name: cancelling what still runs"
            signal TERM "$pid"
            wait_gone "$name" 15 || { signal TERM "$pid" && wait_gone "$name" 5; } || { signal KILL "$pid" && wait_gone "$name" 5; } ||
                die "executor $name (pid $pid) does not end"
        fi
        if [[ -e $(pid_file "$name") ]]; then
            as_run_user rm -f "$(pid_file "$name")" "$state/run/executor-$name.fingerprint"
            say "executor $name stopped"
        fi
    done
}

status() {
    local name pid code=3
    for name in $(names); do
        pid=$(executor_pid "$name")
        say "executor $name: ${pid:+runs, pid }${pid:-is gone, log $state/log/executor-$name.log}"
        [[ -z $pid ]] || code=0
    done
    return "$code"
}

command=${1:-}
[[ $# -eq 0 ]] || shift
if [[ $command != start && ! -d ${RCQ_STATE_DIR:-$root/.rcq} ]]; then exit 0; fi
case $command in
    start) [[ $# -gt 0 ]] || usage ;;
    stop | status) ;;
    *) usage ;;
esac
find_state
bin=$state/pg/usr/lib/postgresql/15/bin
if [[ $command == stop && $# -eq 0 ]]; then
    # shellcheck disable=SC2046
    set -- $(names)
fi
"$command" "$@"
