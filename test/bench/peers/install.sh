#!/usr/bin/env bash
# Puts the peers where the benchmark finds them: npm packages under .rcq/peers, as package-lock.json pins them, and Debian's
# PgQ into the private PostgreSQL. Prints the directory of the packages; fails with the reason when they cannot be had.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../../deploy/lib.sh
source "$(dirname "$0")/../../../deploy/lib.sh"
find_state
here=$root/test/bench/peers

install_packages() {
    local wanted
    wanted=$(cat "$here/package.json" "$here/package-lock.json" | cksum)
    if [[ $(cat "$state/peers/stamp" 2>/dev/null) == "$wanted" ]]; then return; fi
    [[ $(uname -m) == x86_64 ]] || die "the lock file pins a Node for x86_64, this is $(uname -m)"
    command -v npm >/dev/null || die "npm is missing: deploy/setup.sh bench"
    rm -rf "$state/peers"
    mkdir "$state/peers"
    cp "$here/package.json" "$here/package-lock.json" "$state/peers/"
    (cd "$state/peers" && run_logged "getting the peers" "$state/setup.log" npm ci --no-audit --no-fund --ignore-scripts) >&2
    echo "$wanted" >"$state/peers/stamp"
}

# The private PostgreSQL was copied from the system's when PgQ may not have been there.
install_pgq() {
    local config=${RCQ_PG_CONFIG:-} system=/usr/lib/postgresql/15/lib library extension
    if [[ -z $config || ! -e $system/pgq_lowlevel.so ]]; then return; fi
    library=$("$config" --pkglibdir) extension=$("$config" --sharedir)/extension
    if [[ -e $library/pgq_lowlevel.so || ! -w $library ]]; then return; fi
    cp "$system"/pgq_*.so "$library/"
    cp /usr/share/postgresql/15/extension/pgq* "$extension/"
}

install_pgq
install_packages
echo "$state/peers/node_modules"
