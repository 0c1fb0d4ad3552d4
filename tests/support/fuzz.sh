#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs every fuzzer for FUZZ_SECONDS with a seed that it prints (FUZZ_SEED repeats a run).
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${FUZZ_SECONDS:-60}
export FUZZ_SECONDS=$seconds FUZZ_SEED=${FUZZ_SEED:-$RANDOM$RANDOM}
export ASAN_OPTIONS="detect_leaks=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}" UBSAN_OPTIONS=print_stacktrace=1
failed=0 passed=0
for fuzzer in "${BUILD:-build}"/sanitize/fuzz/fuzz_*; do
    [ -x "$fuzzer" ] || continue
    echo "$(basename "$fuzzer"): $seconds s, seed $FUZZ_SEED"
    if timeout -k 5 $((seconds + 60)) "$fuzzer" "$seconds" "$FUZZ_SEED"; then
        passed=$((passed + 1))
    else
        echo "$(basename "$fuzzer"): FAILED with seed $FUZZ_SEED"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
