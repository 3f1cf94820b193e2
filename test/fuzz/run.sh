#!/usr/bin/env bash
# Feeds what a stranger could write to each decoder: test/fuzz/run.sh [SECONDS [TARGET ...]], 60 seconds each unless said.
# What breaks one is kept as build/fuzz/TARGET-crash-*; it becomes a unit test, and the input a seed in test/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
shift $(($# > 0 ? 1 : 0))
targets=("$@")
if ((${#targets[@]} == 0)); then
    for source in test/fuzz/*_fuzz.cpp; do targets+=("$(basename "$source" _fuzz.cpp)"); done
fi

mkdir -p build/fuzz
cmake -S . -B build/fuzz -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG='-O1 -g1' -DRCQ_TESTS=OFF \
    -DRCQ_FUZZ=ON -DRCQ_SANITIZE=address,undefined,fuzzer-no-link >build/fuzz/configure.log || { cat build/fuzz/configure.log && exit 1; }
cmake --build build/fuzz --parallel "${JOBS:-$(nproc)}" --target "${targets[@]/%/_fuzz}"

failed=0
for target in "${targets[@]}"; do
    mkdir -p "build/fuzz/corpus/$target"
    printf '== fuzz %s: ' "$target"
    if "build/fuzz/test/fuzz/${target}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$target-" "build/fuzz/corpus/$target" "test/fuzz/corpus/$target" >"build/fuzz/$target.log" 2>&1; then
        grep -o 'stat::number_of_executed_units: .*' "build/fuzz/$target.log" | sed 's/.*: */inputs: /'
    else
        failed=1
        tail -n 60 "build/fuzz/$target.log"
    fi
done
exit "$failed"
