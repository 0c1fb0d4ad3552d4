-- SPDX-License-Identifier: BSD-2-Clause
-- The rest of the call through the registrars of the examples: connections that close, phones that move, a restart.
local certificates = require "certificates"
local example = require "kamailio_example"
local host = require "host"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
-- ms that "at once" may take: less than 64*T1, after which a silent destination would be given up with 408
local at_once = 25000
local establish, gone = example.establish, example.gone

local function contact(phone)
    return ("<%s>"):format(phone.contact_uri)
end

-- A request inside the dialog that reaches a listener, and is answered there.
local function reaches(listener, sender, sent)
    assert(ua.wait.until_true(ua.patience, function()
        for _, request in ipairs(listener.requests) do
            if request.method == sent.method and request:cseq() == sent:cseq() then
                request.send(peer.answer(request, 200))
                return true
            end
        end
    end), sent.method .. " does not reach the listener")
    return sender:expect_final(sent, 200)
end

-- A trunk that calls over a connection of its own, and takes connections at the address in its Contact.
local function open_trunk(t, open, more)
    local port = server.free_port()
    local trunk, listener = open("trunk", more), peer.open(t, port)
    trunk.contact_uri = ("sip:trunk@127.0.0.1:%d%s"):format(port, example.parameter(trunk.transport))
    return trunk, listener
end

local function each(what, transports, body)
    for _, name in ipairs(example.registrars) do
        for _, transport in ipairs(transports) do
            test(("%s, %s [kamailio %s]"):format(what, name, transport), function(t)
                local s = example.start(t, name)
                body(t, s, host.opener(s, transport), transport)
            end)
        end
    end
end

-- --- connections that close in mid-call (3261-16.6.b) ---

each("3261-16.6.b a trunk has closed its connection: BYE goes to its Contact over a new one", { "tcp" },
    function(t, s, open)
    local trunk, listener = open_trunk(t, open)
    local bob = open "bob"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local _, invite = establish(trunk, bob)
    t:match(invite:get "Contact", ";alias=127.0.0.1~" .. trunk.local_port .. "~2")
    gone(s, trunk)
    reaches(listener, bob, bob:within_called("INFO", invite))
    local bye = bob:within_called("BYE", invite, { cseq = 2 })
    t:equal(bye.uri:find "alias=" ~= nil, true)
    reaches(listener, bob, bye)
    t:equal(listener.requests[2].uri, trunk.contact_uri)
end)

