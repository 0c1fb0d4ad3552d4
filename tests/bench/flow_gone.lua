-- SPDX-License-Identifier: BSD-2-Clause
-- An edge: from the end of a user agent's connection, seen from its side, to 430 for the next request to it.
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local uv = require "luv"
local crowd = require "flow_crowd"
local process = require "process"
local server = require "server"
local ua = require "ua"

local rounds = tonumber(os.getenv "BENCH_ROUNDS") or 200
local port = server.free_port()
local registrar = ua.open { port = port, user = "registrar" }
local file = assert(io.open "examples/edge.lua")
local text, found = file:read("a"):gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. registrar.local_port)
file:close()
assert(found > 0, "examples/edge.lua names no registrar")
local script = server.temporary ".lua"
server.write(script, text)
local under_test = process.start { os.getenv "REFLOW_BIN" or "build/reflow", "serve", script, "--listen",
    "udp:127.0.0.1:" .. port, "--listen", "tcp:127.0.0.1:" .. port }
ua.wait.pause(500)

local times, others = {}, 0
for round = 1, rounds do
    local bob = ua.open { port = port, user = "bob" .. round, transport = "tcp" }
    bob:request("REGISTER", { uri = "sip:example.test", contact = bob:contact { instance = ua.instance(1), reg_id = 1 },
        headers = { { "Supported", "path, outbound" } } })
    local request = registrar:expect "REGISTER"
    registrar:reply(request, 200, { headers = { { "Require", "outbound" } } })
    bob:expect(200)
    local closed_at = uv.hrtime()
    bob.socket:close()
    local call = registrar:invite(bob.contact_uri, { routes = request:values "Path" })
    local answer = registrar:expect_final(call)
    times[round] = (answer.at - closed_at) / 1e6
    others = others + (answer.status == 430 and 0 or 1)
    registrar.inbox, registrar.seen = {}, {}
end
under_test:stop()
os.remove(script)
local median = crowd.percentile(times, 0.5)
crowd.figure("from a connection's end to 430 for the next request, median", "%.2f ms", median, nil, "2 ms",
    median <= 2 and others == 0)
crowd.figure("the same, p99", "%.2f ms", crowd.percentile(times, 0.99), nil, "", others == 0)
-- Closing the state with the loop in it would not end well.
os.exit(0)
