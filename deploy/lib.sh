# shellcheck shell=bash
# Sourced by the scripts of this folder: where things are, as whom they run, how progress is shown.
#
# State lies under .rcq of the checkout (or $RCQ_STATE_DIR). What the unprivileged user writes is in directories of that
# user (data sock log run home executors http); the rest belongs to whoever calls these scripts, so that root never writes
# where jobs can.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
umask 022
unset MAKEFLAGS MFLAGS MAKELEVEL

say() { printf 'rcq: %s\n' "$*"; }
die() {
    printf 'rcq: %s\n' "$*" >&2
    exit 1
}

# Servers and jobs never run as root: root hands over to $RCQ_RUN_USER, else the owner of the checkout, else postgres.
pick_run_user() {
    local owner
    if [[ $EUID -ne 0 ]]; then
        id -un
    elif [[ -n ${RCQ_RUN_USER:-} ]]; then
        echo "$RCQ_RUN_USER"
    else
        owner=$(stat -c %U "$root")
        if [[ $owner == root || $owner == UNKNOWN ]]; then echo postgres; else echo "$owner"; fi
    fi
}
run_user=$(pick_run_user)

# Root in somebody else's checkout becomes that somebody altogether, so that nothing of root is left lying there.
become_owner() { # SCRIPT ARGUMENT...
    local owner
    [[ $EUID -eq 0 && -z ${RCQ_RUN_USER:-} ]] || return 0
    owner=$(stat -c %U "$root")
    if [[ $owner == root || $owner == UNKNOWN ]]; then return 0; fi
    exec env HOME="$(getent passwd "$owner" | cut -d: -f6)" USER="$owner" LOGNAME="$owner" \
        setpriv --reuid "$owner" --regid "$(id -g "$owner")" --init-groups -- "$@"
}

# Runs a command as the unprivileged user, from a directory that this user can enter.
as_run_user() {
    if [[ $EUID -ne 0 ]]; then
        (cd "${state:-/}" && exec "$@")
    else
        (cd "${state:-/}" && exec setpriv --reuid "$run_user" --regid "$(id -g "$run_user")" --init-groups -- "$@")
    fi
}

# Whether the unprivileged user (any such user before the packages made it) can enter a directory.
reachable() {
    if [[ $EUID -ne 0 ]]; then
        [[ -x $1 ]]
    elif id -u "$run_user" >/dev/null 2>&1; then
        (cd / && setpriv --reuid "$run_user" --regid "$(id -g "$run_user")" --init-groups -- test -x "$1")
    else
        (cd / && setpriv --reuid 65534 --regid 65534 --clear-groups -- test -x "$1")
    fi
}

# Sets $state. A checkout that the unprivileged user cannot enter, or whose path is too long for a socket, keeps its
# state under /var/tmp, with .rcq a link to it.
find_state() {
    local wanted=${RCQ_STATE_DIR:-$root/.rcq} other
    if [[ ! -e $wanted ]]; then
        if [[ -L $wanted ]]; then rm -f "$wanted"; fi
        if [[ -n ${RCQ_STATE_DIR:-} ]] || { reachable "$root" && ((${#wanted} <= 80)); }; then
            mkdir -p "$wanted" || die "cannot make $wanted"
        else
            other=/var/tmp/rcq-$(printf %s "$root" | cksum | cut -d' ' -f1)-$(id -u)
            mkdir "$other" 2>/dev/null || [[ -d $other && ! -L $other && -O $other ]] ||
                die "$other exists and is not yours; remove it, or set RCQ_STATE_DIR"
            ln -s "$other" "$wanted"
        fi
    fi
    state=$(cd "$wanted" && pwd -P) || die "cannot enter $wanted"
    ((${#state} <= 80)) || die "$state: the path is too long for a unix socket; set RCQ_STATE_DIR to a shorter one"
    : >>"$state/.rcq-state" 2>/dev/null ||
        die "$state belongs to $(stat -c %U "$state"): run this as that user or as root"
}

# Directories of the unprivileged user.
make_directories() {
    local name
    id -u "$run_user" >/dev/null 2>&1 || die "there is no user $run_user yet: make setup"
    [[ $(id -u "$run_user") -ne 0 ]] || die "RCQ_RUN_USER must not be root"
    reachable "$state" || die "user $run_user cannot enter $state: set RCQ_STATE_DIR to a directory where it can"
    for name in data sock log run home executors http; do
        if [[ ! -d $state/$name ]]; then
            mkdir -m 0755 "$state/$name"
            if [[ $EUID -eq 0 ]]; then chown "$run_user:" "$state/$name"; fi
        elif [[ $(stat -c %U "$state/$name") != "$run_user" ]]; then
            die "$state/$name belongs to $(stat -c %U "$state/$name"): run this as that user, or begin anew with make reset"
        fi
    done
    as_run_user chmod 0700 "$state/data" "$state/sock" "$state/home" "$state/http"
}

same_file() { cmp -s "$1" "$2"; }

# Of a compiler's line only what it compiles.
last_line() {
    tail -c 2000 "$1" | tr '\r\t' '\n ' | grep -vE '^ *$|directory .*' | tail -n 1 |
        sed -E 's/^(g\+\+|gcc|cc) .* ([^ ]+\.(cpp|c|o|so))( -M.*)?$/compiling \2/; s/(.{90}).*/\1/'
}

# Runs a command with its output in a log, and tells at least every two seconds what it is at; the log's tail when it fails.
run_logged() { # LABEL LOG COMMAND...
    local label=$1 log=$2 begin=$SECONDS ticks=0 last pid status=0
    shift 2
    printf '== %s: %s\n' "$(date '+%F %T')" "$label" >>"$log" || die "cannot write $log"
    say "$label ..."
    "$@" >>"$log" 2>&1 </dev/null &
    pid=$!
    trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; exit 130' INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.1
        if ((++ticks % 15 == 0)); then
            last=$(last_line "$log") || last=
            if [[ -t 1 ]]; then printf '\r\033[K     %3d s  %s' $((SECONDS - begin)) "$last"; else
                printf '     %3d s  %s\n' $((SECONDS - begin)) "$last"
            fi
        fi
    done
    if [[ -t 1 ]]; then printf '\r\033[K'; fi
    wait "$pid" || status=$?
    trap - INT TERM
    if ((status != 0)); then
        tail -n 25 "$log" >&2
        say "$label: failed after $((SECONDS - begin)) s; the whole log is $log" >&2
        return "$status"
    fi
}
