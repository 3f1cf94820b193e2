#!/usr/bin/env bash
# Prints every figure as `name value unit ratio`, then what is reached. Needs RCQ_PG_CONFIG, and what is built.
#   test/bench/run.sh [--quick] [--slurm] [--only PART]... [--output DIRECTORY]
set -euo pipefail
cd "$(dirname "$0")/../.."
RCQ_BENCH_PEERS=$(test/bench/peers/install.sh) || RCQ_BENCH_PEERS=
export RCQ_BENCH_PEERS
exec /usr/bin/python3 test/bench/bench.py "$@"
