#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# packages.sh PACKAGE...: installs the Debian packages that are missing, and names them; does nothing if all are installed.
# Nothing else on the machine changes: a server that comes with one of these packages is neither started nor enabled, and
# the policy for starting services is afterwards as it was.
#
# For tests: REFLOW_POLICY_RC_D is the path of the policy, REFLOW_LOCK that of the lock.
set -eu

policy=${REFLOW_POLICY_RC_D:-/usr/sbin/policy-rc.d}
saved=$policy.before-reflow
lock=${REFLOW_LOCK:-/run/lock/reflow-packages}
marker='# Made by reflow for the time of an installation of:'

list_missing() {
    for package in "$@"; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || printf ' %s' "$package"
    done
}

# A package's postinst enables its services (deb-systemd-helper, update-rc.d), whatever the policy says about starting
# them. Both programs work on links, so that this is the same in a chroot.
disable_services() {
    for package in "$@"; do
        [ -z "$(list_missing "$package")" ] || continue
        dpkg-query -L "$package" | sed -n 's,^\(/usr\)\{0\,1\}/lib/systemd/system/\([^/@]*\.\(service\|socket\|timer\)\)$,\2,p' |
            while read -r unit; do
                deb-systemd-helper disable "$unit" >/dev/null 2>&1 || true
            done
        dpkg-query -L "$package" | sed -n 's,^/etc/init\.d/\([^/]*\)$,\1,p' | while read -r name; do
            update-rc.d "$name" disable >/dev/null 2>&1 || true
        done
    done
}

policy_restore() {
    if [ -e "$saved" ] || [ -L "$saved" ]; then
        mv -f "$saved" "$policy"
    else
        rm -f "$policy"
    fi
}

# Invoked at the end, also after a signal: dpkg may have installed a part of the packages.
finish() {
    # shellcheck disable=SC2086
    disable_services $missing
    policy_restore
}

# A run that was killed leaves its policy, which names what it was installing.
clean_up_after_killed_run() {
    [ -e "$policy" ] && grep -q "^$marker" "$policy" || return 0
    # shellcheck disable=SC2046
    disable_services $(sed -n "s/^$marker//p" "$policy")
    policy_restore
}

policy_forbid() {
    if [ -e "$policy" ] || [ -L "$policy" ]; then
        mv -f "$policy" "$saved"
    fi
    printf '#!/bin/sh\n%s%s\nexit 101\n' "$marker" "$missing" >"$policy"
    chmod 755 "$policy"
}

missing=$(list_missing "$@")
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "Missing packages:$missing" >&2
        echo "Neither root nor sudo: install them as root, then start again." >&2
        exit 1
    }
    exec sudo REFLOW_POLICY_RC_D="$policy" REFLOW_LOCK="$lock" "$0" "$@"
fi

# One at a time: two runs would each take the other's policy for the machine's own.
mkdir -p "$(dirname "$lock")"
exec 9>"$lock"
flock -n 9 || {
    echo "Waiting for another installation to end." >&2
    flock 9
}
clean_up_after_killed_run
missing=$(list_missing "$@")
[ -n "$missing" ] || exit 0

echo "Installing missing packages:$missing" >&2
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
policy_forbid
# dpkg and what it starts must not keep the lock.
apt-get update -qq >&2 9>&- || echo "The package lists could not be refreshed; the lists at hand are used." >&2
# shellcheck disable=SC2086
env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends $missing >&2 9>&-