each("3261-16.6.b a called phone without outbound has closed its connection: BYE goes to its Contact", { "tcp" },
    function(t, s, open)
    local trunk, listener = open_trunk(t, open)
    local alice = open "alice"
    trunk:register { supported = false }
    local request, _, answer = establish(alice, trunk)
    gone(s, trunk)
    reaches(listener, alice, alice:within("INFO", request, answer))
    reaches(listener, alice, alice:within("BYE", request, answer, { cseq = 3 }))
    t:equal(#listener.connections, 1)
end)

each("3261-16.6.b behind a proxy that records itself, BYE goes to the proxy over a new connection", { "tcp" },
    function(t, s, open)
    local trunk, listener = open_trunk(t, open)
    local bob = open "bob"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local proxy = ("<sip:127.0.0.1:%d;transport=tcp;lr>"):format(listener.port)
    trunk.contact_uri = "sip:trunk@192.0.2.4:5060"
    local request = trunk:invite(bob.aor, { headers = { { "Record-Route", proxy } },
        via = { trunk:via("z9hG4bKproxy" .. trunk.local_port), "SIP/2.0/UDP 192.0.2.4;branch=z9hG4bKtrunk" } })
    local invite = bob:expect "INVITE"
    bob:reply(invite, 200)
    local answer = trunk:expect(200)
    trunk:within("ACK", request, answer, { routes = { answer:values("Record-Route")[1] } })
    bob:expect "ACK"
    gone(s, trunk)
    local bye = bob:within_called("BYE", invite)
    reaches(listener, bob, bye)
    t:equal(listener.requests[1].uri, trunk.contact_uri)
    t:equal(listener.requests[1]:get "Route", proxy)
end)

each("3261-16.6.b the connection of a phone with outbound is gone, nothing else is tried: 480 at once", { "tcp" },
    function(t, s, open)
    local trunk, listener = open_trunk(t, open)
    local bob = open "bob"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    trunk.contact_uri = trunk.contact_uri .. ";ob"
    local _, invite = establish(trunk, bob)
    gone(s, trunk)
    bob:expect_final(bob:within_called("BYE", invite), 480, at_once)
    t:equal(#listener.connections, 0)
end)

each("3261-16.6.b the connection of a phone behind a NAT is gone: 480 at once", { "tcp" }, function(t, s, open)
    local alice, bob = example.behind_nat(s, "alice", "tcp"), open "bob"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local _, invite = establish(alice, bob)
    gone(s, alice)
    bob:expect_final(bob:within_called("INFO", invite), 480, at_once)
    bob:within_called("ACK", invite, { cseq = 2 })
    bob:expect_final(bob:within_called("BYE", invite, { cseq = 3 }), 480, at_once)
    t:ok(bob)
end)

each("3261-16.6.b nobody listens at the Contact: 480 at once", { "tcp" }, function(_, s, open)
    local trunk, bob = open "trunk", open "bob"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    trunk.contact_uri = ("sip:trunk@127.0.0.1:%d;transport=tcp"):format(server.free_port())
    local _, invite = establish(trunk, bob)
    gone(s, trunk)
    bob:expect_final(bob:within_called("BYE", invite), 480, at_once)
end)

each("3261-16.7.g within a dialog 503 goes upstream as 500, other failures as they are", { "udp", "tcp" },
    function(_, s, _, transport)
    local alice, bob = example.behind_nat(s, "alice", transport), example.behind_nat(s, "bob", transport)
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local request, invite, answer = establish(alice, bob)
    for number, codes in ipairs { { 503, 500 }, { 488, 488 }, { 491, 491 }, { 430, 480 }, { 603, 603 } } do
        local sent = alice:within("INVITE", request, answer, { cseq = number + 1, contact = contact(alice) })
        bob:reply(bob:expect "INVITE", codes[1])
        alice:expect_final(sent, codes[2])
        bob:expect "ACK"
        sent = bob:within_called("INFO", invite, { cseq = number })
        alice:reply(alice:expect "INFO", codes[1])
        bob:expect_final(sent, codes[2])
    end
end)

-- --- a response whose connection is gone (3261-18.2.2.a) ---

each("3261-18.2.2.a the caller's connection closes while it rings: the 200 goes to Via's address and port", { "tcp" },
    function(t, s, open)
    local trunk, listener = open_trunk(t, open)
    local bob = open "bob"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    trunk.sent_by = "127.0.0.1:" .. listener.port
    local request = trunk:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 180)
    trunk:expect(180)
    gone(s, trunk)
    bob:reply(invite, 200)
    local answer
    assert(ua.wait.until_true(ua.patience, function()
        answer = listener.responses[1]
        return answer
    end), "the 200 is lost")
    t:equal(answer.status, 200)
    t:equal(answer:get "Call-ID", request:get "Call-ID")
    local again = open "trunk"
    again:within("ACK", request, answer)
    bob:expect "ACK"
end)

each("3261-18.2.2.a so does a failure, and the final response of another method", { "tcp" }, function(t, s, open)
    local trunk, listener = open_trunk(t, open)
    local bob = open "bob"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    trunk.sent_by = "127.0.0.1:" .. listener.port
    trunk:invite(bob.aor)
    trunk:request("MESSAGE", { uri = bob.aor })
    local invite, text = bob:expect "INVITE", bob:expect "MESSAGE"
    gone(s, trunk)
    bob:reply(invite, 486)
    bob:reply(text, 202)
    assert(ua.wait.until_true(ua.patience, function()
        return #listener.responses >= 2
    end), "a response is lost")
    local seen = {}
    for _, response in ipairs(listener.responses) do
        seen[response.status] = true
    end
    t:ok(seen[486] and seen[202])
end)

each("3261-18.2.2.a nobody listens at Via's port: the response is lost, and nothing else", { "tcp" },
    function(t, s, open)
    local bob, alice = open "bob", open "alice"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    for _, sent_by in ipairs { "127.0.0.1:" .. server.free_port(), "127.0.0.1", "nowhere.invalid:5060", "[::1]:9" } do
        local caller = open "caller"
        caller.sent_by = sent_by
        caller:invite(bob.aor)
        local invite = bob:expect "INVITE"
        gone(s, caller)
        bob:reply(invite, 486)
        bob:expect "ACK"
    end
    alice:call(bob)
    t:ok(s:alive())
end)

each("a route set of 70 hops is followed to its next hop", { "udp", "tcp" }, function(t, s, open, transport)
    local bob, alice = open "bob", open "alice"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local request, _, answer = establish(alice, bob)
    local next_hop = peer.open(t, server.free_port())
    local routes = { answer:values("Record-Route")[1] }
    for number = 1, 69 do
        routes[#routes + 1] = ("<sip:hop%d@127.0.0.1:%d;lr%s>"):format(number, next_hop.port,
            example.parameter(transport))
    end
    reaches(next_hop, alice, alice:within("INFO", request, answer, { routes = routes }))
    t:equal(#next_hop.requests[1]:values "Route", 69)
    t:ok(s:alive())
end)

-- --- phones that move ---

each("a caller that has moved goes on with the call, from wherever it is", { "udp", "tcp" },
    function(_, s, _, transport)
    local alice, bob = example.behind_nat(s, "alice", transport), example.behind_nat(s, "bob", transport)
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local request, _, answer = establish(alice, bob)
    alice:close()
    local moved = example.behind_nat(s, "alice", transport)
    local hold = moved:within("INVITE", request, answer, { contact = contact(moved) })
    local got = bob:expect "INVITE"
    bob:reply(got, 200)
    moved:expect_final(hold, 200)
    bob:expect "ACK"
    local info = bob:within_called("INFO", got)
    moved:reply(moved:expect "INFO", 200)
    bob:expect_final(info, 200)
    local bye = moved:within("BYE", request, answer, { cseq = 3 })
    bob:reply(bob:expect "BYE", 200)
    moved:expect_final(bye, 200)
end)

-- `caller`: the phone that moves is the one that called.
local function moves_and_registers(s, transport, caller)
    local alice, bob = example.behind_nat(s, "alice", transport), example.behind_nat(s, "bob", transport)
    alice:register { supported = false }
    bob:register { supported = false }
    local request, invite, answer = establish(alice, bob)
    local left = caller and alice or bob
    gone(s, left)
    local moved = example.behind_nat(s, left.user, transport)
    moved:register { supported = false, call_id = left.register_call_id, cseq = 7 }
    for number, method in ipairs { "INFO", "BYE" } do
        local sent
        if caller then
            sent = bob:within_called(method, invite, { cseq = number })
        else
            sent = alice:within(method, request, answer, { cseq = number + 1 })
        end
        moved:reply(moved:expect(method), 200);
        (caller and bob or alice):expect_final(sent, 200)
    end
end

each("the other side follows a caller that has registered from a new address", { "udp", "tcp" },
    function(_, s, _, transport)
    moves_and_registers(s, transport, true)
end)

each("the other side follows a called phone that has registered from a new address", { "udp", "tcp" },
    function(_, s, _, transport)
    moves_and_registers(s, transport, false)
end)

each("the other side follows a phone with outbound that has registered over another flow", { "udp", "tcp" },
    function(_, s, _, transport)
    local alice, bob = example.behind_nat(s, "alice", transport), example.behind_nat(s, "bob", transport)
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local request, _, answer = establish(alice, bob)
    gone(s, bob)
    local moved = example.behind_nat(s, "bob", transport)
    moved:register { instance = ua.instance(1), reg_id = 1 }
    local bye = alice:within("BYE", request, answer)
    moved:reply(moved:expect "BYE", 200)
    alice:expect_final(bye, 200)
end)

-- Phones whose Contact is the address of their connection, as many write it over TCP: each connection has another one.
-- Both sides reconnect, one after the other and at once.
local function reconnects(s, transport)
    local open = host.opener(s, transport)
    local function again(old, number)
        local phone = open(old.user)
        phone:register { instance = ua.instance(number), reg_id = number == 1 and 1 or nil }
        return phone
    end
    local alice, bob = again({ user = "alice" }, 1), again({ user = "bob" }, 2)
    local request, invite, answer = establish(alice, bob)
    local cseq = 10
    local function both_ways()
        for _, method in ipairs { "INFO", "UPDATE" } do
            cseq = cseq + 1
            local sent = alice:within(method, request, answer, { cseq = cseq })
            bob:reply(bob:expect(method), 200)
            alice:expect_final(sent, 200)
            sent = bob:within_called(method, invite, { cseq = cseq })
            alice:reply(alice:expect(method), 200)
            bob:expect_final(sent, 200)
        end
    end
    both_ways()
    gone(s, alice)
    alice = again(alice, 1)
    both_ways()
    gone(s, bob)
    bob = again(bob, 2)
    both_ways()
    alice:close()
    bob:close()
    alice, bob = again(alice, 1), again(bob, 2)
    both_ways()
    local bye = bob:within_called("BYE", invite, { cseq = 30 })
    alice:reply(alice:expect "BYE", 200)
    bob:expect_final(bye, 200)
end

each("each side follows the other one to another Contact, if it has an instance-id", { "udp", "tcp" },
    function(_, s, _, transport)
    reconnects(s, transport)
end)

for _, transport in ipairs { "tls", "ws", "wss" } do
    test(("each side follows the other one to another Contact, registrar.cfg [kamailio %s]"):format(transport),
        function(t)
        reconnects(example.start(t, "registrar.cfg", { secure = certificates.new(t):sign("default",
            { names = "DNS:example.test" }) }), transport)
    end)
end

test("sip_add_alias() marks a Contact once, with and without < >, and no Contact of a 3xx", function(t)
    local s = example.start(t, "registrar.cfg")
    local bob, alice = example.behind_nat(s, "bob", "udp"), example.behind_nat(s, "alice", "udp")
    bob:register { instance = ua.instance(1), reg_id = 1 }
    alice:register { instance = ua.instance(2), reg_id = 1 }
    local mark = ";alias=127.0.0.2~%d+~1;owner=%x+"
    for written, seen in pairs {
        ["<sip:alice@192.168.1.10;x=y>;expires=7"] = "^<sip:alice@192.168.1.10" .. mark .. ";x=y>;expires=7$",
        ["sip:alice@192.168.1.10:5070;expires=7"] = "^<sip:alice@192.168.1.10:5070" .. mark .. ">;expires=7$",
        ['"A. <a>" <sip:alice@host.invalid>'] = '^"A. <a>" <sip:alice@host.invalid' .. mark .. ">$" } do
        local call = alice:invite(bob.aor, { contact = written })
        local invite = bob:expect "INVITE"
        t:equal(#invite:all "Contact", 1)
        t:match(invite:get "Contact", seen)
        bob:reply(invite, 302, { headers = { { "Contact", "<sip:other@192.0.2.9>" } } })
        t:equal(alice:expect_final(call, 302):get "Contact", "<sip:other@192.0.2.9>")
    end
    -- What another server has written with these names is left alone where it is not ours.
    local request, _, answer = establish(alice, bob)
    for _, more in ipairs { ";owner=0123456", ";owner=0123456789", ";owner=0123456z", ";owner=" } do
        local uri = bob.contact_uri .. more
        local alias = answer:get("Contact"):match ";alias=[^;>]+"
        local sent = alice:within("INFO", request, answer, { uri = uri .. alias })
        local got = bob:expect "INFO"
        t:equal(got.uri, uri)
        bob:reply(got, 200)
        alice:expect_final(sent, 200)
    end
end)

-- A NAT that forgets a connection closes it on neither side.
each("the other side follows a phone whose old connection seems to be open", { "udp", "tcp" },
    function(_, s, _, transport)
    local alice, bob = example.behind_nat(s, "alice", transport), example.behind_nat(s, "bob", transport)
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local request, _, answer = establish(alice, bob)
    local moved = example.behind_nat(s, "bob", transport)
    moved:register { instance = ua.instance(1), reg_id = 1 }
    local bye = alice:within("BYE", request, answer)
    moved:reply(moved:expect "BYE", 200)
    alice:expect_final(bye, 200)
    bob:expect_none("BYE", 50)
end)

each("a phone with two flows keeps its dialogs on the flow on which they began", { "udp", "tcp" },
    function(_, s, _, transport)
    local alice, bob = example.behind_nat(s, "alice", transport), example.behind_nat(s, "bob", transport)
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local request, _, answer = establish(alice, bob)
    local second = example.behind_nat(s, "bob", transport)
    second:register { instance = ua.instance(1), reg_id = 2 }
    local bye = alice:within("BYE", request, answer)
    bob:reply(bob:expect "BYE", 200)
    alice:expect_final(bye, 200)
end)

each("a phone whose address has not changed keeps its dialogs, although another one gives the same Contact", { "udp" },
    function(_, s, _, transport)
    local alice = example.behind_nat(s, "alice", transport)
    local desk, cell = example.behind_nat(s, "bob", transport), example.behind_nat(s, "bob", transport)
    desk:register { instance = ua.instance(1), reg_id = 1, q = "1.0" }
    local request, _, answer = establish(alice, desk)
    cell:register { instance = ua.instance(2), reg_id = 1, q = "0.1" }
    local bye = alice:within("BYE", request, answer)
    desk:reply(desk:expect "BYE", 200)
    alice:expect_final(bye, 200)
end)

-- --- a restart in mid-call ---

for _, name in ipairs(example.registrars) do
    test("a restart in mid-call: INFO and BYE reach phones behind a NAT over UDP, " .. name, function(t)
        local defines = { example.keys(t) }
        local s = example.start(t, name, { defines = defines })
        local alice, bob = example.behind_nat(s, "alice", "udp"), example.behind_nat(s, "bob", "udp")
        bob:register { instance = ua.instance(1), reg_id = 1 }
        local request, invite, answer = establish(alice, bob)
        s:stop()
        example.start(t, name, { defines = defines, port = s.port })
        local info = bob:within_called("INFO", invite)
        alice:reply(alice:expect "INFO", 200)
        bob:expect_final(info, 200)
        local bye = alice:within("BYE", request, answer)
        bob:reply(bob:expect "BYE", 200)
        alice:expect_final(bye, 200)
    end)
end

for _, name in ipairs(example.registrars) do
    test("3261-16.6.b a restart in mid-call: a trunk on TCP is called by its Contact, " .. name, function(t)
        local defines = { example.keys(t) }
        local s = example.start(t, name, { defines = defines })
        local trunk, listener = open_trunk(t, host.opener(s, "tcp"))
        local bob = ua.open { port = s.port, user = "bob", domain = "example.test" }
        bob:register { instance = ua.instance(1), reg_id = 1 }
        local _, invite = establish(trunk, bob)
        s:stop()
        example.start(t, name, { defines = defines, port = s.port })
        reaches(listener, bob, bob:within_called("BYE", invite))
    end)
end

-- --- subscriptions (6665-4.3.a) ---

each("6665-4.3.a a NOTIFY is recorded whose SUBSCRIBE was, and the SUBSCRIBE that refreshes is relayed",
    { "udp", "tcp" }, function(t, s, _, transport)
    local alice, bob = example.behind_nat(s, "alice", transport), example.behind_nat(s, "bob", transport)
    bob:register { instance = ua.instance(1), reg_id = 1 }
    for _, method in ipairs { "SUBSCRIBE", "REFER" } do
        local request = alice:request(method, { uri = bob.aor, headers = { { "Event", "presence" },
            { "Refer-To", "<sip:carol@example.test>" } } })
        local got = bob:expect(method)
        t:match(got:get "Record-Route", ";seal=")
        bob:reply(got, 202)
        local answer = alice:expect_final(request, 202)
        local notify = bob:within_called("NOTIFY", got, { contact = contact(bob),
            headers = { { "Event", "presence" } } })
        local heard = alice:expect "NOTIFY"
        t:match(heard:get "Record-Route", ";seal=")
        t:match(heard:get "Contact", ";alias=")
        alice:reply(heard, 200)
        bob:expect_final(notify, 200)
        local refresh = alice:within("SUBSCRIBE", request, answer, { contact = contact(alice),
            headers = { { "Event", "presence" } } })
        local again = bob:expect "SUBSCRIBE"
        t:match(again:get "Record-Route", ";seal=")
        bob:reply(again, 200)
        alice:expect_final(refresh, 200)
    end
    -- One that belongs to no subscription is delivered, and not recorded.
    local alone = alice:request("NOTIFY", { uri = bob.aor, headers = { { "Event", "message-summary" } } })
    local got = bob:expect "NOTIFY"
    t:equal(got:get "Record-Route", nil)
    bob:reply(got, 200)
    alice:expect_final(alone, 200)
end)

-- Both flows of an instance lead to the same phone.
each("a request for one's own user does not come back over the other flow of the phone", { "udp", "tcp" },
    function(_, _, open)
    local first, second = open "bob", open "bob"
    first:register { instance = ua.instance(1), reg_id = 1 }
    second:register { instance = ua.instance(1), reg_id = 2 }
    first:expect_final(first:request("MESSAGE", { uri = first.aor }), 404)
    second:expect_none("MESSAGE", 100)
end)

each("a subscription to one's own user gets 404, and no request goes back over its flow", { "udp", "tcp" },
    function(t, s, open)
    local bob, cell, alice = open "bob", open "bob", open "alice"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    for _, event in ipairs { "message-summary", "presence", "dialog", "reg" } do
        for _, method in ipairs { "SUBSCRIBE", "PUBLISH" } do
            local sent = bob:request(method, { uri = bob.aor, headers = { { "Event", event } } })
            bob:expect_final(sent, 404)
        end
    end
    local upper = bob:request("SUBSCRIBE", { uri = "sip:bob@EXAMPLE.test", headers = { { "Event", "presence" } } })
    bob:expect_final(upper, 404)
    for _, method in ipairs { "MESSAGE", "OPTIONS", "NOTIFY", "REFER", "FOO" } do
        bob:expect_final(bob:request(method, { uri = bob.aor }), 404)
    end
    bob:expect_none(function(received)
        return received.method
    end, 100)
    -- The user's other phone gets them, and a phone may call itself.
    cell:register { instance = ua.instance(2), reg_id = 1 }
    local text = bob:request("MESSAGE", { uri = bob.aor })
    cell:reply(cell:expect "MESSAGE", 202)
    bob:expect_final(text, 202)
    bob:expect_none("MESSAGE", 100)
    local call = bob:invite(bob.aor)
    cell:reply(cell:expect "INVITE", 486)
    bob:reply(bob:expect "INVITE", 486)
    bob:expect_final(call, 486)
    local watch = alice:request("SUBSCRIBE", { uri = bob.aor, headers = { { "Event", "presence" } } })
    bob:reply(bob:expect "SUBSCRIBE", 489)
    cell:reply(cell:expect "SUBSCRIBE", 489)
    alice:expect_final(watch, 489)
    t:ok(s:alive())
end)

-- As a gateway has them.
each("two users of one flow write to each other over it", { "udp", "tcp" }, function(_, _, open)
    local gateway = open "bob"
    gateway:register { instance = ua.instance(1), reg_id = 1 }
    gateway:register { aor = "sip:carol@example.test", instance = ua.instance(1), reg_id = 1, call_id = "carol" }
    local text = gateway:request("MESSAGE", { uri = "sip:carol@example.test" })
    gateway:reply(gateway:expect "MESSAGE", 202)
    gateway:expect_final(text, 202)
end)

-- --- a flow that comes back while its phone rings ---

each("3261-9.a a flow comes back while its phone rings: CANCEL goes over it", { "tcp" }, function(t, s, open)
    local bob, alice = open "bob", open "alice"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 180)
    alice:expect(180)
    gone(s, bob)
    t:equal(s:becomes("reflow:bindings_dropped", 1), 1)
    local again = open "bob"
    again:register { instance = ua.instance(1), reg_id = 1 }
    alice:cancel(call)
    local cancel = again:expect "CANCEL"
    t:equal(cancel:branch(), invite:branch())
    again:reply(cancel, 200)
    again:reply(invite, 487)
    alice:expect_final(call, 487)
end)

-- The first flow is not known to be dead: its end is nowhere seen, as when a NAT forgets it.
each("3261-9.a a phone registers from another address while it rings: CANCEL goes there", { "udp" },
    function(t, s, _, transport)
    local bob, alice = example.behind_nat(s, "bob", transport), example.behind_nat(s, "alice", transport)
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 180)
    alice:expect(180)
    local moved = example.behind_nat(s, "bob", transport)
    moved:register { instance = ua.instance(1), reg_id = 1 }
    alice:cancel(call)
    local cancel = moved:expect "CANCEL"
    t:equal(cancel:branch(), invite:branch())
    moved:reply(cancel, 200)
    moved:reply(invite, 487)
    alice:expect_final(call, 487)
    t:equal(moved:expect("ACK"):branch(), invite:branch())
end)

each("3261-16.7.c another phone answers while a flow comes back: its phone is cancelled over the new one", { "tcp" },
    function(t, s, open)
    local desk, cell, alice = open "bob", open "bob", open "alice"
    desk:register { instance = ua.instance(1), reg_id = 1 }
    cell:register { instance = ua.instance(2), reg_id = 1 }
    local call = alice:invite(desk.aor)
    local invite, other = desk:expect "INVITE", cell:expect "INVITE"
    desk:reply(invite, 180)
    alice:expect(180)
    gone(s, desk)
    t:equal(s:becomes("reflow:bindings_dropped", 1), 1)
    local again = open "bob"
    again:register { instance = ua.instance(1), reg_id = 1 }
    cell:reply(other, 200)
    alice:expect_final(call, 200)
    t:equal(again:expect("CANCEL"):branch(), invite:branch())
end)

each("3261-17.a a flow comes back while its phone rings: the ACK of its failure goes over it", { "tcp" },
    function(t, s, open)
    local bob, alice = open "bob", open "alice"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 180)
    alice:expect(180)
    gone(s, bob)
    t:equal(s:becomes("reflow:bindings_dropped", 1), 1)
    local again = open "bob"
    again:register { instance = ua.instance(1), reg_id = 1 }
    again:reply(invite, 486)
    t:equal(again:expect("ACK"):branch(), invite:branch())
    alice:expect_final(call, 486)
end)

