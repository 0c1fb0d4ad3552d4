-- SPDX-License-Identifier: BSD-2-Clause
-- Many calls at once: SIPp at a steady rate, and flows that die under calls.
package.path = "tests/bench/?.lua;" .. package.path
local tap = require "tap"
local process = require "process"
local server = require "server"
local ua = require "ua"

local test = tap.test
local scenarios = "tests/bench/sipp/"

-- Whether a socket has that port for UDP.
local function is_bound(port)
    local file <close> = assert(io.open "/proc/net/udp")
    return file:read("a"):find((":%04X "):format(port), 1, true)
end

local function sipp(s, scenario, port, more)
    local command = { "sipp", "127.0.0.1:" .. s.port, "-sf", scenarios .. scenario, "-i", "127.0.0.1", "-p",
        tostring(port), "-nostdin", "-key", "user", "called", "-key", "domain", "example.test" }
    for _, word in ipairs(more or {}) do
        command[#command + 1] = tostring(word)
    end
    return command
end

test("SIPp: 1000 calls at 250 a second over two flows of one instance, none fails", function(t)
    if not os.execute "command -v sipp >/dev/null" then
        t:skip "no sipp"
    end
    local s = server.start(t)
    local ports = { server.free_port(), server.free_port() }
    for reg_id, port in ipairs(ports) do
        t:equal(process.run(sipp(s, "register.xml", port, { "-m", 1, "-key", "reg_id", reg_id }), nil, ua.patience), 0)
    end
    for _, port in ipairs(ports) do
        local called = process.start(sipp(s, "uas.xml", port))
        t:defer(function()
            called:stop()
        end)
        t:ok(ua.wait.until_true(ua.patience, function()
            return is_bound(port)
        end))
    end
    local log = server.temporary ".log"
    local status = process.run(sipp(s, "uac.xml", server.free_port(), { "-r", 250, "-m", 1000 }), log, 180000)
    local file = io.open(log)
    local said = file and file:read "a" or ""
    os.remove(log)
    t:equal(status, 0, said:sub(-1500))
end)

test("5626-7.h 200 calls whose flow dies under them: every one gets through", function(t)
    local s = server.start(t)
    local function open(user)
        return ua.open { port = s.port, user = user, transport = "tcp" }
    end
    local alice = open("alice")
    local calls = {}
    for index = 1, 200 do
        local user = "bob" .. index
        local call = { first = open(user), second = open(user) }
        call.first:register { instance = ua.instance(index), reg_id = 1, q = "1.0" }
        call.second:register { instance = ua.instance(index), reg_id = 2, q = "0.5" }
        calls[index] = call
    end
    for _, call in ipairs(calls) do
        call.request = alice:invite(call.first.aor)
    end
    for _, call in ipairs(calls) do
        call.first:expect"INVITE"
        call.first.socket:close()
    end
    for _, call in ipairs(calls) do
        call.second:reply(call.second:expect"INVITE", 200)
    end
    for _, call in ipairs(calls) do
        alice:expect_final(call.request, 200)
        call.second:expect"ACK"
    end
end)

test("one connection under 500 AORs closes: every binding on it goes", function(t)
    local s = server.start(t)
    local bob = ua.open { port = s.port, user = "bob", transport = "tcp" }
    local alice = ua.open { port = s.port, user = "alice", transport = "tcp" }
    for index = 1, 500 do
        bob:register { aor = ("sip:u%d@example.test"):format(index), instance = ua.instance(1), reg_id = 1,
            call_id = "c" .. index, cseq = 1 }
    end
    t:equal(#alice:bindings "sip:u500@example.test", 1)
    bob:close()
    ua.wait.until_true(ua.patience, function()
        return #alice:bindings "sip:u500@example.test" == 0
    end)
    for _, index in ipairs { 1, 250, 500 } do
        t:equal(#alice:bindings(("sip:u%d@example.test"):format(index)), 0)
    end
end)

tap.done()
