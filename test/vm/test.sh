#!/usr/bin/env bash
# What cgroups with controllers do to runs, tested on a kernel that has them. One line per test: `ok NAME` or
# `not ok NAME`.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
test/vm/run.sh build/vm_test | sed -uE \
    -e 's/^\[       OK \] ([^ ]+).*/ok \1/' -e 's/^\[  FAILED  \] ([^ ]+) \(.*/not ok \1/' \
    -e '/^\[|^Running main|^$|^ *[0-9]+ FAILED TEST/d'
exit "${PIPESTATUS[0]}"
