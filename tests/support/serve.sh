#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Starts the server with the first example and says what to try beside it. Ctrl-C ends it.
set -eu
cd "$(dirname "$0")/../.."
reflow=${BUILD:-build}/reflow
port=${PORT:-5060}
try() {
    printf '  %-36s  %s\n' "$1" "$2"
}
# The control socket is this server's alone: a signal by the name of the program would reach every server here.
folder=$(mktemp -d "${TMPDIR:-/tmp}/reflow-run.XXXXXX")
trap 'rm -rf "$folder"' EXIT
echo "reflow serve examples/registrar.lua on 127.0.0.1:$port, UDP and TCP. Ctrl-C ends it."
echo
echo "From a second terminal, in this directory:"
try "lua5.4 tests/e2e/call.lua${PORT:+ $port}" "bob registers two flows, alice calls, a flow is cut, she calls again"
try "$reflow explain 430" "what a response code means, when it occurs, how to fix it"
try "$reflow compare 480 486" "two codes side by side"
try "make demo" "a server of its own: every message and decision, with its rule"
try "$reflow ctl --socket $folder/control reload" "after a change to examples/registrar.lua: puts it into use"
echo
# It ends with this script, also where a terminal is closed or make is ended.
. tests/support/foreground.sh
in_foreground setpriv --pdeathsig TERM "$reflow" serve examples/registrar.lua \
    --listen "udp:127.0.0.1:$port" --listen "tcp:127.0.0.1:$port" --control "$folder/control"
