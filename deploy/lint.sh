#!/usr/bin/env bash
# Form of the sources: clang-format, clang-tidy (needs build/compile_commands.json), cppcheck, shell, SQL. Every check is run,
# then the failed ones are named.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
failed=()

check() { # NAME FUNCTION
    local begin=$SECONDS
    if "$2"; then printf 'lint: %-14s ok, %d s\n' "$1" $((SECONDS - begin)); else
        printf 'lint: %-14s FAILED\n' "$1"
        failed+=("$1")
    fi
}

format() { find src test -name '*.[ch]pp' -print0 | xargs -0 -r clang-format --dry-run -Werror; }

# Only what has changed since it was last found clean (deploy/tidy.py).
tidy() { deploy/tidy.py; }

# Without the headers of PostgreSQL and of libraries, whose macros it takes for faults of ours. What is not its business
# stands in deploy/cppcheck.supp, with the reasons. What it has seen unchanged it does not look at again.
static() {
    mkdir -p build/cppcheck
    cppcheck --quiet --std=c++20 --language=c++ --enable=warning,performance,portability --inline-suppr \
        --suppressions-list=deploy/cppcheck.supp --cppcheck-build-dir=build/cppcheck --error-exitcode=1 \
        -j "$(nproc)" -I src src
}

scripts() {
    local file status=0
    while IFS= read -r file; do
        if head -n 1 "$file" | grep -qE 'bash|shell=bash'; then bash -n "$file" || status=1; fi
        shellcheck -x -S warning "$file" || status=1
    done < <(find deploy test -name '*.sh' -not -path 'deploy/demo/jobs/*'; echo .ci/run)
    while IFS= read -r file; do
        if ! head -n 1 "$file" | grep -q python; then sh -n "$file" || status=1; fi
    done < <(find deploy/demo/jobs -name '*.sh')
    return "$status"
}

# A definer's function must not find objects by its caller's search_path, and an install script must not take over what
# somebody else made under one of its names.
sql() {
    local status=0
    if grep -niE 'CREATE[[:space:]]+OR[[:space:]]+REPLACE|IF[[:space:]]+NOT[[:space:]]+EXISTS' sql/install/*.sql | grep -vE '[0-9]+: *(--|IF NOT EXISTS \()'; then
        echo "sql/install: plain CREATE only"
        status=1
    fi
    awk '
        /^[[:space:]]*CREATE[[:space:]]+(FUNCTION|PROCEDURE)/ { head = ""; inside = 1; where = FILENAME ":" FNR }
        inside { sub(/--.*/, ""); head = head " " $0 }
        inside && /[[:space:]]AS[[:space:]]+(\$|\047|MODULE_PATHNAME)|(^|[[:space:]])AS[[:space:]]*\$|;[[:space:]]*$/ {
            inside = 0
            if (head ~ /SECURITY[[:space:]]+DEFINER/ && head !~ /SET[[:space:]]+search_path[[:space:]]*(=|TO)[[:space:]]*pg_catalog, *pg_temp/) {
                print where ": SECURITY DEFINER without SET search_path = pg_catalog, pg_temp"; bad = 1
            }
        }
        END { exit bad }' sql/install/*.sql || status=1
    return "$status"
}

lengths() {
    git ls-files -co --exclude-standard 2>/dev/null | grep -E '\.(cpp|hpp|sql|sh|py|md)$' | while IFS= read -r file; do
        # what a version installed is kept as it was, in one piece
        [[ ! -f $file || $file == test/upgrade/rcq--*.sql ]] || printf '%d %s\n' "$(wc -l <"$file")" "$file"
    done | awk '$1 > 600 { print $2 ": " $1 " lines, more than 600"; bad = 1 } END { exit bad }'
}

# The tests that the threat table names are there, each in the file that is named before it.
threats() {
    local page=docs/explanation/security.md file name status=0 count=0
    while IFS=$'\t' read -r file name; do
        count=$((count + 1))
        if ! grep -qF -- "$name" "$file"; then
            echo "$page: there is no \"$name\" in $file"
            status=1
        fi
    done < <(grep -oE '`[^`]+` "[^"]+"' "$page" | sed -E 's/^`([^`]+)` "([^"]+)"$/\1\t\2/')
    if awk -F ' *[|] *' '/^## Threats/ { inside = 1 } inside && /^\| / && !/^\| (threat|---)/ && $4 !~ /^`[^`]+` "/ { print FILENAME ": no test for: " $2; bad = 1 } END { exit !bad }' "$page"; then status=1; fi
    if [ "$count" -lt 50 ]; then
        echo "$page: only $count tests are named"
        status=1
    fi
    return "$status"
}

check shell scripts
check "threat table" threats
check SQL sql
check "file length" lengths
check clang-format format
check cppcheck static
check clang-tidy tidy
if ((${#failed[@]} > 0)); then
    printf 'lint: failed: %s\n' "${failed[*]}"
    exit 1
fi
