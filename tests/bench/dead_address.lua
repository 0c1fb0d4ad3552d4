-- SPDX-License-Identifier: BSD-2-Clause
-- Calls to a trunk of two addresses, whose first dies without a word. What the second call after
-- that takes, against calls before, and how often the dead address is tried for it.
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local dns = require "dns"
local process = require "process"
local server = require "server"
local ua = require "ua"

local rounds = tonumber(os.getenv "BENCH_ROUNDS") or 15
local binary = os.getenv "REFLOW_BIN" or "build/reflow"
local nothing = { defer = function() end }

local function median(list)
    table.sort(list)
    return list[(#list + 1) // 2]
end

-- The milliseconds of a call until it is answered, by whichever trunk gets the INVITE.
local function set_up(alice, living)
    local call = alice:invite "sip:trunk@example.test"
    living:reply(living:expect("INVITE", 60000), 486)
    local answer = alice:expect_final(call, 486, 60000)
    living:receive("ACK", 1000)
    alice.inbox, alice.seen, living.inbox, living.seen = {}, {}, {}, {}
    return (answer.at - call.sent_at) / 1e6
end

local function invites(agent)
    local count = 0
    while agent:receive("INVITE", 0) do
        count = count + 1
    end
    return count
end

-- One life of a trunk: returns a call's time before, the first and the second after, and the attempts at the dead
-- address during the second.
local function live(script)
    local port = server.free_port()
    local first, second = ua.open { port = port, user = "trunk" }, ua.open { port = port, user = "trunk" }
    local names = dns.open(nothing, { records = {
        ["_sip._udp.trunk.test"] = {
            { priority = 1, weight = 0, port = first.socket:getsockname().port, target = "gateway.test" },
            { priority = 2, weight = 0, port = second.socket:getsockname().port, target = "gateway.test" } },
        ["gateway.test"] = { "127.0.0.1" } } })
    local under_test = process.start { binary, "serve", script, "--listen", "udp:127.0.0.1:" .. port, "--domain",
        "example.test", "--dns", "127.0.0.1:" .. names.port, "--t1", "100" }
    ua.wait.pause(1500)
    local alice = ua.open { port = port, user = "alice" }
    set_up(alice, first)
    local before = set_up(alice, first)
    local lost = set_up(alice, second)
    first.inbox, first.seen = {}, {}
    local after = set_up(alice, second)
    local attempts = invites(first)
    under_test:stop()
    names.socket:close()
    names.listener:close()
    for _, each in ipairs { first, second, alice } do
        each:close()
    end
    return before, lost, after, attempts
end

local script = server.temporary ".lua"
server.write(script, [[sip_on_request("INVITE", function() return sip_relay "sip:trunk.test" end)]])
local before, lost, after, attempts = {}, {}, {}, 0
for round = 1, rounds do
    local tried
    before[round], lost[round], after[round], tried = live(script)
    attempts = attempts + tried
end
os.remove(script)
local value, baseline = median(after), median(before)
print(("second call after the first of two SRV addresses went silent: set-up, median of %d (baseline: a call before)" ..
    "\t%.2f ms\t%.2f ms\t%.2f\t-\t-"):format(rounds, value, baseline, value / baseline))
print(("the same: attempts at the dead address (baseline: calls)\t%d\t%d\t\t0\t%s"):format(attempts, rounds,
    attempts == 0 and "reached" or "missed"))
io.stderr:write(("  the first call after: %.0f ms, median\n"):format(median(lost)))
-- Closing the state with the loop in it would not end well.
os.exit(0)
