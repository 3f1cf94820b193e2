#!/usr/bin/env bash
# A private copy of Debian's PostgreSQL 15 under .rcq/pg with this checkout's rcq installed in it, so that checkouts do not
# disturb one another and nothing is installed system-wide. Prints the path of its pg_config.
#   deploy/private-postgres.sh [--dir STATE_DIR]
set -euo pipefail
if [[ ${1:-} == --dir ]]; then export RCQ_STATE_DIR=${2:?"--dir needs a directory"}; fi
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
become_owner "$root/deploy/private-postgres.sh"

system=/usr/lib/postgresql/15
copy() {
    rm -rf "$state/pg.new"
    mkdir -p "$state/pg.new/usr/lib/postgresql" "$state/pg.new/usr/share/postgresql" "$state/pg.new/usr/include"
    cp -a "$system" "$state/pg.new/usr/lib/postgresql/"
    cp -a /usr/share/postgresql/15 "$state/pg.new/usr/share/postgresql/"
    ln -s /usr/include/postgresql "$state/pg.new/usr/include/postgresql"
    # a system-wide rcq is not ours
    rm -f "$state"/pg.new/usr/lib/postgresql/15/lib/rcq.so "$state"/pg.new/usr/share/postgresql/15/extension/rcq[.-]*
    printf '%s\n' "$stamp" >"$state/pg.new/stamp"
    rm -rf "$state/pg"
    mv "$state/pg.new" "$state/pg"
}

# Whether what is built differs from what is installed.
outdated() {
    local file extension=$state/pg/usr/share/postgresql/15/extension
    same_file "$root/rcq.so" "$state/pg/usr/lib/postgresql/15/lib/rcq.so" || return 0
    for file in rcq rcq-executor rcq-handler rcq-job; do
        same_file "$root/build/$file" "$state/pg/usr/lib/postgresql/15/bin/$file" || return 0
    done
    for file in "$root"/rcq.control "$root"/rcq--*.sql; do
        [[ ! -e $file ]] || same_file "$file" "$extension/${file##*/}" || return 0
    done
    return 1
}

[[ -x $system/bin/postgres && -x $system/bin/pg_config ]] || die "PostgreSQL 15 and its development files are missing: make setup"
find_state
stamp="$("$system/bin/postgres" --version) $(stat -c '%Y %s' "$system/bin/postgres")"
config=$state/pg/usr/lib/postgresql/15/bin/pg_config
[[ "$(cat "$state/pg/stamp" 2>/dev/null)" == "$stamp" ]] || copy
if outdated; then
    run_logged "installing into the private PostgreSQL" "$state/build.log" \
        make --no-print-directory -C "$root" install PG_CONFIG="$config" >&2
fi
echo "$config"
