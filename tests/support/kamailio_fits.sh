#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kamailio_fits.sh [--strict] DIR: says for which Kamailio DIR/reflow.so was compiled, and whether the Kamailio that
# kamailio_program.sh finds loads it. Fails if it is for that version but with other flags, with --strict also if it is for
# another version.
set -eu
strict=
[ "$1" != --strict ] || { strict=yes && shift; }
module=$1/reflow.so
program=$("${0%/*}/kamailio_program.sh")
printed=$("${0%/*}/kamailio_identity.sh" "$program")
version=$(printf '%s\n' "$printed" | sed -n '1s/^version: \([^)]*)\).*/\1/p')
flags=$(printf '%s\n' "$printed" | sed -n 's/^flags: //p')

contains() {
    LC_ALL=C tr '\0' '\n' <"$module" | LC_ALL=C grep -qaxF -- "$1"
}

echo "$module, for Kamailio $(head -n 1 "$1/version")"
[ -n "$printed" ] || exit 0
if ! LC_ALL=C tr '\0' '\n' <"$module" | LC_ALL=C grep -qa "^${version%% (*} ("; then
    echo "It is not for $program, which is ${version%% (*}: that program refuses to load it." >&2
    [ -z "$strict" ]
elif ! contains "$version" || ! contains "$flags"; then
    echo "$program would refuse to load it, because it is $version with the flags: $flags" >&2
    exit 1
fi
