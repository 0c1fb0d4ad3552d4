#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# test_deb.sh DIR [RELEASE...]: for each Debian release (bookworm and trixie), the packages are built in a chroot in
# DIR/RELEASE/build (made once), and tried by inside.sh in a fresh one, DIR/RELEASE/fresh. As root. MIRROR: Debian's archive.
set -u
cd "$(dirname "$0")/../../.."
dir=$1
shift
[ $# -gt 0 ] || set -- bookworm trixie
mkdir -p "$dir"
passed=0 failed=0

# A process space of its own ends with its first process, and takes everything with it, mounts too. network: yes or no.
inside() { # ROOT NETWORK COMMAND...
    local root=$1 private=
    [ "$2" = yes ] || private=--net
    shift 2
    unshare --mount --pid $private --fork --kill-child sh -c '
        mount --make-rprivate / && mount --bind "$0" "$0" && cd "$0" && mount -t proc proc proc && mount --rbind /dev dev &&
        mount -t tmpfs -o mode=755 tmpfs run && mkdir run/before run/lock && pivot_root . run/before && cd / &&
        umount -l run/before && rmdir run/before && exec "$@"' "$root" \
        /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/ \
        DEBIAN_FRONTEND=noninteractive "$@"
}

base() { # RELEASE
    [ ! -e "$dir/$1/base/etc/made" ] || return 0
    echo "Making Debian $1 in $dir/$1/base."
    rm -rf "$dir/$1/base"
    mkdir -p "$dir/$1"
    debootstrap --variant=minbase "$1" "$dir/$1/base" "${MIRROR:-http://deb.debian.org/debian}" >"$dir/$1/log" 2>&1 || {
        tail -n 3 "$dir/$1/log" >&2
        return 1
    }
    touch "$dir/$1/base/etc/made"
}

tree() { # ROOT: this tree in ROOT/reflow
    cp /etc/resolv.conf "$1/etc/resolv.conf"
    mkdir -p "$1/reflow"
    find "$1/reflow" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
    { git ls-files -z --cached --others --exclude-standard 2>/dev/null ||
        find . \( -path ./build -o -name .git \) -prune -o -type f -print0; } | xargs -0 ls -d 2>/dev/null |
        tar -cf - -T - | tar -xf - -C "$1/reflow"
}

build() { # RELEASE
    local root=$dir/$1/build
    [ -e "$root" ] || cp -a "$dir/$1/base" "$root"
    tree "$root"
    inside "$root" yes sh -c 'cd /reflow && { command -v make || { apt-get update -qq && apt-get install -y -qq make; }; } \
        >/dev/null && make -s --no-print-directory deb' >"$dir/$1/log" 2>&1
}

try() { # RELEASE
    local root=$dir/$1/fresh
    rm -rf "$root"
    cp -a "$dir/$1/base" "$root"
    tree "$root"
    mkdir -p "$root/packages"
    cp "$dir/$1"/build/reflow/build/deb/*.deb "$root/packages"
    inside "$root" yes /reflow/tests/support/deb/install.sh >"$dir/$1/log" 2>&1 || {
        tail -n 20 "$dir/$1/log"
        echo "0 passed, 1 failed"
        return
    }
    inside "$root" no /reflow/tests/support/deb/inside.sh
}

for release; do
    start=$SECONDS
    echo "== $release"
    if base "$release" && build "$release"; then
        try "$release" | tee "$dir/$release/result"
        verdict=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$dir/$release/result" | tail -n 1)
        verdict=${verdict:-0 passed, 1 failed}
    else
        tail -n 30 "$dir/$release/log" >&2
        verdict="0 passed, 1 failed"
    fi
    passed=$((passed + ${verdict%% *}))
    verdict=${verdict##*, }
    failed=$((failed + ${verdict%% *}))
    rm -rf "$dir/$release/fresh"
    echo "$release: $((SECONDS - start)) s"
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
