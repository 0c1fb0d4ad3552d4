#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# kamailio6.sh DIR [WORD...]: Debian 13 in DIR/root (made once, by debootstrap), this tree in it, the module built there
# for its Kamailio 6 by the same target, and against that the end-to-end tests of the module, or those whose path has one
# of the words in it. As root. MIRROR: Debian's archive.
set -eu
cd "$(dirname "$0")/../.."
dir=$1
shift
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

# A process space of its own ends with its first process, and takes everything with it, mounts too. The root is changed
# by pivot_root, because user namespaces, which the laboratory needs, are not allowed after chroot.
inside() {
    unshare --mount --pid --fork --kill-child sh -c '
        mount --bind "$0" "$0" && cd "$0" && mount -t proc proc proc && mount --rbind /sys sys && mount --rbind /dev dev &&
        mkdir -p run/before && pivot_root . run/before && cd / && umount -l run/before && exec "$@"' "$root" \
        /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/ "$@"
}

# The server itself, too: it is the edge before Kamailio in some tests.
inside sh -c 'cd /reflow && { command -v make || { apt-get update -qq && apt-get install -y -qq make; }; } >/dev/null &&
    make -s --no-print-directory packages-kamailio-test packages-test &&
    make -s -j2 --no-print-directory all &&
    make -s --no-print-directory kamailio' >"$dir/log" 2>&1 || {
    tail -n 20 "$dir/log" >&2
    exit 1
}
tail -n 1 "$dir/log"

# Those that are written for Kamailio, and those for any host in it.
inside sh -c 'cd /reflow && rm -rf build/results && export REFLOW_KSR=build/kamailio/reflow.so REFLOW_BIN=build/reflow &&
    exec tests/run --no-build "$@"' run "${@:-kamailio}"
