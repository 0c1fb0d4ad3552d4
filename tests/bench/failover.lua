-- SPDX-License-Identifier: BSD-2-Clause
-- From a TCP flow's death, seen from its user agent, to the INVITE on the instance's other flow: median of many calls.
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local uv = require "luv"
local process = require "process"
local server = require "server"
local ua = require "ua"

local rounds = tonumber(os.getenv "BENCH_ROUNDS") or 200
local target_ms = 5
local port = server.free_port()
local listen = { "--listen", "udp:127.0.0.1:" .. port, "--listen", "tcp:127.0.0.1:" .. port }
local under_test = process.start { os.getenv "REFLOW_BIN" or "build/reflow", "serve", "examples/registrar.lua",
    listen[1], listen[2], listen[3], listen[4], "--domain", "example.test" }
ua.wait.pause(500)

local function open(user)
    return ua.open { port = port, user = user, transport = "tcp" }
end

local alice = open "alice"
local times, plain = {}, {}
for round = 1, rounds do
    local user = "bob" .. round
    local first, second = open(user), open(user)
    first:register { instance = ua.instance(1), reg_id = 1, q = "1.0" }
    second:register { instance = ua.instance(1), reg_id = 2, q = "0.5" }
    local call = alice:invite(first.aor)
    plain[round] = (first:expect("INVITE").at - call.sent_at) / 1e6
    local closed_at = uv.hrtime()
    first.socket:close()
    local moved = second:expect "INVITE"
    times[round] = (moved.at - closed_at) / 1e6
    second:reply(moved, 486)
    alice:expect_final(call, 486)
    alice.inbox = {}
    second:close()
end
under_test:stop()

table.sort(times)
table.sort(plain)
local median, baseline = times[(rounds + 1) // 2], plain[(rounds + 1) // 2]
print(("dead TCP flow to INVITE on the other flow, median (baseline: a call's INVITE through the server)\t%.2f ms\t" ..
    "%.2f ms\t%.2f\t5 ms\t%s"):format(median, baseline, median / baseline,
    median <= target_ms and "reached" or "missed"))
io.stderr:write(("  failover: 95th percentile %.2f ms, worst %.2f ms of %d\n"):format(times[rounds * 95 // 100],
    times[rounds], rounds))
-- Closing the state with the loop in it would not end well.
os.exit(0)
