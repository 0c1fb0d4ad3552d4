-- SPDX-License-Identifier: BSD-2-Clause
-- RFC 3261 18.3: a datagram ends with the body that Content-Length gives, and so does a message of WebSocket. What is
-- behind it is discarded, and one that ends before its body does is an error.
local tap = require "tap"
local ua = require "ua"
local host = require "host"

local test = host.test
local over_udp = { transports = { "udp" } }
local in_messages = { transports = { "udp", "ws", "wss" } }
local instance = ua.instance(1)
local body = "v=0\r\n"

-- A whole request of its own, as an attacker would hide it behind another one.
local function hidden(uri)
    return ua.message.build(("MESSAGE %s SIP/2.0"):format(uri), {
        { "Via", "SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKhidden" }, { "Max-Forwards", "70" },
        { "From", "<sip:mallory@example.test>;tag=1" }, { "To", "<" .. uri .. ">" }, { "Call-ID", "hidden" },
        { "CSeq", "1 MESSAGE" } })
end

local function send_with(flow, surplus, method, options)
    options.send = false
    local request = flow:request(method, options)
    flow:send_raw(request.text .. surplus)
    return request
end

local function call(caller, uri, surplus)
    return send_with(caller, surplus, "INVITE", { uri = uri, body = body })
end

for _, each in ipairs { { "zero bytes", ("\0"):rep(7) }, { "line ends", "\r\n\r\n" }, { "text", "a=surplus\r\n" },
    { "a request", hidden "sip:bob@example.test" } } do
    local name, surplus = each[1], each[2]
    test("18.3 a REGISTER with " .. name .. " behind its body is accepted", in_messages, function(t, open)
        local bob = open "bob"
        local request = send_with(bob, surplus, "REGISTER", { uri = "sip:example.test", to = bob.aor,
            contact = bob:contact(), headers = { { "Expires", "600" } } })
        bob:expect_final(request, 200)
        t:equal(#bob:bindings(), 1)
        bob:expect_none("MESSAGE", 100)
    end)

    test("18.3 an INVITE with " .. name .. " behind its body arrives without", in_messages, function(t, open)
        local bob, alice = open "bob", open "alice"
        bob:register { instance = instance, reg_id = 1 }
        local request = call(alice, bob.aor, surplus)
        local invite = bob:expect "INVITE"
        t:equal(invite.body, body)
        bob:reply(invite, 486)
        alice:expect_final(request, 486)
    end)
end

test("18.3 what is behind an INVITE's body does not become a request on a phone's TCP connection", over_udp,
    function(t, open)
    local bob, alice = open("bob", { transport = "tcp" }), open "alice"
    bob:register { instance = instance, reg_id = 1 }
    local first = call(alice, bob.aor, hidden(bob.contact_uri))
    local invite = bob:expect "INVITE"
    t:equal(invite.body, body)
    bob:reply(invite, 486)
    alice:expect_final(first, 486)
    local second = call(alice, bob.aor, "")
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(second, 486)
    bob:expect_none("MESSAGE", 0)
    t:equal(#bob.odd, 0)
end)

test("18.3 what is behind a response's body does not become a message on the caller's TCP connection", over_udp,
    function(t, open)
    local bob, alice = open "bob", open("alice", { transport = "tcp" })
    bob:register { instance = instance, reg_id = 1 }
    local request = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    local send = bob.send_raw
    bob.send_raw = function(self, bytes)
        send(self, bytes .. hidden(alice.contact_uri))
    end
    bob:reply(invite, 200, { body = body })
    bob.send_raw = nil
    local answer = alice:expect_final(request, 200)
    t:equal(answer.body, body)
    bob:expect "ACK"
    alice:within("BYE", request, answer)
    bob:reply(bob:expect "BYE", 200)
    alice:expect(200)
    alice:expect_none("MESSAGE", 0)
    t:equal(#alice.odd, 0)
end)

test("18.3 a datagram that ends before its body does is refused with 400", in_messages, function(_, open)
    local bob, alice = open "bob", open "alice"
    bob:register { instance = instance, reg_id = 1 }
    local request = alice:request("INVITE", { uri = bob.aor, body = body, send = false })
    alice:send_raw(request.text:sub(1, -3))
    alice:expect_final(request, 400)
    bob:expect_none("INVITE", 100)
end)

tap.done()
