-- SPDX-License-Identifier: BSD-2-Clause
--[[ CPU time of the server per call, ours against Kamailio: the same SIPp scenarios at the same steady rate, runs of
     the two taking turns. Two flows of one instance are registered; a call is INVITE 100 180 200 ACK BYE 200.
     User and system time of all of a server's processes, from /proc.
     BENCH_RATE (calls a second), BENCH_CALLS (each run), BENCH_PAIRS, REFLOW_BIN, REFLOW_ARGS (more options). ]]
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local process = require "process"
local server = require "server"
local wait = require "wait"

local rate = tonumber(os.getenv "BENCH_RATE") or 1000
local calls = tonumber(os.getenv "BENCH_CALLS") or rate * 10
local pairs_wanted = tonumber(os.getenv "BENCH_PAIRS") or 3
local target = 0.7
local binary = os.getenv "REFLOW_BIN" or "build/reflow"
local scenarios = "tests/bench/sipp/"
local scratch = server.temporary()
assert(os.execute("mkdir -p " .. scratch))

local function kamailio(port)
    local program = io.open "/usr/sbin/kamailio" and "/usr/sbin/kamailio" or "kamailio"
    return { program, "-DD", "-E", "-f", "tests/bench/kamailio-baseline.cfg", "-l", "udp:127.0.0.1:" .. port, "-m",
        "256", "-M", "8", "-w", scratch, "-Y", scratch, "-P", scratch .. "/kamailio.pid" }
end

local function reflow(port)
    local command = { binary, "serve", "examples/registrar.lua", "--listen", "udp:127.0.0.1:" .. port, "--domain",
        "127.0.0.1" }
    for word in (os.getenv "REFLOW_ARGS" or ""):gmatch "%S+" do
        command[#command + 1] = word
    end
    return command
end

local function sipp(port, scenario, own_port, more)
    local command = { "sipp", "127.0.0.1:" .. port, "-sf", scenarios .. scenario, "-i", "127.0.0.1", "-p",
        tostring(own_port), "-nostdin", "-key", "user", "called", "-key", "domain", "127.0.0.1" }
    for _, word in ipairs(more or {}) do
        command[#command + 1] = tostring(word)
    end
    return command
end

local function fail(what, log)
    io.stderr:write(what, "\n")
    local file = log and io.open(log)
    if file then
        io.stderr:write(file:read("a"):sub(-1500), "\n")
    end
    os.exit(1)
end

-- One run; returns user and system microseconds per call.
local function measure(name, command_for)
    local port = server.free_port()
    local ports = { server.free_port(), server.free_port() }
    local log = scratch .. "/" .. name .. ".log"
    local under_test = process.start(command_for(port), log)
    wait.pause(1500)
    if under_test.status then
        fail(name .. " did not start", log)
    end
    for reg_id, own in ipairs(ports) do
        local out = scratch .. "/register.log"
        if process.run(sipp(port, "register.xml", own, { "-m", 1, "-key", "reg_id", reg_id }), out, 10000) ~= 0 then
            fail(name .. ": REGISTER failed", out)
        end
    end
    local called = {}
    for index, own in ipairs(ports) do
        called[index] = process.start(sipp(port, "uas.xml", own))
    end
    wait.pause(500)
    local user, system = process.cpu(under_test.pid)
    local out = scratch .. "/uac.log"
    local status = process.run(sipp(port, "uac.xml", server.free_port(), { "-r", rate, "-m", calls }), out,
        calls / rate * 1000 + 40000)
    local user_after, system_after = process.cpu(under_test.pid)
    for _, each in ipairs(called) do
        each:stop()
    end
    under_test:stop()
    if status ~= 0 then
        fail(("%s: calls failed (SIPp says %s)"):format(name, tostring(status)), out)
    end
    return (user_after - user) / calls, (system_after - system) / calls
end

local function median(list)
    table.sort(list)
    local middle = (#list + 1) // 2
    return #list % 2 == 1 and list[middle] or (list[middle] + list[middle + 1]) / 2
end

local totals = { reflow = {}, kamailio = {} }
local ratios = {}
for pair = 1, pairs_wanted do
    local last = {}
    -- Who goes first alternates.
    for _, name in ipairs(pair % 2 == 1 and { "kamailio", "reflow" } or { "reflow", "kamailio" }) do
        local user, system = measure(name, name == "reflow" and reflow or kamailio)
        io.stderr:write(("  pair %d %-8s %6.1f us user %6.1f us system a call\n"):format(pair, name, user, system))
        last[name] = user + system
        table.insert(totals[name], last[name])
    end
    ratios[pair] = last.reflow / last.kamailio
end
os.execute("rm -rf " .. scratch)

local ratio = median(ratios)
print(("CPU per call at %d calls/s, against Kamailio\t%.0f us\t%.0f us\t%.2f\t%.2f\t%s"):format(rate,
    median(totals.reflow), median(totals.kamailio), ratio, target, ratio <= target and "reached" or "missed"))
-- Closing the state with the loop in it would not end well.
os.exit(0)
