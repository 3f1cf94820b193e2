# shellcheck shell=bash
# Sourced: the extension's library built with other flags, and servers that carry it.
#   build_apart DIRECTORY VARIABLE=VALUE ...   builds rcq.so in DIRECTORY from copies of the sources, so that objects of two
#                                              kinds never meet; the variables go to make (EXTRA_CXX, EXTRA_LINK)
#   server_with NAME LIBRARY                   sets $server to a copy of the PostgreSQL that RCQ_PG_CONFIG names (a private one,
#                                              rcq is installed in it) with this library, and $config to its pg_config

build_apart() {
    local directory=$1 file
    shift
    mkdir -p "$directory/src"
    while IFS= read -r file; do
        [[ -e ${file#"$directory/"} ]] || rm "$file"
    done < <(find "$directory/src" -name '*.[ch]pp')
    # what is the same keeps its time, and what is not gets a new one: make builds anew what changed
    while IFS= read -r file; do
        cmp -s "$file" "$directory/$file" || install -D -m 644 "$file" "$directory/$file"
    done < <(find Makefile rcq.control src -type f \( -name '*.[ch]pp' -o -not -path 'src/*' -o -name exports.map \))
    make -s -C "$directory" -j "${JOBS:-$(nproc)}" rcq.so PG_CONFIG=pg_config "$@"
}

server_with() {
    local bin original
    bin=$("$RCQ_PG_CONFIG" --bindir)
    original=${bin%/usr/lib/postgresql/*}
    [[ -n $original && $original != "$bin" ]] || {
        echo "$RCQ_PG_CONFIG is not of a private PostgreSQL (deploy/private-postgres.sh), and another library must not get into the system's" >&2
        return 1
    }
    server=$original-$1
    config=$server${bin#"$original"}/pg_config
    rm -rf "$server"
    cp -a "$original" "$server"
    install -m 755 "$2" "$("$config" --pkglibdir)/rcq.so"
}

# Puts a script in the place of the server's program, which is then called postgres.real beside it.
wrap_postgres() { # LINE ...: what the script does before
    local program
    program=$("$config" --bindir)/postgres
    mv "$program" "$program.real"
    printf '%s\n' '#!/bin/sh' "$@" >"$program"
    chmod 755 "$program"
}
