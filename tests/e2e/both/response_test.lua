-- SPDX-License-Identifier: BSD-2-Clause
-- What the proxy does with responses (RFC 3261 16.7), CANCEL, ACK, requests in a dialog, hops and loops.
local tap = require "tap"
local ua = require "ua"
local host = require "host"
local flows = require "flows"

local test = host.test
local over_udp = { transports = { "udp" } }
local one, two, three = ua.instance(1), ua.instance(2), ua.instance(3)

local function is_method(method)
    return function(received)
        return received.status == 200 and select(2, received:cseq()) == method
    end
end

test("3261-16.7.a a response without a transaction is dropped", function(_, open, s)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    alice:register { instance = two, reg_id = 1 }
    bob:send_raw(ua.message.build("SIP/2.0 200 OK", {
        { "Via", ("SIP/2.0/%s 127.0.0.1:%d;branch=z9hG4bKnever"):format(s.transport:upper(), s.port) },
        { "Via", alice:via "z9hG4bKofnobody" }, { "From", "<sip:alice@example.test>;tag=1" },
        { "To", "<sip:bob@example.test>;tag=2" }, { "Call-ID", "stray" }, { "CSeq", "1 INVITE" } }))
    alice:expect_none(200, 200)
    alice:call(bob)
end)

test("3261-16.7.b 100 stays, 180 and 183 go up at once", function(_, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 100, { headers = { { "X-From", "bob" } } })
    alice:expect_none(function(received)
        return received.status == 100 and received:get "X-From"
    end, 150)
    bob:reply(invite, 183)
    alice:expect(183)
    bob:reply(invite, 180)
    alice:expect(180)
    bob:reply(invite, 486)
    alice:expect_final(call, 486)
end)

test("3261-16.7.c a 2xx goes up at once, the others are cancelled, a second 2xx goes up too", function(t, open)
    local desk, cell, alice = flows.instances(open)
    local call = alice:invite(desk.aor)
    local at_desk, at_cell = desk:expect "INVITE", cell:expect "INVITE"
    desk:reply(at_desk, 180)
    cell:reply(at_cell, 180)
    desk:reply(at_desk, 200)
    local first = alice:expect_final(call, 200)
    local cancel = cell:expect "CANCEL"
    t:equal(cancel:branch(), at_cell:branch())
    cell:reply(at_cell, 200)
    local second = alice:expect(is_method "INVITE")
    t:ok(second:tag "To" ~= first:tag "To")
    cell:reply(cancel, 200)
end)

test("3261-16.7.d 6xx: the others are cancelled, it goes up when they have ended", function(_, open)
    local desk, cell, alice = flows.instances(open)
    local call = alice:invite(desk.aor)
    local at_desk, at_cell = desk:expect "INVITE", cell:expect "INVITE"
    cell:reply(at_cell, 180)
    desk:reply(at_desk, 603)
    cell:reply(cell:expect "CANCEL", 200)
    alice:expect_none(603, 100)
    cell:reply(at_cell, 487)
    alice:expect_final(call, 603)
end)

test("3261-16.7.d 6xx: no target of another q class is tried", function(_, open)
    local desk, cell = open("bob"), open("bob")
    desk:register { instance = one, reg_id = 1, q = "1.0" }
    cell:register { instance = two, reg_id = 1, q = "0.2" }
    local alice = open("alice")
    local call = alice:invite(desk.aor)
    desk:reply(desk:expect "INVITE", 600)
    alice:expect_final(call, 600)
    cell:expect_none("INVITE", 150)
end)

