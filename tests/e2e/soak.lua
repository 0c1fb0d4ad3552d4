-- SPDX-License-Identifier: BSD-2-Clause
-- Calls, dying flows, broken messages and reloads for SOAK_SECONDS; then everything must have ended cleanly and the
-- server must not have grown. REFLOW_SEED repeats a run.
local directory = arg[0]:match "^(.*)/" or "."
package.path = directory .. "/?.lua;" .. package.path
local uv = require "luv"
local server = require "server"
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

local function play()
    -- Transactions stay for 64*T1, and the sanitizer keeps what was freed: both are kept small, so that growth shows.
    local s = server.start(t, { args = { "--t1", "100" }, environment = { ASAN_OPTIONS = "quarantine_size_mb=16" } })
    local noise = ua.open { port = s.port, user = "noise" }
    local deadline, number, early = uv.hrtime() + seconds * 1e9, 0, nil
    while uv.hrtime() < deadline do
        number = number + 1
        round(s, number, noise)
        if not early and uv.hrtime() > deadline - seconds * 1e9 * 0.7 then
            early = resident_kib(s.pid)
        end
    end
    local late = resident_kib(s.pid)
    print(("soak: %d rounds, resident %d KiB after 30 %% of the time, %d KiB at the end"):format(number, early or 0,
        late))
    assert(not early or late < early * 1.5 + 20000, "the server grows")
end

local fine, why = xpcall(play, debug.traceback)
for index = #ending, 1, -1 do
    local ended, problem = pcall(ending[index])
    fine, why = fine and ended, why or problem
end
print(fine and "1 passed, 0 failed" or tostring(why) .. "\n0 passed, 1 failed")
os.exit(fine and 0 or 1)
