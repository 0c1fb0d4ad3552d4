#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kamailio_program.sh [--own]: prints the path of the Kamailio that the module is built for and tested with: KAMAILIO, or
# the first one of PATH, /usr/local/sbin and /usr/sbin. With --own, only if it does not come from a Debian package.
set -eu
debian=/usr/sbin/kamailio

find_program() {
    if [ -n "${KAMAILIO:-}" ]; then
        # Debian's may be asked for before it is installed.
        command -v "$KAMAILIO" || { [ "$KAMAILIO" = "$debian" ] && echo "$debian"; } || {
            echo "KAMAILIO=$KAMAILIO: there is no such program." >&2
            exit 1
        }
        return
    fi
    PATH=$PATH:/usr/local/sbin:/usr/sbin command -v kamailio || echo "$debian"
}

is_packaged() {
    [ ! -e "$1" ] || dpkg-query -S "$1" >/dev/null 2>&1 || dpkg-query -S "$(readlink -f "$1")" >/dev/null 2>&1
}

program=$(find_program)
if [ "${1:-}" != --own ]; then
    echo "$program"
elif ! is_packaged "$program"; then
    echo "$program"
fi
