#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Starts the server with the first example and says what to try beside it. Ctrl-C ends it.
set -eu
cd "$(dirname "$0")/../.."
reflow=${BUILD:-build}/reflow
port=${PORT:-5060}
cat <<TEXT
reflow serve examples/registrar.lua, on 127.0.0.1:$port UDP and TCP. Ctrl-C ends it.

From a second terminal, in this directory:
  lua5.4 tests/e2e/call.lua              bob registers two flows, alice calls; then a flow is cut, and she calls again
  $reflow explain 430              what a response code means, when you see it, how to fix it
  $reflow compare 480 486          two codes side by side
  make demo                              a server of its own, ten seconds, with every decision and its rule

Edit examples/registrar.lua and \`kill -HUP\` the server: the new script takes effect, or the old one stays.

TEXT
exec "$reflow" serve examples/registrar.lua --listen "udp:127.0.0.1:$port" --listen "tcp:127.0.0.1:$port"
