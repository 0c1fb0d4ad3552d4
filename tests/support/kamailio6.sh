#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# kamailio6.sh DIR: Debian 13 in DIR/root (made once, by debootstrap), this tree in it, the module built there for its
# Kamailio 6 by the same target, and the end-to-end tests of the module against that. As root. MIRROR: Debian's archive.
set -eu
cd "$(dirname "$0")/../.."
dir=$1
root=$dir/root
mkdir -p "$dir"

if [ ! -e "$root/etc/made" ]; then
    echo "Making Debian 13 in $root."
    rm -rf "$root"
    debootstrap --variant=minbase trixie "$root" "${MIRROR:-http://deb.debian.org/debian}" >"$dir/log" 2>&1 || {
        tail -n 3 "$dir/log" >&2
        exit 1
    }
    touch "$root/etc/made"
fi

# Name servers as here; nothing of Debian 13's starts by itself (packages.sh sees to that).
cp /etc/resolv.conf "$root/etc/resolv.conf"
rm -rf "$root/reflow/module" "$root/reflow/tests" "$root/reflow/examples"
mkdir -p "$root/reflow"
git ls-files -z --cached --others --exclude-standard 2>/dev/null | xargs -0 ls -d 2>/dev/null |
    tar -cf - -T - | tar -xf - -C "$root/reflow"

# A process space of its own ends with its first process, and takes everything with it, mounts too.
inside() {
    unshare --mount --pid --fork --kill-child sh -c '
        mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        LC_ALL=C.UTF-8 HOME=/ "$@"
}

inside sh -c 'cd /reflow && { command -v make || { apt-get update -qq && apt-get install -y -qq make; }; } >/dev/null &&
    make -s --no-print-directory packages-kamailio-test && make -s --no-print-directory kamailio' >"$dir/log" 2>&1 || {
    tail -n 20 "$dir/log" >&2
    exit 1
}
tail -n 1 "$dir/log"

inside bash -c '
    cd /reflow
    export LUA_PATH="lua/?.lua;tests/support/?.lua;tests/e2e/?.lua;;" BUILD=build
    rm -rf build/results && mkdir -p build/results
    names=
    for test in tests/e2e/kamailio*_test.lua; do
        name=$(basename "$test" .lua)
        status=0
        timeout -k 5 300 lua5.4 "$test" >"build/results/$name.tap" 2>"build/results/$name.err" || status=$?
        echo $status >"build/results/$name.rc"
        names="$names $name"
    done
    exec lua5.4 tests/support/summary.lua build/results $names'
