#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Everything that can be told from the sources alone. Quiet but for findings and a closing line.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
failed=
step() {
    local name=$1 out
    shift
    if ! out=$("$@" 2>&1); then
        printf '%s:\n%s\n' "$name" "$out"
        failed="$failed $name"
    fi
}

list=$(git ls-files --cached --others --exclude-standard 2>/dev/null || find . -path "./$build" -prune -o -type f -print)
existing=$(printf '%s\n' "$list" | while read -r path; do [ -f "$path" ] && echo "$path"; done)
c_files=$(printf '%s\n' "$existing" | grep -E '^(module|tests)/.*\.[ch]$')

step layers xargs lua5.4 tests/support/lint.lua <<<"$existing"
step format xargs clang-format --dry-run -Werror <<<"$c_files"
# By name: what is built may hold a whole system (make test-kamailio6), with links that lead round in it.
step luacheck luacheck --no-color -qq lua examples module tests
cycles() {
    make -s --no-print-directory -j"$(nproc)" -f tests/support/lint.mk BUILD="$build" objects &&
        xargs lua5.4 tests/support/cycles.lua "$build/lint"
}
step cycles cycles <<<"$(grep -E '^module/.*\.c$' <<<"$c_files")"
step analysis make -s -k --no-print-directory -j"$(nproc)" -f tests/support/lint.mk BUILD="$build"

if [ -n "$failed" ]; then
    echo "lint: failed:$failed"
    exit 1
fi
echo "lint: fine"
