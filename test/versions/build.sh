#!/usr/bin/env bash
# Another PostgreSQL than this machine's, under .rcq/versions; prints the path of its pg_config. What is there is kept until
# .rcq/versions/VERSION is removed.
#   test/versions/build.sh VERSION
# 16, 17, 18 ...: the Debian source package, from a later Debian by way of this machine's own mirrors (RCQ_DEBIAN_MIRROR and
# RCQ_DEBIAN_SECURITY_MIRROR name others), compiled here; VERSION-cassert: with the server's assertions.
# 15: Debian 12's packages without security updates. pg_upgrade refuses what a newer round of minor releases has written
# down, and updates may come before the sources of the later versions do.
# Ends with code 77 and the reason when a version cannot be had.
set -euo pipefail
version=${1:?"which version of PostgreSQL? test/versions/build.sh VERSION"}
# shellcheck source-path=SCRIPTDIR source=../../deploy/lib.sh
source "$(dirname "$0")/../../deploy/lib.sh"
become_owner "$root/test/versions/build.sh" "$@"

major=${version%-cassert}
[[ $major =~ ^[0-9]+$ && $version != 15-cassert ]] || die "$version: not a version that this script can make"
find_state
sources=$state/versions/sources
here=$state/versions/$version
config=$here/bin/pg_config
if ((major == 15)); then config=$here/usr/lib/postgresql/15/bin/pg_config; fi
log=$state/versions/$version.log

skip() {
    printf '%s\n' "$*" >&2
    exit 77
}

# apt with a state of its own that knows source packages of later Debians and nothing else.
later_debian() {
    "$1" -o Dir::Etc::sourcelist="$sources/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$sources/lists" -o Dir::Cache="$sources/cache" -o APT::Sandbox::User=root \
        -o Acquire::Languages=none "${@:2}"
}

# The mirror of Debian, or of its security updates (Debian-Security), that this machine uses.
mirror() { # LABEL
    # shellcheck disable=SC2016 # apt's own $()
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Label: $1" | sort -u | head -n 1
}

download() {
    local main=${RCQ_DEBIAN_MIRROR:-$(mirror Debian)} security=${RCQ_DEBIAN_SECURITY_MIRROR:-$(mirror Debian-Security)} suite release
    # a mirror may be a snapshot, whose lists are no longer called valid
    local source="deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg check-valid-until=no]"
    [[ -n $main ]] || skip "apt knows no mirror of Debian: set RCQ_DEBIAN_MIRROR"
    mkdir -p "$sources/lists/partial" "$sources/cache/archives/partial"
    for suite in trixie sid; do echo "$source $main $suite main"; done >"$sources/sources.list"
    if [[ -n $security ]]; then echo "$source $security trixie-security main" >>"$sources/sources.list"; fi
    run_logged "looking for PostgreSQL $major" "$log" later_debian apt-get update >&2 || skip "the mirror does not answer"
    # the newest whose files the mirror has: those of security updates may be missing
    for release in $(later_debian apt-cache showsrc "postgresql-$major" 2>/dev/null | sed -n 's/^Version: //p' | sort -Vru); do
        (cd "$sources" && run_logged "downloading the source of PostgreSQL $release" "$log" \
            later_debian apt-get source --download-only "postgresql-$major=$release" >&2) && return
    done
    skip "neither trixie nor sid has the source package postgresql-$major"
}

tarball() { find "$sources" -maxdepth 1 -name "postgresql-${major}_*.orig.tar.*" ! -name '*.asc' 2>/dev/null | sort -V | tail -n 1; }

# As Debian configures it, but for languages and documentation; optimized less, which halves the time, and only what the
# tests and pg_upgrade run.
compile() {
    local tree=$here.new/source options=(--prefix="$here" --with-icu --with-openssl --with-libxml --without-readline CFLAGS=-O1) part
    if [[ $version == *-cassert ]]; then options+=(--enable-cassert); fi
    mkdir -p "$tree"
    tar -xf "$(tarball)" -C "$tree" --strip-components 1
    cd "$tree"
    ./configure --quiet "${options[@]}"
    make -C src/backend generated-headers # a directory that is made first may include what another one makes
    make -j"${JOBS:-$(nproc)}" -C src/backend
    for part in config src/{include,makefiles,common,port,timezone,interfaces/libpq,fe_utils,pl/plpgsql/src} \
        src/backend{,/utils/mb/conversion_procs,/snowball,/replication/libpqwalreceiver} \
        src/bin/{initdb,pg_config,pg_ctl,pg_controldata,pg_resetwal,pg_dump,pg_upgrade,pg_basebackup,psql,scripts} \
        src/test/{regress,isolation} contrib/pgcrypto; do
        make -j"${JOBS:-$(nproc)}" -C "$part" install
    done
    make -C src install-local
    cp /usr/share/postgresql/15/extension/pgtap* "$("$config" --sharedir)/extension/" # SQL alone, for any version
    rm -rf "$here.new"
    : >"$here/complete"
}

unpack() {
    mkdir -p "$here.new"
    cd "$here.new"
    apt-get download postgresql-15/bookworm postgresql-client-15/bookworm postgresql-server-dev-15/bookworm
    for package in *.deb; do dpkg -x "$package" "$here"; done
    cp /usr/share/postgresql/15/extension/pgtap* "$("$config" --sharedir)/extension/"
    rm -rf "$here.new"
    : >"$here/complete"
}

if [[ ! -e $here/complete ]]; then
    mkdir -p "$state/versions"
    rm -rf "$here" "$here.new"
fi
if [[ -e $here/complete ]]; then
    :
elif ((major == 15)); then
    export -f unpack
    export here config
    run_logged "fetching PostgreSQL 15" "$log" bash -euo pipefail -c unpack >&2 ||
        skip "apt has no PostgreSQL 15 of suite bookworm"
else
    [[ -n $(tarball) ]] || download
    export -f compile tarball
    export here version major sources config
    run_logged "compiling PostgreSQL $version" "$log" bash -euo pipefail -c compile >&2
fi
echo "$config"
