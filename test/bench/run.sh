#!/usr/bin/env bash
# Prints every figure as `name value unit`. --quick: smaller numbers, under a minute. --only PART: one part.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [[ -x build/plan_bench && $# -le 1 ]]; then build/plan_bench; fi
exec /usr/bin/python3 test/bench/bench.py "$@"
