#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# fuzz.sh FUZZER...: runs each libFuzzer program for FUZZ_SECONDS. The corpus grows in BUILD/fuzz/corpus, and inputs that
# fail are left in BUILD/fuzz/failed. FUZZ_SEED repeats a run over the same corpus.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
seconds=${FUZZ_SECONDS:-60}
export ASAN_OPTIONS="detect_leaks=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}" UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
failed=0 passed=0
for fuzzer in "$@"; do
    name=$(basename "$fuzzer")
    corpus=$build/fuzz/corpus/$name
    log=$build/fuzz/$name.log
    mkdir -p "$corpus" "$build/fuzz/failed"
    REFLOW_FUZZ_SEEDS=$corpus "$fuzzer" >"$log" 2>&1 || cat "$log"
    if [ "$name" = fuzz_message ]; then
        find tests/data \( -name '*.dat' -o -name '*.flow' -o -name '*.device' \) -exec cp -t "$corpus" {} +
    fi
    echo "$name: $seconds s from $(find "$corpus" -type f | wc -l) inputs"
    # The time limit of one input is generous: another program may have the processor.
    if "$fuzzer" -max_total_time="$seconds" -seed="${FUZZ_SEED:-0}" -timeout=60 -max_len=8192 -print_final_stats=1 \
        -artifact_prefix="$build/fuzz/failed/$name-" "$corpus" >"$log" 2>&1; then
        passed=$((passed + 1))
        sed -n 's/^stat::number_of_executed_units: */  runs: /p; s/^#[0-9]*\tDONE *\(cov: [0-9]*\).*/  \1/p' "$log"
    else
        failed=$((failed + 1))
        grep -v '^#' "$log" | head -n 60
        echo "$name: FAILED; the whole output is in $log"
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
