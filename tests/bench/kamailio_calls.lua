-- SPDX-License-Identifier: BSD-2-Clause
--[[ CPU time of Kamailio per call, with the module against its own outbound sample: the same SIPp, the same steady
     rate, runs of the two taking turns. Every user has one instance with two flows and is called once, so that no call
     has what an earlier one left behind; registering is not measured. A call is INVITE 100 180 200 ACK BYE 200.
     BENCH_DEAD: percent of the flows that answer 430; as many first flows as second ones, never both of an instance,
     so every call is answered by both servers, over the other flow where the first one tried is dead.
     BENCH_RATE (calls a second), BENCH_CALLS (each run), BENCH_PAIRS. ]]
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local server = require "server"
local stand = require "kamailio_stand"
local wait = require "wait"

local rate = tonumber(os.getenv "BENCH_RATE") or 1000
local calls = tonumber(os.getenv "BENCH_CALLS") or rate * 10
local pairs_wanted = tonumber(os.getenv "BENCH_PAIRS") or 3
local dead = tonumber(os.getenv "BENCH_DEAD") or 0
local target = dead == 0 and 1.0 or 0.95

-- Flow 1 of the first `dead` percent is dead, flow 2 of the next; they are called in an order that mixes them.
local function users()
    local first, second, gone_first, gone_second, order = {}, {}, {}, {}, {}
    for number = 1, calls do
        local user, instance = "u" .. number, ("%012d"):format(number)
        local part = number * 100 // calls
        table.insert(part < dead and gone_first or first, { user, instance, 1 })
        table.insert(part >= dead and part < 2 * dead and gone_second or second, { user, instance, 2 })
        order[number] = { user }
    end
    math.randomseed(7)
    for number = calls, 2, -1 do
        local other = math.random(number)
        order[number], order[other] = order[other], order[number]
    end
    return first, second, gone_first, gone_second, order
end

local first, second, gone_first, gone_second, order = users()
local texts = { kamailio = stand.sample, reflow = stand.ours }

-- One run; microseconds of CPU per call, and the share of the calls that met a dead flow.
local function measure_once(name)
    local under_test = stand.start_text(texts[name]())
    local one, two, gone = server.free_port(), server.free_port(), server.free_port()
    stand.register(under_test.port, one, first)
    stand.register(under_test.port, gone, gone_first)
    -- Both prefer the flow that is newer, by whole seconds.
    wait.pause(1100)
    stand.register(under_test.port, two, second)
    stand.register(under_test.port, gone, gone_second)
    local called = { stand.answer(under_test.port, "uas.xml", one), stand.answer(under_test.port, "uas.xml", two) }
    local refused = stand.answer(under_test.port, "edge_dead_flow.xml", gone)
    wait.pause(500)
    local before = stand.cpu(under_test.pid)
    local file = stand.fields("calls", order)
    stand.run_sipp(under_test.port, "uac_each.xml", server.free_port(), { "-inf", file, "-r", rate, "-m", calls },
        calls / rate * 1000 + 40000)
    local used = stand.cpu(under_test.pid) - before
    for _, each in ipairs(called) do
        each()
    end
    local met = refused() / calls
    stand.finish()
    return used / calls / 1000, met
end

-- On a machine that stands still for a second SIPp takes what is sent again for a fault: that run is no measurement.
local function measure(name)
    for _ = 1, 3 do
        local ok, used, met = pcall(measure_once, name)
        if ok then
            return used, met
        end
        io.stderr:write("  taken again: ", name, ": ", tostring(used):match "^[^\n]*", "\n")
        stand.finish()
    end
    error(name .. ": calls failed three times")
end

stand.run(function()
    local totals = { reflow = {}, kamailio = {} }
    for pair = 1, pairs_wanted do
        -- Who goes first alternates.
        for _, name in ipairs(pair % 2 == 1 and { "kamailio", "reflow" } or { "reflow", "kamailio" }) do
            local used, met = measure(name)
            io.stderr:write(("  pair %d %-8s %6.1f us a call, %.1f %% met a dead flow\n"):format(pair, name, used,
                met * 100))
            table.insert(totals[name], used)
        end
    end
    local what = dead == 0 and "no failures" or ("%d %% of the flows answer 430"):format(dead)
    local ours, stock = stand.median(totals.reflow), stand.median(totals.kamailio)
    local ratio = ours / stock
    print(("Kamailio's CPU per call with the module at %d calls/s, %s, against its own outbound sample\t%.0f us\t" ..
        "%.0f us\t%.2f\t%.2f\t%s"):format(rate, what, ours, stock, ratio, target,
        ratio <= target and "reached" or "missed"))
end)