each("3261-17.a a phone registers from another address while it rings: the ACK of its failure goes there", { "udp" },
    function(t, s, _, transport)
    local bob, alice = example.behind_nat(s, "bob", transport), example.behind_nat(s, "alice", transport)
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 180)
    alice:expect(180)
    local moved = example.behind_nat(s, "bob", transport)
    moved:register { instance = ua.instance(1), reg_id = 1 }
    moved:reply(invite, 486)
    t:equal(moved:expect("ACK"):branch(), invite:branch())
    alice:expect_final(call, 486)
end)

each("3261-13.2.a a flow comes back while its phone rings: its 200 is forwarded, and ACK and BYE find it", { "tcp" },
    function(_, s, _, transport)
    local bob, alice = example.behind_nat(s, "bob", transport), example.behind_nat(s, "alice", transport)
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 180)
    alice:expect(180)
    gone(s, bob)
    local again = example.behind_nat(s, "bob", transport)
    again:register { instance = ua.instance(1), reg_id = 1 }
    again:reply(invite, 200)
    local answer = alice:expect_final(call, 200)
    again:expect "ACK"
    local bye = alice:within("BYE", call, answer)
    again:reply(again:expect "BYE", 200)
    alice:expect_final(bye, 200)
end)

-- --- two edges ---

