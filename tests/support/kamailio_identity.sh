#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kamailio_identity.sh PROGRAM: what the program prints for -V, but with the flags that it compares with those of a module.
# -V of Kamailio 6.1 also lists flags that headers define after the comparison was compiled. The program contains both lists,
# and the shorter one is compared.
set -eu
program=$1
printed=$("$program" -V 2>/dev/null || true)
flags=$(LC_ALL=C tr '\0' '\n' <"$program" | LC_ALL=C grep -aE '^(, EXTRA_DEBUG)?(USE_TCP)?(, [A-Z][A-Z_-]*){4,}$' |
    LC_ALL=C awk '{ print length($0), $0 }' | LC_ALL=C sort -n | sed -n '1s/^[0-9]* //p')
[ -n "$printed" ] || exit 0
if [ -n "$flags" ]; then
    printf '%s\n' "$printed" | awk -v flags="$flags" '/^flags: / { $0 = "flags: " flags } { print }'
else
    printf '%s\n' "$printed"
fi
