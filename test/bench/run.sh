#!/usr/bin/env bash
# Prints every figure as `name value unit`. --quick: smaller numbers, under a minute. --only PART: one part.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec /usr/bin/python3 test/bench/bench.py "$@"
