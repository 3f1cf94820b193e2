#!/usr/bin/env bash
# Builds under AddressSanitizer and UndefinedBehaviorSanitizer, in build/sanitize: test/sanitize/build.sh TARGET ...
# No ThreadSanitizer: the executor and its supervisors have one thread each. The executor's loop never hands work to libuv's
# thread pool (no uv_fs_*, uv_getaddrinfo, uv_queue_work), and its log sink is synchronous.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p build/sanitize
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}
cmake -S . -B build/sanitize -DRCQ_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O0 -g1" \
    >build/sanitize/configure.log || { cat build/sanitize/configure.log && exit 1; }
cmake --build build/sanitize --parallel "${JOBS:-$(nproc)}" --target "$@"