test("16.6 q classes ring in turn", function(_, open)
    local desk, cell = open("bob"), open("bob")
    desk:register { instance = one, reg_id = 1, q = "1.0" }
    cell:register { instance = two, reg_id = 1, q = "0.2" }
    local alice = open("alice")
    local call = alice:invite(desk.aor)
    local invite = desk:expect "INVITE"
    cell:expect_none("INVITE", 150)
    desk:reply(invite, 486)
    cell:reply(cell:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

test("3261-16.7.e the best of the finals: lowest class, and 4xx that help", function(_, open)
    local cases = { { 503, 486, 486 }, { 486, 302, 302 }, { 404, 484, 484 }, { 486, 415, 415 }, { 500, 604, 604 } }
    local desk, cell, alice = flows.instances(open)
    for _, case in ipairs(cases) do
        local call = alice:invite(desk.aor)
        local at_desk, at_cell = desk:expect "INVITE", cell:expect "INVITE"
        desk:reply(at_desk, case[1])
        cell:reply(at_cell, case[2])
        alice:expect_final(call, case[3])
        desk:expect "ACK"
        cell:expect "ACK"
    end
end)

test("3261-16.7.g a 503 as best goes up as 500", function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 503, { phrase = "Service Unavailable" })
    local answer = alice:expect_final(call, 500)
    t:ok(not answer.phrase:find "Unavailable", answer.phrase)
end)

test("3261-16.7.h the challenges of 401 and 407 are merged", function(t, open)
    local desk, cell, alice = flows.instances(open)
    local call = alice:invite(desk.aor)
    local at_desk, at_cell = desk:expect "INVITE", cell:expect "INVITE"
    desk:reply(at_desk, 401, { headers = { { "WWW-Authenticate", 'Digest realm="desk", nonce="1"' } } })
    cell:reply(at_cell, 407, { headers = { { "Proxy-Authenticate", 'Digest realm="cell", nonce="2"' } } })
    local answer = alice:expect_final(call)
    t:ok(answer.status == 401 or answer.status == 407, "status " .. answer.status)
    t:match(answer:get "WWW-Authenticate", 'realm="desk"')
    t:match(answer:get "Proxy-Authenticate", 'realm="cell"')
end)

test("3261-16.7.i a 302 goes up, nobody asked to follow it", function(t, open)
    local bob, carol, alice = open("bob"), open("carol"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    carol:register { instance = three, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 302, { headers = { { "Contact", "<sip:carol@example.test>" } } })
    local answer = alice:expect_final(call, 302)
    t:match(answer:get "Contact", "carol")
    carol:expect_none("INVITE", 100)
end)

test("3261-16.7.i a 302 is followed where the policy says so, each URI once", {
    policy = 'sip_on_request(function() return sip_route(nil, { recurse = true }) end)',
}, function(_, open)
    local bob, carol, alice = open("bob"), open("carol"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    carol:register { instance = three, reg_id = 1 }
    local call = alice:invite(bob.aor)
    local contact = { headers = { { "Contact", "<sip:carol@example.test>, <sip:bob@example.test>" } } }
    bob:reply(bob:expect "INVITE", 302, contact)
    carol:reply(carol:expect "INVITE", 302, contact)
    bob:expect_none("INVITE", 100)
    alice:expect_final(call, 302)
end)

test("3261-9.a CANCEL waits for a provisional of that branch", function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    alice:cancel(call)
    alice:expect(is_method "CANCEL")
    bob:expect_none("CANCEL", 200)
    bob:reply(invite, 180)
    local cancel = bob:expect "CANCEL"
    t:equal(cancel:branch(), invite:branch())
    bob:reply(cancel, 200)
    bob:reply(invite, 487)
    bob:expect "ACK"
    alice:expect_final(call, 487)
end)

test("3261-9.a CANCEL of a call that moved reaches the branch that lives", function(t, open)
    local first, second, alice = open("bob"), open("bob"), open("alice")
    first:register { instance = one, reg_id = 1, q = "1.0" }
    second:register { instance = one, reg_id = 2, q = "0.5" }
    local call = alice:invite(first.aor)
    first:reply(first:expect "INVITE", 430)
    local moved = second:expect "INVITE"
    second:reply(moved, 180)
    alice:expect(180)
    alice:cancel(call)
    local cancel = second:expect "CANCEL"
    t:equal(cancel:branch(), moved:branch())
    second:reply(cancel, 200)
    second:reply(moved, 487)
    alice:expect_final(call, 487)
    first:expect_none("CANCEL", 50)
end)

test("CANCEL of nothing: 481", function(_, open)
    local alice = open("alice")
    alice:request("CANCEL", { uri = "sip:bob@example.test", contact = false })
    alice:expect(481)
end)

test("3261-17.a the ACK of a failure stays in its hop, both sides get one", over_udp, function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 486)
    local ack = bob:expect "ACK"
    t:equal(ack:branch(), invite:branch())
    alice:expect_final(call, 486)
    bob:expect_none("ACK", 150)
    alice:expect_none(486, 700)
end)

test("a lost INVITE over UDP is sent again, a repeated one is not forwarded twice", over_udp, function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    ua.wait.until_true(ua.patience, function()
        return bob.repeats >= 1
    end)
    t:ok(bob.repeats >= 1, "no retransmission while nothing came back")
    bob:reply(invite, 180)
    alice:expect(180)
    local before = bob.repeats
    alice:send_raw(call.text)
    ua.wait.pause(150)
    t:equal(bob.repeats, before)
    bob:reply(invite, 486)
    alice:expect_final(call, 486)
end)

test("Record-Route keeps ACK, BYE and re-INVITE on the path, from both sides", function(t, open, s)
    local bob, alice = open("bob"), open("alice", { transport = s.other_transport })
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    local routes = table.concat(invite:values "Record-Route", ", ")
    t:match(routes, "127%.0%.0%.1:" .. s.port)
    t:match(routes, ";lr")
    t:equal(#invite:all "Via", 2)
    t:equal(invite:get "Max-Forwards", "69")
    bob:reply(invite, 200)
    local answer = alice:expect_final(call, 200)
    local ack = bob:expect "ACK"
    t:equal(#ack:values "Route", 0)
    local again = alice:within("INVITE", call, answer, { contact = ("<%s>"):format(alice.contact_uri) })
    bob:reply(bob:expect "INVITE", 200)
    alice:expect(is_method "INVITE")
    alice:within("ACK", again, answer, { cseq = again:cseq() })
    bob:expect "ACK"
    bob:within_called("BYE", invite)
    alice:reply(alice:expect "BYE", 200)
    bob:expect(is_method "BYE")
end)

test("Max-Forwards: 0 is 483, absent becomes 70", function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    alice:expect_final(alice:invite(bob.aor, { max_forwards = 0 }), 483)
    bob:expect_none("INVITE", 50)
    local call = alice:invite(bob.aor, { max_forwards = false })
    local invite = bob:expect "INVITE"
    t:equal(invite:get "Max-Forwards", "70")
    bob:reply(invite, 486)
    alice:expect_final(call, 486)
end)

test("Proxy-Require of what nobody knows: 420 and Unsupported", function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local answer = alice:expect_final(alice:invite(bob.aor, { headers = { { "Proxy-Require", "teleport" } } }), 420)
    t:equal(answer:get "Unsupported", "teleport")
end)

test("OPTIONS to the server itself is answered", function(t, open)
    local alice = open("alice")
    local answer = alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test", contact = false }))
    t:equal(answer.status, 200)
end)

test("what a proxy must not touch comes through: headers, order, body, unknown method", function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local body = "one\r\n\r\ntwo\0three"
    local request = alice:request("PUBLICISE", { uri = bob.aor, body = body, headers = { { "X-First", "a,  b" },
        { "X-Second", "c" }, { "x-first", "d" }, { "Content-Type", "application/octet-stream" } } })
    local arrived = bob:expect "PUBLICISE"
    t:equal(arrived.body, body)
    t:equal(table.concat(arrived:all "X-First", "|"), "a,  b|d")
    bob:reply(arrived, 299, { headers = { { "X-Answer", "yes" } } })
    t:equal(alice:expect_final(request, 299):get "X-Answer", "yes")
end)

tap.done()
