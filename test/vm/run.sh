#!/usr/bin/env bash
# Runs a command as root on a kernel of its own: User Mode Linux (package user-mode-linux) on this machine's files, with
# version 2 of cgroups and all of its controllers under /sys/fs/cgroup. Boots in about two seconds.
#   test/vm/run.sh COMMAND [ARGUMENT ...]
# Prints what the command prints and ends with its exit code; 124 when it takes longer than RCQ_VM_SECONDS (60).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
{
    printf 'cd %q && exec' "$PWD"
    printf ' %q' "$@"
    echo
} >"$dir/command"
: >"$dir/output"

timeout "${RCQ_VM_SECONDS:-60}" linux.uml rootfstype=hostfs rootflags=/ rw mem=512M quiet uml_dir="$dir/uml/" \
    init="$here/init.sh" RCQ_VM_DIR="$dir" con=null con0=fd:0,fd:1 </dev/null >"$dir/console" 2>&1
booted=$?
cat "$dir/output"
if [ ! -s "$dir/exit-code" ]; then
    if [ "$booted" -eq 124 ]; then exit 124; fi
    echo "the virtual machine ended without running the command (package user-mode-linux?):" >&2
    tail -n 20 "$dir/console" >&2
    exit 125
fi
exit "$(cat "$dir/exit-code")"
