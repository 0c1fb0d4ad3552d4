-- SPDX-License-Identifier: BSD-2-Clause
-- Calls of others while strangers attack (tests/e2e/support/attackers.lua), beside the same calls without them.
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local process = require "process"
local server = require "server"
local strangers = require "strangers"
local ua = require "ua"

local calls = tonumber(os.getenv "BENCH_CALLS") or 2000
local port = server.free_port()
local under_test = process.start { os.getenv "REFLOW_BIN" or "build/reflow", "serve", "examples/registrar.lua",
    "--listen", "udp:127.0.0.1:" .. port, "--listen", "tcp:127.0.0.1:" .. port, "--domain", "example.test" }
ua.wait.pause(500)

local alice = ua.open { port = port, user = "alice" }
local bob = ua.open { port = port, user = "bob", transport = "tcp" }
bob:register { instance = ua.instance(1), reg_id = 1 }

-- Milliseconds from INVITE to 200: half of them, and 99 of 100. A call takes 10 ms at least, as callers come.
local function set_up_times()
    local times = {}
    for index = 1, calls do
        local call = alice:invite(bob.aor)
        local invite = bob:expect "INVITE"
        bob:reply(invite, 200)
        local answer = alice:expect_final(call, 200)
        times[index] = (answer.at - call.sent_at) / 1e6
        bob:expect "ACK"
        alice.inbox, bob.inbox, alice.seen, bob.seen = {}, {}, {}, {}
        ua.wait.pause(5)
    end
    table.sort(times)
    return times[(calls + 1) // 2], times[calls * 99 // 100]
end

local function resident_mib()
    local file <close> = assert(io.open(("/proc/%d/status"):format(under_test.pid)))
    return tonumber(file:read("a"):match "VmHWM:%s+(%d+)") / 1024
end

local quiet_median, quiet = set_up_times()
local stop = strangers.start(port, os.time())
local attacked_median, attacked = set_up_times()
local text, third = stop()
local resident = resident_mib()
under_test:stop()

local function row(what, value, baseline, ratio, target, reached)
    print(("%s\t%s\t%s\t%s\t%s\t%s"):format(what, value, baseline, ratio, target, reached and "reached" or "missed"))
end
row("a call's set-up while strangers attack, p99 (baseline: without them)", ("%.2f ms"):format(attacked),
    ("%.2f ms"):format(quiet), ("%.2f"):format(attacked / quiet), "2.00", attacked <= 2 * quiet)
row("the most resident memory under attack", ("%.0f MiB"):format(resident), "", "", "300 MiB", resident <= 300)
row("bytes to a third party for each byte that names it", ("%.2f"):format(third), "", "", "10", third <= 10)
io.stderr:write(("  attacked: median %.2f ms, without %.2f ms\n%s"):format(attacked_median, quiet_median, text))
os.exit(0)
