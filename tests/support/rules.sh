#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The rules and the tests that name them. Runs the tests where no results newer than the sources are at hand.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
oldest=$(find "$build/results" -name '*.tap' -printf '%T@ %p\n' 2>/dev/null | sort -n | head -n 1 | cut -d' ' -f2-)
newer=yes
if [ -n "$oldest" ]; then
    newer=$(find module lua examples tests \( -name '*.[ch]' -o -name '*.lua' -o -name '*.def' \) -newer "$oldest" |
        head -n 1)
fi
if [ -n "$newer" ]; then
    echo "Running the tests first (no results newer than the sources)." >&2
    tests/run >&2
fi
exec lua5.4 tests/support/rules.lua "$build"/results/*.tap
