-- SPDX-License-Identifier: BSD-2-Clause
-- SIPp as phones with two flows (RFC 5626), one of them bad; and a thousand calls while messages are lost.
package.path = "tests/bench/?.lua;" .. package.path
local host = require "host"
local process = require "process"
local server = require "server"
local ua = require "ua"
local tap = require "tap"

local register, answer = "tests/e2e/peers/sipp/register.xml", "tests/e2e/peers/sipp/answer.xml"
local silent, call_and_hang_up = "tests/e2e/peers/sipp/silent.xml", "tests/e2e/peers/sipp/call.xml"

-- A scenario that refuses with that status.
local function refuse(t, status)
    local file <close> = assert(io.open "tests/e2e/peers/sipp/refuse.xml")
    local path = server.temporary ".xml"
    t:defer(function()
        os.remove(path)
    end)
    server.write(path, (file:read("a"):gsub("SIP/2.0 486", "SIP/2.0 " .. status)))
    return path
end

-- The call without its end: whoever loses every answer to a BYE asks for it longer than anybody remembers the call.
local function call_alone(t)
    local path = server.temporary ".xml"
    t:defer(function()
        os.remove(path)
    end)
    local file <close> = assert(io.open(call_and_hang_up))
    local text, found = file:read("a"):gsub('  <send retrans="500" start_txn="bye">.*$', "</scenario>\n")
    assert(found == 1, call_and_hang_up .. " hangs up no more")
    server.write(path, text)
    return path
end

local function command(s, scenario, port, more)
    local list = { "sipp", "127.0.0.1:" .. s.port, "-sf", scenario, "-i", "127.0.0.1", "-p",
        tostring(port), "-nostdin", "-key", "user", "bob", "-key", "domain", s.domain }
    for _, word in ipairs(more or {}) do
        list[#list + 1] = tostring(word)
    end
    return list
end

-- SIPp to its end: its exit status must be 0.
local function run(t, words, ms)
    local log = server.temporary ".log"
    t:defer(function()
        os.remove(log)
    end)
    local status = process.run(words, log, ms)
    local file <close> = assert(io.open(log))
    t:equal(status, 0, file:read("a"):sub(-2500))
end

-- A phone's flow: registered, then its scenario. The port of the one is that of the other.
local function flow(t, s, reg_id, scenario, more)
    local port = server.free_port()
    run(t, command(s, register, port, { "-m", 1, "-key", "reg_id", reg_id, "-key", "q",
        reg_id == 1 and "1.0" or "0.5" }), ua.patience)
    local phone = process.start(command(s, scenario, port, more))
    t:defer(function()
        phone:stop()
    end)
    -- A datagram to a port that nobody has bound yet would tell that the flow is dead.
    assert(ua.wait.until_true(ua.patience, function()
        local file <close> = assert(io.open "/proc/net/udp")
        return file:read("a"):find((":%04X "):format(port), 1, true)
    end), "SIPp does not listen")
end

local options = { transports = { "udp" }, answer_timeout = 1920 }

local function sipp_test(name, body)
    host.test(name, options, function(t, open, s)
        if not os.execute "command -v sipp >/dev/null" then
            t:skip "no sipp"
        end
        body(t, open("alice"), s)
    end)
end

local function call(alice, status)
    local request = alice:invite "sip:bob@example.test"
    local final = alice:expect_final(request, status)
    if status == 200 then
        alice:expect_final(alice:within("BYE", request, final), 200)
    end
end

sipp_test("SIPp: 5626-7.b 430 on one flow, the call comes over the other", function(t, alice, s)
    flow(t, s, 1, refuse(t, 430))
    flow(t, s, 2, answer)
    call(alice, 200)
    t:equal(#alice:bindings "sip:bob@example.test", 1)
    call(alice, 200)
end)

sipp_test("SIPp: 5626-7.c 486 on one flow, the other is not called", function(t, alice, s)
    flow(t, s, 1, refuse(t, 486))
    flow(t, s, 2, answer)
    call(alice, 486)
    t:equal(#alice:bindings "sip:bob@example.test", 2)
end)

sipp_test("SIPp: 5626-7.d no answer on one flow, the call comes over the other", function(t, alice, s)
    flow(t, s, 1, silent)
    flow(t, s, 2, answer)
    call(alice, 200)
end)

-- As in the examples, Kamailio passes a 200 on that comes again (6026-7.a) for 32 s, and not for 5 s: by then only
-- three or four have come, and all may be lost.
host.test("SIPp: one message in twenty of the caller's is lost, 1000 calls are answered",
    { transports = { "udp" }, kept = 32000 }, function(t, _, s)
        if not os.execute "command -v sipp >/dev/null" then
            t:skip "no sipp"
        end
        flow(t, s, 1, answer)
        flow(t, s, 2, answer)
        run(t, command(s, call_alone(t), server.free_port(), { "-lost", 5, "-r", 250, "-m", 1000, "-l", 1000 }),
            2 * ua.patience)
    end)

tap.done()
