-- SPDX-License-Identifier: BSD-2-Clause
-- TCP: messages and keep-alives cut from a stream, and what over-long or broken ones meet.
local tap = require "tap"
local ua = require "ua"
local server = require "server"

local test = tap.test
local one = ua.instance(1)

local function start(t, options)
    local s = server.start(t, options)
    return ua.opener(s), s
end

local function options_request(flow, more)
    local o = { uri = "sip:example.test", contact = false, send = false }
    for name, value in pairs(more or {}) do
        o[name] = value
    end
    return flow:request("OPTIONS", o)
end

test("a message byte by byte", function(_)
    local open = start(_)
    local alice = open("alice")
    local request = options_request(alice, { body = "abc" })
    for index = 1, #request.text do
        alice:send_raw(request.text:sub(index, index))
        if index % 16 == 0 then
            ua.wait.pause(1)
        end
    end
    alice:expect_final(request, 200)
end)

test("two messages in one segment, one cut in the middle of the headers", function(t)
    local open = start(t)
    local alice = open("alice")
    local first, second, third = options_request(alice), options_request(alice), options_request(alice)
    local all = first.text .. second.text .. third.text
    local cut = #first.text + #second.text + 40
    alice:send_raw(all:sub(1, cut))
    alice:expect_final(first, 200)
    alice:expect_final(second, 200)
    alice:send_raw(all:sub(cut + 1))
    alice:expect_final(third, 200)
end)

test("a body that holds an empty line and a start line stays one message", function(t)
    local open = start(t)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local body = "\r\n\r\nBYE sip:bob@example.test SIP/2.0\r\n\r\n"
    alice:request("MESSAGE", { uri = bob.aor, contact = false, body = body })
    t:equal(bob:expect("MESSAGE").body, body)
    bob:expect_none("BYE", 100)
end)

test("5626-5.4.a CRLFCRLF gets a CRLF at once, also between pipelined messages", function(t)
    local open = start(t)
    local alice = open("alice")
    alice:ping()
    local first, second = options_request(alice), options_request(alice)
    alice:send_raw(first.text .. "\r\n\r\n" .. second.text .. "\r\n\r\n\r\n\r\n")
    alice:expect_final(first, 200)
    alice:expect_final(second, 200)
    ua.wait.until_true(ua.patience, function()
        return alice.pongs == 4
    end)
    t:equal(alice.pongs, 4)
end)

test("a byte that nothing follows costs no time, and ends with the connection's idleness", function(t)
    local open, s = start(t, { args = { "--message-time", "1", "--idle", "3" }, status = true })
    local function busy()
        local file <close> = assert(io.open(("/proc/%d/stat"):format(s.pid)))
        local user, system = file:read("a"):gsub("^.*%) ", ""):match(("%S+ "):rep(11) .. "(%S+) (%S+)")
        return tonumber(user) + tonumber(system)
    end
    local alice = open("alice")
    alice:ping() -- who has said nothing whole yet is closed after --message-time
    alice:send_raw "\r"
    ua.wait.pause(1200)
    local before = busy()
    ua.wait.pause(1000)
    t:at_most(busy() - before, 20, "ticks of the clock within a second")
    alice:expect_closed()
    t:equal(s:number "idle", 1)
    t:equal(s:number "unfinished", 0)
end)

test("5626-5.4.a a ping cut in pieces; a lone CRLF before a message is no ping", function(t)
    local open = start(t)
    local alice = open("alice")
    for _, piece in ipairs { "\r", "\n", "\r", "\n" } do
        alice:send_raw(piece)
        ua.wait.pause(20)
    end
    ua.wait.until_true(ua.patience, function()
        return alice.pongs == 1
    end)
    t:equal(alice.pongs, 1)
    local request = options_request(alice)
    alice:send_raw("\r\n" .. request.text)
    alice:expect_final(request, 200)
    t:equal(alice.pongs, 1)
end)

test("a thousand pings in one write: a thousand pongs", function(t)
    local open = start(t)
    local alice = open("alice")
    alice:send_raw(("\r\n\r\n"):rep(1000))
    ua.wait.until_true(ua.patience, function()
        return alice.pongs >= 1000
    end)
    t:equal(alice.pongs, 1000)
end)

test("a message over 64 KiB: 413 or the end of the connection, others are not touched", function(t)
    local open = start(t)
    local alice, bystander = open("alice"), open("bystander")
    local request = options_request(alice, { body = ("x"):rep(70000) })
    alice:send_raw(request.text)
    ua.wait.until_true(ua.patience, function()
        return alice.closed_by_peer or #alice.inbox > 0
    end)
    local answer = alice:receive("final", 50)
    if answer then
        t:equal(answer.status, 413)
    end
    alice:expect_closed()
    bystander:ping()
end)

test("headers without an end: closed at the limit", function(t)
    local open = start(t)
    local alice, bystander = open("alice"), open("bystander")
    alice:send_raw("OPTIONS sip:example.test SIP/2.0\r\n")
    for _ = 1, 80 do
        if alice.closed_by_peer then
            break
        end
        alice:send_raw("X-Fill: " .. ("x"):rep(1000) .. "\r\n")
        ua.wait.pause(2)
    end
    alice:expect_closed()
    bystander:ping()
end)

test("too many header fields: 400", function(t)
    local open = start(t)
    local alice = open("alice")
    local headers = {}
    for index = 1, 400 do
        headers[index] = { "X-" .. index, "y" }
    end
    local request = options_request(alice, { headers = headers })
    alice:send_raw(request.text)
    alice:expect_final(request, 400)
    local datagrams = open("alice", { transport = "udp" })
    datagrams:expect_final(datagrams:request("OPTIONS", { uri = "sip:example.test", contact = false,
        headers = headers }), 400)
end)

test("no Content-Length on a stream with a body, or a broken one: 400 and closed", function(t)
    local open = start(t)
    for _, length in ipairs { "-5", "abc", "99999999999999999999" } do
        local alice = open("alice")
        local request = options_request(alice)
        alice:send_raw((request.text:gsub("Content%-Length: 0", "Content-Length: " .. length)))
        local answer = alice:receive "final"
        t:ok(answer and (answer.status == 400 or answer.status == 413), "for " .. length)
        alice:expect_closed()
    end
end)

test("bytes that are no SIP: closed, or left alone and closed with the peer", function(t)
    local open, s = start(t)
    for _, bytes in ipairs { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", ("\0"):rep(5000), "\22\3\1\2\0\1\0\1\252\3\3" } do
        local odd = open("odd")
        odd:send_raw(bytes)
        ua.wait.pause(50)
        odd:close()
    end
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    alice:call(bob)
    t:ok(s:alive())
end)

test("an over-long datagram is answered or dropped, the next one is heard", function(t)
    local open = start(t)
    local alice = open("alice", { transport = "udp" })
    alice:request("OPTIONS", { uri = "sip:example.test", contact = false, body = ("x"):rep(65000) })
    ua.wait.pause(50)
    alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test", contact = false, call_id = "second" }), 200)
    t:ok(true)
end)

test("UDP keep-alive datagrams are taken without an answer that is SIP", function(t)
    local open = start(t)
    local alice = open("alice", { transport = "udp" })
    for _, bytes in ipairs { "\r\n\r\n", "\0", "\0\0\0\0", "" } do
        alice:send_raw(bytes)
    end
    ua.wait.pause(50)
    t:equal(#alice.inbox, 0)
    alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test", contact = false }), 200)
end)

tap.done()
