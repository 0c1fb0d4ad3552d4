#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# run_one.sh RESULTS KIND PATH: runs one test program under supervise; leaves RESULTS/NAME.tap and what supervise writes.
set -u
results=$1 kind=$2 path=$3
name=$kind-$(basename "${path%.lua}")
# A hang must be seen, but a loaded machine must not make a test fail: the longest program takes a tenth of this.
limit=${REFLOW_TEST_LIMIT:-600}

export ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:exitcode=86:allocator_may_return_null=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"

export TSAN_OPTIONS="exitcode=86:halt_on_error=1:second_deadlock_stack=1${TSAN_OPTIONS:+:$TSAN_OPTIONS}"
# The thread sanitizer of this compiler does not know every layout of addresses that a kernel may choose.
launcher=
case ${REFLOW_OBJ:-} in
*/tsan) ! setarch "$(uname -m)" -R true 2>/dev/null || launcher="setarch $(uname -m) -R" ;;
esac

case $kind in
unit)
    set -- env CMOCKA_MESSAGE_OUTPUT=TAP "$path"
    ;;
memcheck)
    set -- env CMOCKA_MESSAGE_OUTPUT=TAP valgrind -q --error-exitcode=87 --leak-check=full "$path"
    ;;
spec)
    # The sanitized module goes into stock lua5.4, whose own objects know no sanitizer: its runtime has to come first.
    export LUA_CPATH="${REFLOW_OBJ:-build/sanitize}/?.so;;"
    set -- env LD_PRELOAD="$(gcc -print-file-name=libasan.so)" lua5.4 "$path"
    ;;
kamailio)
    export REFLOW_HOST=kamailio
    set -- lua5.4 "$path"
    ;;
*)
    export REFLOW_HOST=standalone
    set -- lua5.4 "$path"
    ;;
esac
export LUA_PATH="tests/support/?.lua;tests/e2e/support/?.lua;lua/?.lua;;"
export LUA_CPATH="${BUILD:-build}/lab/?.so;${LUA_CPATH:-;}"
# shellcheck disable=SC2086
exec "${BUILD:-build}/supervise" "$limit" "$results/$name" $launcher "$@"
