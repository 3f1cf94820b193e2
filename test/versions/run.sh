#!/usr/bin/env bash
# rcq on other versions of PostgreSQL than Debian 12's, one after the other, and pg_upgrade from each to the next; closes
# with a line for each.
#   test/versions/run.sh [VERSION ...]      16 17 18 17-cassert unless named; see build.sh
# RCQ_VERSION_SUITES: which suites of test/run-all.sh (exports sql upgrade e2e http chaos); a server with assertions is slow
# and runs the SQL and the protocol alone.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../deploy/lib.sh
source "$(dirname "$0")/../../deploy/lib.sh"
find_state
suites=${RCQ_VERSION_SUITES:-exports sql upgrade e2e http chaos}
results=()
servers=()
code=0

# The sources in a tree of their own, so that objects for one version never meet headers of another. The programs are the
# same for all versions, and so are the objects of the core, which sees no header of PostgreSQL.
lay_out() { # TREE
    rm -rf "$1"
    mkdir -p "$1"
    tar -C "$root" --exclude=./.git --exclude=./.rcq --exclude=./build --exclude='./src/pg/*.[od]' \
        --exclude='./*.so' --exclude='./rcq--*.sql' --exclude=__pycache__ -cf - . | tar -C "$1" -xf -
    ln -s "$root/build" "$1/build"
    ln -s "$state" "$1/.rcq"
}

record() { # VERSION TEXT
    results+=("PostgreSQL $1: $2")
    say "PostgreSQL $1: $2"
}

build() { # TREE CONFIG LOG
    make -C "$1" -j"${JOBS:-$(nproc)}" EXTRA_CXX=-Werror PG_CONFIG="$2" all >"$3" 2>&1 &&
        make -C "$1" EXTRA_CXX=-Werror PG_CONFIG="$2" install >>"$3" 2>&1
}

# Sets $config and $tree: a server, and what is built for it. Code 77 when the version cannot be had.
prepare() { # VERSION
    local log=$state/versions/rcq-$1.log status=0
    tree=$state/versions/rcq-$1
    config=$("$root/test/versions/build.sh" "$1" 2> >(tee "$log" >&2)) || status=$?
    if ((status == 77)); then results+=("SKIP PostgreSQL $1: $(tail -n 1 "$log")"); fi
    if ((status != 0)); then return "$status"; fi
    lay_out "$tree"
    if ! build "$tree" "$config" "$log"; then
        tail -n 30 "$log"
        return 1
    fi
    if [[ $1 != *-cassert ]]; then servers+=("$1=$config"); fi
}

test_suites() { # VERSION
    cd "$tree"
    export RCQ_PG_CONFIG=$config
    if [[ $1 == *-cassert ]]; then
        test/run-all.sh sql && /usr/bin/python3 -m pytest -q -p no:cacheprovider test/e2e/test_protocol.py
    else
        # shellcheck disable=SC2086
        test/run-all.sh $suites
    fi
}

# What pg_upgrade begins with.
status=0
prepare 15 || status=$?
if ((status != 0 && status != 77)); then
    record 15 "not built"
    code=1
fi

for version in "${@:-16 17 18 17-cassert}"; do
    for name in $version; do
        began=$SECONDS status=0
        printf '\n== PostgreSQL %s\n' "$name"
        prepare "$name" || status=$?
        if ((status == 77)); then continue; fi
        if ((status == 0)) && (test_suites "$name"); then
            record "$name" "passed, $((SECONDS - began)) s"
        else
            record "$name" "failed, $((SECONDS - began)) s"
            code=1
        fi
    done
done

if ((${#servers[@]} > 1)); then
    printf '\n== pg_upgrade\n'
    if RCQ_PG_CONFIGS="${servers[*]}" /usr/bin/python3 -m pytest -q -p no:cacheprovider -c test/pytest.ini test/versions; then
        results+=("pg_upgrade ${servers[*]%%=*}: passed")
    else
        results+=("pg_upgrade ${servers[*]%%=*}: failed")
        code=1
    fi
fi

echo
printf '%s\n' "${results[@]}"
exit "$code"