-- An edge that the test plays: Contacts lead there by Path.
local function behind(phone, edge_port, reg_id, q)
    phone:register { instance = ua.instance(1), reg_id = reg_id, q = q, via = {
        phone:via("z9hG4bKedge" .. reg_id .. phone.local_port), "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKphone" .. reg_id },
        headers = { { "Path", ("<sip:127.0.0.1:%d;transport=tcp;lr;ob>"):format(edge_port) } } }
end

for _, order in ipairs { "430 first", "dead first" } do
    each("3261-16.9.b one edge is dead, the other one answers 430: 480, " .. order, { "tcp" }, function(t, _, open)
        local edge, alice = peer.open(t, server.free_port(), function(request)
            return request.method == "INVITE" and peer.answer(request, 430) or nil
        end), open "alice"
        local first = order == "430 first"
        behind(open "bob", edge.port, 1, first and "1.0" or "0.5")
        behind(open "bob", server.free_port(), 2, first and "0.5" or "1.0")
        alice:expect_final(alice:invite "sip:bob@example.test", 480)
        t:equal(#edge.requests > 0, true)
    end)
end

each("3261-16.9.b one edge answers 503, the other one 430: 500", { "tcp" }, function(t, _, open)
    local codes = { 503, 430 }
    for reg_id, code in ipairs(codes) do
        local edge = peer.open(t, server.free_port(), function(request)
            return request.method == "INVITE" and peer.answer(request, code) or nil
        end)
        behind(open "bob", edge.port, reg_id, reg_id == 1 and "0.5" or "1.0")
    end
    local alice = open "alice"
    alice:expect_final(alice:invite "sip:bob@example.test", 500)
end)

-- --- several sockets of one transport (5658-a) ---

for _, name in ipairs(example.registrars) do
    for _, transport in ipairs { "udp", "tcp" } do
        test(("5658-a with two addresses each side's requests leave by its socket, %s [kamailio %s]"):format(name,
            transport), function(t)
            local s = example.start_with(t, name, "listen=udp:127.0.0.3:PORT\nlisten=tcp:127.0.0.3:PORT\n")
            local function open(user, address)
                return ua.open { port = s.port, host = address, local_host = "127.0.0.1", user = user,
                    domain = "example.test", transport = transport }
            end
            local alice, bob = open("alice", "127.0.0.1"), open("bob", "127.0.0.3")
            bob:register { instance = ua.instance(1), reg_id = 1 }
            local request, invite, answer = establish(alice, bob)
            example.came_from(t, invite, "127.0.0.3")
            t:equal(#answer:values "Record-Route", 2)
            local hold = alice:within("INVITE", request, answer, { contact = contact(alice) })
            local got = bob:expect "INVITE"
            example.came_from(t, got, "127.0.0.3")
            bob:reply(got, 200)
            alice:expect_final(hold, 200)
            example.came_from(t, bob:expect "ACK", "127.0.0.3")
            local info = bob:within_called("INFO", invite)
            local heard = alice:expect "INFO"
            example.came_from(t, heard, "127.0.0.1")
            alice:reply(heard, 200)
            bob:expect_final(info, 200)
            local ringing = alice:invite(bob.aor)
            bob:reply(bob:expect "INVITE", 180)
            alice:expect(180)
            alice:cancel(ringing)
            example.came_from(t, bob:expect "CANCEL", "127.0.0.3")
            local bye = bob:within_called("BYE", invite, { cseq = 5 })
            heard = alice:expect "BYE"
            example.came_from(t, heard, "127.0.0.1")
            alice:reply(heard, 200)
            bob:expect_final(bye, 200)
        end)
    end
end

-- --- everything that happens in a call, between phones behind a NAT ---

-- PRACK, with a body as for early media, and UPDATE in both directions of an early dialog.
local function early(t, alice, call, phone, invite)
    phone:reply(invite, 183, { body = "v=0\r\n", headers = { { "Require", "100rel" }, { "RSeq", "7" } } })
    local progress = alice:expect(function(received)
        return received.status == 183 and received:tag "To" == invite.our_tag
    end)
    t:equal(progress.body, "v=0\r\n")
    local prack = alice:within("PRACK", call, progress, { cseq = call:cseq() + 1,
        headers = { { "RAck", "7 1 INVITE" } } })
    local got = phone:expect "PRACK"
    t:equal(got:tag "To", invite.our_tag)
    phone:reply(got, 200)
    alice:expect_final(prack, 200)
    local update = alice:within("UPDATE", call, progress, { cseq = call:cseq() + 2, contact = contact(alice) })
    phone:reply(phone:expect "UPDATE", 200)
    alice:expect_final(update, 200)
    update = phone:within_called("UPDATE", invite, { contact = contact(phone) })
    alice:reply(alice:expect "UPDATE", 200)
    phone:expect_final(update, 200)
end

-- One request of each method from `one` to `other`; `within` makes it. Those that refresh the remote target say where
-- the phone is.
local function in_call(t, one, other, within)
    local refresh = { INVITE = true, UPDATE = true, REFER = true, NOTIFY = true, SUBSCRIBE = true }
    for number, method in ipairs { "INVITE", "UPDATE", "INFO", "MESSAGE", "OPTIONS", "REFER", "NOTIFY", "SUBSCRIBE" } do
        local body = method == "INVITE" and "v=0\r\n" or ""
        within(method, { cseq = 20 + number, contact = contact(one), body = body,
            headers = { { "Session-Expires", "90;refresher=uac" } } })
        local got = other:expect(method)
        t:equal(got.body, body)
        t:equal(got:get("Contact"):find(";alias=127.0.0.2~", 1, true) ~= nil, refresh[method] or false)
        other:reply(got, 200, { headers = { { "Session-Expires", "90;refresher=uac" } } })
        local answer = one:expect(function(received)
            return received.status == 200 and received:cseq() == 20 + number
        end)
        if method == "INVITE" then
            t:match(answer:get "Contact", ";alias=127.0.0.2~")
            within("ACK", { cseq = 20 + number })
            other:expect "ACK"
        end
    end
end

each("PRACK, UPDATE, hold, refresh and transfer in forked calls between phones behind a NAT", { "udp", "tcp" },
    function(t, s, _, transport)
    local alice = example.behind_nat(s, "alice", transport)
    local desk, cell = example.behind_nat(s, "bob", transport), example.behind_nat(s, "bob", transport,
        { contact = "192.168.1.11:5066" })
    desk:register { instance = ua.instance(1), reg_id = 1 }
    cell:register { instance = ua.instance(2), reg_id = 1 }
    local call = alice:invite("sip:bob@example.test", { headers = { { "Supported", "100rel" } } })
    local invite, other = desk:expect "INVITE", cell:expect "INVITE"
    early(t, alice, call, desk, invite)
    early(t, alice, call, cell, other)
    desk:reply(invite, 200)
    local answer = alice:expect_final(call, 200)
    desk:expect "ACK"
    cell:reply(cell:expect "CANCEL", 200)
    cell:reply(other, 487)
    cell:expect "ACK"
    in_call(t, alice, desk, function(method, options)
        return alice:within(method, call, answer, options)
    end)
    in_call(t, desk, alice, function(method, options)
        return desk:within_called(method, invite, options)
    end)
    local bye = desk:within_called("BYE", invite, { cseq = 40 })
    alice:reply(alice:expect "BYE", 200)
    desk:expect_final(bye, 200)
end)

-- --- TLS ---

for _, name in ipairs(example.registrars) do
    test("3261-16.6.b a TLS connection is gone: what has a host name is called, a WebSocket is not, " .. name,
        function(t)
        local s = example.start(t, name, { secure = certificates.new(t):sign("default",
            { names = "DNS:example.test" }) })
        local open = host.opener(s, "tls")
        local trunk, listener = open_trunk(t, open)
        local bob = ua.open { port = s.port, user = "bob", domain = "example.test" }
        bob:register { instance = ua.instance(1), reg_id = 1 }
        local _, invite = establish(trunk, bob)
        gone(s, trunk)
        bob:within_called("BYE", invite)
        assert(ua.wait.until_true(ua.patience, function()
            return #listener.connections > 0
        end), "no connection is made")
        local browser = host.opener(s, "wss") "browser"
        browser.contact_uri = "sip:browser@7k2.invalid;transport=ws"
        _, invite = establish(browser, bob)
        gone(s, browser)
        bob:expect_final(bob:within_called("BYE", invite), 480, at_once)
    end)
end

tap.done()
