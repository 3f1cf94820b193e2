#!/usr/bin/env bash
# A PostgreSQL of its own with a library that has points (src/pg/points.hpp), under build/injection; prints the path of its
# pg_config. RCQ_PG_CONFIG names the PostgreSQL that is copied, with the programs and the SQL that are installed in it; what has no
# points is taken over as it was compiled for it.
set -euo pipefail
cd "$(dirname "$0")/../.."
place=$PWD/build/injection
prefix=$("${RCQ_PG_CONFIG:?names no PostgreSQL}" --bindir)
prefix=${prefix%/usr/lib/postgresql/*} # as deploy/private-postgres.sh makes them
mkdir -p "$place"
own=()
while read -r source; do own+=(! -path "${source%.cpp}.o"); done < <(grep -l '"points.hpp"' src/pg/*.cpp)
find src Makefile rcq.control -type f "${own[@]}" -print0 | xargs -0 cp -a --update --parents -t "$place"
make -s -C "$place" -j"${JOBS:-$(nproc)}" rcq.so PG_CONFIG="$RCQ_PG_CONFIG" EXTRA_CXX=-DRCQ_DEBUG_POINTS >&2
rm -rf "$place/pg"
cp -a "$prefix" "$place/pg"
config=$place/pg${RCQ_PG_CONFIG#"$prefix"}
install -m 755 "$place/rcq.so" "$("$config" --pkglibdir)/rcq.so"
echo "$config"
