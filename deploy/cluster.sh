#!/usr/bin/env bash
# The private PostgreSQL of this checkout, with rcq preloaded: unix socket and a port on the loopback address.
#   deploy/cluster.sh start|stop|status|env|reset [--dir STATE_DIR] [--port N]
# start   makes what is missing, starts what does not run, restarts only when the library, PostgreSQL or the port changed
# env     prints the shell exports of .rcq/env: how to reach it as an administrator
# reset   stops it and removes all state
set -euo pipefail

command=${1:-}
arguments=("$@")
[[ $# -eq 0 ]] || shift
port=
while (($# > 0)); do
    case $1 in
        --dir) export RCQ_STATE_DIR=${2:?"--dir needs a directory"} ;;
        --port) port=${2:?"--port needs a number"} ;;
        *) set -- ; command= ; break ;;
    esac
    shift 2
done
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
become_owner "$root/deploy/cluster.sh" "${arguments[@]}"

first_port=15432
last_port=32767

postmaster_pid() { # of the running server, or nothing
    local pid
    pid=$(as_run_user head -n 1 "$state/data/postmaster.pid" 2>/dev/null) || return 0
    if [[ $pid =~ ^[0-9]+$ ]] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "-D $state/data "; then echo "$pid"; fi
}

configured_port() { as_run_user sed -n 's/^port = //p' "$state/data/rcq.conf" 2>/dev/null || true; }

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() { # the first one from $1 on
    local candidate=$1
    while port_taken "$candidate"; do
        ((++candidate <= last_port)) || die "no free port between $1 and $last_port"
    done
    echo "$candidate"
}

make_cluster() {
    if as_run_user test -s "$state/data/PG_VERSION" && as_run_user grep -q "rcq.conf" "$state/data/postgresql.conf"; then return; fi
    say "making a cluster in $state/data"
    # leftovers of an interrupted attempt; a finished one has its rcq.conf line
    as_run_user find "$state/data" -mindepth 1 -delete
    as_run_user "$bin/initdb" -D "$state/data" -U postgres --auth-local=trust --auth-host=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 >"$state/initdb.log" 2>&1 || { cat "$state/initdb.log" >&2; die "initdb failed"; }
    echo "include_if_exists 'rcq.conf'" | as_run_user tee -a "$state/data/postgresql.conf" >/dev/null
}

settings() {
    cat <<CONF
# Written by deploy/cluster.sh at every start; settings of your own: ALTER SYSTEM, or postgresql.conf
cluster_name = 'rcq'
listen_addresses = '127.0.0.1'
port = $1
unix_socket_directories = '$state/sock'
shared_preload_libraries = 'rcq'
max_worker_processes = 16
max_connections = 100
password_encryption = scram-sha-256
log_min_messages = info
log_line_prefix = '%m [%p] %q%u@%d '
log_checkpoints = off
log_lock_waits = on
CONF
}

write_environment() { # keeps what the demo wrote there, a token among it: nobody else may read that
    local value
    (
        umask 077
        for value in "PGHOST=$state/sock" "PGPORT=$1" PGDATABASE=rcq PGUSER=postgres; do
            printf 'export %s=%q\n' "${value%%=*}" "${value#*=}"
        done >"$state/env.new"
        printf 'PATH=%q:$PATH\n' "$root/build" >>"$state/env.new" # where rcq is
        sed -n '/^export RCQ_/p' "$state/env" >>"$state/env.new" 2>/dev/null || true
    )
    mv "$state/env.new" "$state/env"
}

launch() { # PORT
    settings "$1" | as_run_user tee "$state/data/rcq.conf" >/dev/null
    # shellcheck disable=SC2016
    as_run_user sh -c 'printf "%s\n" "$1" >"$2"' sh "$fingerprint" "$state/run/server.fingerprint"
    # stdin and the like are closed to the server; its messages go to the log
    as_run_user env -i PATH="$PATH" LANG=C.UTF-8 HOME="$state/home" \
        "$bin/pg_ctl" start -w -t 60 -D "$state/data" -l "$state/log/server.log" >"$state/start.log" 2>&1 </dev/null
}

stop_server() { # MODE
    [[ -n $(postmaster_pid) ]] || return 0
    as_run_user "$bin/pg_ctl" stop -w -t 60 -m "$1" -D "$state/data" >/dev/null 2>&1
}

start() {
    local config wanted pid attempt
    make_directories
    config=$("$root/deploy/private-postgres.sh" --dir "$state")
    bin=${config%/*}
    # what a running server must have been started with
    fingerprint="$(cksum <"$state/pg/usr/lib/postgresql/15/lib/rcq.so") $(cat "$state/pg/stamp")"
    make_cluster
    wanted=${port:-$(configured_port)}
    wanted=${wanted:-$first_port}
    pid=$(postmaster_pid)
    if [[ -n $pid ]]; then
        if [[ $(as_run_user cat "$state/run/server.fingerprint" 2>/dev/null) == "$fingerprint" && $(configured_port) == "$wanted" ]]; then
            write_environment "$wanted"
            say "PostgreSQL runs already: port $wanted, pid $pid"
            return
        fi
        say "the library or the port changed: restarting PostgreSQL"
        stop_server fast || stop_server immediate
    fi
    # left over from a kill -9; the process it names is gone or is not ours
    as_run_user rm -f "$state/data/postmaster.pid" "$state"/sock/.s.PGSQL.*
    for attempt in 1 2 3 4 5 6; do
        if [[ -n $port ]]; then
            if port_taken "$port"; then die "port $port is taken"; fi
        else
            wanted=$(free_port "$wanted")
        fi
        if launch "$wanted"; then
            write_environment "$wanted"
            say "PostgreSQL runs: port $wanted, socket in $state/sock, log $state/log/server.log"
            return
        fi
        # somebody took the port in between, or children of a killed server are about to notice; then it goes well
        ((attempt < 6)) || break
        sleep 1
        as_run_user rm -f "$state/data/postmaster.pid"
    done
    as_run_user tail -n 20 "$state/log/server.log" >&2
    die "PostgreSQL did not start; its log is $state/log/server.log"
}

stop() {
    if [[ -z $(postmaster_pid) ]]; then
        say "PostgreSQL does not run"
        return
    fi
    stop_server fast || stop_server immediate || die "PostgreSQL does not stop; its log is $state/log/server.log"
    say "PostgreSQL stopped"
}

status() {
    local pid
    pid=$(postmaster_pid)
    if [[ -z $pid ]]; then
        say "PostgreSQL does not run"
        return 3
    fi
    say "PostgreSQL runs: pid $pid, port $(configured_port), socket in $state/sock, data in $state/data"
}

reset() {
    stop
    [[ -f $state/.rcq-state && $state != / ]] || die "$state is no state directory of rcq"
    if ! rm -rf "$state"; then die "cannot remove all of $state: run this as $run_user or as root"; fi
    if [[ -z ${RCQ_STATE_DIR:-} && -L $root/.rcq ]]; then rm -f "$root/.rcq"; fi
    say "removed $state"
}

case $command in
    start | stop | status | env | reset) ;;
    *)
        sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
if [[ $command != start && ! -d ${RCQ_STATE_DIR:-$root/.rcq} ]]; then
    say "nothing there: ${RCQ_STATE_DIR:-$root/.rcq}"
    if [[ $command == stop || $command == reset ]]; then exit 0; else exit 3; fi
fi
find_state
bin=$state/pg/usr/lib/postgresql/15/bin
case $command in
    env) cat "$state/env" ;;
    *) "$command" ;;
esac
