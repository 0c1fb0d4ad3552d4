#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Starts Kamailio with the module and examples/kamailio/registrar.cfg on 127.0.0.1:PORT. Ctrl-C ends it, and leaves
# nothing behind.
set -eu
cd "$(dirname "$0")/../.."
port=${PORT:-5060}
module=$(realpath "${BUILD:-build}/kamailio/reflow.so")
kamailio=$(tests/support/kamailio_program.sh)
refuse() {
    echo "$1" >&2
    exit 1
}

[[ $port =~ ^[1-9][0-9]{0,4}$ ]] && [ "$port" -le 65535 ] || refuse "PORT=$port is not a port: 1 to 65535."
# Whether something has that port on 127.0.0.1 or on all addresses; 0A: a TCP socket that listens.
taken() {
    local hex
    hex=$(printf %04X "$port")
    grep -qE "^ *[0-9]+: (0100007F|0{8}|0{32}):$hex " /proc/net/udp /proc/net/udp6 2>/dev/null ||
        grep -qE "^ *[0-9]+: (0100007F|0{8}|0{32}):$hex [0-9A-F:]+ 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null
}
! taken || refuse "Port $port of 127.0.0.1 is in use: choose another one, as in: make run-kamailio PORT=5070"

folder=$(mktemp -d "${TMPDIR:-/tmp}/reflow-kamailio.XXXXXX")
trap 'rm -rf "$folder"' EXIT
echo "Kamailio with reflow on 127.0.0.1:$port, UDP and TCP; Ctrl-C ends it. To register and call, beside it:" \
    "lua5.4 tests/e2e/call.lua $port (or a phone as sip:NAME@127.0.0.1:$port)"
. tests/support/foreground.sh
in_foreground setpriv --pdeathsig TERM "$kamailio" -DD -E -f "$PWD/examples/kamailio/registrar.cfg" \
    -Y "$folder" -P "$folder/pid" -w "$folder" -m 64 \
    -A "REFLOW=\"$module\"" -A "PORT=$port" -A CHILDREN=2
