# SPDX-License-Identifier: BSD-2-Clause
# in_foreground COMMAND...: runs it to its end and exits with its status. It gets a process group of its own, so that
# Ctrl-C reaches it and not make, which would complain; signals to this script are handed on.
in_foreground() {
    local group foreground server signalled status
    set -m
    read -r _ _ _ _ group _ _ foreground _ <"/proc/$$/stat"
    if [ "$group" = "$foreground" ]; then
        "$@"
        exit
    fi
    set +e
    trap 'signalled=yes; kill -INT "$server"' INT
    trap 'signalled=yes; kill -TERM "$server"' TERM
    "$@" &
    server=$!
    signalled=yes
    while [ -n "$signalled" ]; do # a signal interrupts the wait
        signalled=
        wait "$server"
        status=$?
    done
    exit $status
}
