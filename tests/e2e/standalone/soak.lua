-- SPDX-License-Identifier: BSD-2-Clause
-- Calls, dying flows, broken messages and reloads for SOAK_SECONDS (300), beside strangers who attack (attackers.lua);
-- then no call was lost, everything has ended cleanly, and the server has not grown: its memory in the last quarter of
-- the time is that of the second. REFLOW_SEED repeats a run.
local directory = arg[0]:match "^(.*)/" or "."
package.path = directory .. "/../support/?.lua;" .. package.path
local uv = require "luv"
local server = require "server"
local strangers = require "strangers"
local ua = require "ua"

local seconds = tonumber(os.getenv "SOAK_SECONDS") or 300
local seed = tonumber(os.getenv "REFLOW_SEED") or os.time()
math.randomseed(seed)
print(("soak: %d s, seed %d"):format(seconds, seed))

local ending = {}
local t = {
    defer = function(_, f)
        ending[#ending + 1] = f
    end,
    skip = function(_, why)
        print(why)
        os.exit(1)
    end,
}

local function resident_kib(pid)
    local file = io.open(("/proc/%d/status"):format(pid))
    local text = file and file:read "a" or ""
    if file then
        file:close()
    end
    return tonumber(text:match "VmRSS:%s+(%d+)") or 0
end

-- Reads what strangers write: a header field with a fold in it.
local policy = [[
sip_on_request(function(request, call)
    if call:header "X-Permit" == "never" then return sip_reply(403) end
end, { on_error = 503 })
]]

local function garbage(flow)
    local request = flow:request("INVITE", { send = false, uri = "sip:bob@example.test" }).text
    local at = math.random(#request)
    flow:send_raw(request:sub(1, at) .. string.char(math.random(0, 255)) .. request:sub(at + math.random(0, 3)))
    flow.inbox, flow.odd, flow.seen = {}, {}, {}
end

local function round(s, number, noise)
    local user = "bob" .. number % 50
    local function open(name, transport)
        return ua.open { port = s.port, user = name, transport = transport or "tcp" }
    end
    local first, second = open(user), open(user)
    local alice = open("alice", math.random(2) == 1 and "udp" or "tcp")
    first:register { instance = ua.instance(number % 50), reg_id = 1, q = "1.0" }
    second:register { instance = ua.instance(number % 50), reg_id = 2, q = "0.5" }
    local kind = math.random(4)
    if kind == 1 then
        alice:call(first)
    else
        local call = alice:invite(first.aor)
        local invite = first:expect "INVITE"
        if kind == 2 then
            first:reply(invite, 430)
        else
            first:close(kind == 4)
        end
        second:reply(second:expect "INVITE", 200)
        alice:expect_final(call, 200)
        second:expect "ACK"
    end
    for _ = 1, 20 do
        garbage(noise)
    end
    if number % 40 == 0 then
        s:signal "sighup"
    end
    first:close()
    second:close()
    alice:close()
end

local function mean(samples, from, to)
    local sum, number = 0, 0
    for _, each in ipairs(samples) do
        if each.at >= from and each.at < to then
            sum, number = sum + each.kib, number + 1
        end
    end
    return number > 0 and sum / number or 0
end

local function median(list)
    table.sort(list)
    return list[#list // 2 + 1] or 0
end

local function play()
    -- Transactions stay for 64*T1, and the sanitizer keeps what was freed: both are kept small, so that growth shows.
    local s = server.start(t, { source = policy, args = { "--t1", "100" },
        environment = { ASAN_OPTIONS = "quarantine_size_mb=16" } })
    local noise = ua.open { port = s.port, user = "noise" }
    local stop_attackers = strangers.start(s.port, seed)
    local began, number, samples, times = uv.hrtime(), 0, {}, {}
    local function elapsed()
        return (uv.hrtime() - began) / 1e9
    end
    while elapsed() < seconds do
        number = number + 1
        local before = uv.hrtime()
        round(s, number, noise)
        times[#times + 1] = (uv.hrtime() - before) / 1e6
        samples[#samples + 1] = { at = elapsed(), kib = resident_kib(s.pid) }
    end
    local text, ratio = stop_attackers()
    io.write(text)
    assert(ratio <= 10, "a third party got over ten times what named it")
    local second, last = mean(samples, seconds / 4, seconds / 2), mean(samples, seconds * 3 / 4, seconds * 2)
    print(("soak: %d rounds, none lost; a round took %.1f ms in the median, %.1f ms at most"):format(number,
        median(times), times[#times]))
    print(("soak: resident %.0f KiB in the second quarter, %.0f KiB in the last: %.4f"):format(second, last,
        last / second))
    assert(seconds < 60 or last < second * 1.02, "the server grows")
    assert(last < 300 * 1024, "the server uses over 300 MiB")
end

local fine, why = xpcall(play, debug.traceback)
for index = #ending, 1, -1 do
    local ended, problem = pcall(ending[index])
    fine, why = fine and ended, why or problem
end
print(fine and "1 passed, 0 failed" or tostring(why) .. "\n0 passed, 1 failed")
os.exit(fine and 0 or 1)
