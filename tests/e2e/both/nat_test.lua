-- SPDX-License-Identifier: BSD-2-Clause
-- Phones that know nothing of outbound: behind an address translation, on TLS and on WebSocket (3261-10.a). A second
-- loopback address plays the NAT. The Contacts and Vias lie: 192.0.2.4 and 2001:db8::4 are nobody, and no packet must
-- go there. Where a Contact may be called, it names a loopback port that is closed, or one where the test listens.
local host = require "host"
local peer = require "peer"
local server = require "server"
local socket = require "socket"
local ua = require "ua"

local test = host.test
local secure = { transports = { "tls", "ws", "wss" } }
local ipv6 = { transports = { "udp", "tcp" }, hosts = { "standalone" }, address = "::1" }

-- ms that "at once" may take: less than 64*T1, after which a silent phone would be given up with 408.
local at_once = 25000

local parameter = ua.parameter

-- What a phone behind a NAT says of itself.
local function lies(flow, contact_host)
    contact_host = contact_host or (flow.host:find ":" and "[2001:db8::4]:5060" or "192.0.2.4:5060")
    flow.sent_by = contact_host
    flow.contact_uri = ("sip:%s@%s%s"):format(flow.user, contact_host, parameter(flow.transport))
    return flow
end

local function behind_nat(open, user)
    local flow = open(user, { local_host = "127.0.0.2" })
    return lies(flow)
end

local function plain_phone(open, user)
    return lies(open(user))
end

local function websocket_phone(open, user)
    return lies(open(user), user .. "7k2.invalid")
end

-- A call that is set up, with its re-INVITE and BYE from the called side and from the calling side.
local function whole_calls(alice, bob)
    alice:call(bob)
    for _, from_called in ipairs { true, false } do
        local call = alice:invite(bob.aor)
        local invite = bob:expect "INVITE"
        bob:reply(invite, 180)
        alice:expect(180)
        bob:reply(invite, 200)
        local answer = alice:expect_final(call, 200)
        bob:expect "ACK"
        local one, other = alice, bob
        if from_called then
            one, other = bob, alice
        end
        local function within(method, cseq)
            if from_called then
                return one:within_called(method, invite, { cseq = cseq, contact = ("<%s>"):format(one.contact_uri) })
            end
            return one:within(method, call, answer, { cseq = cseq, contact = ("<%s>"):format(one.contact_uri) })
        end
        local again = within("INVITE", 10)
        other:reply(other:expect "INVITE", 200)
        one:expect(function(received)
            return received.status == 200 and received:cseq() == again:cseq()
        end)
        within("ACK", 10)
        other:expect "ACK"
        within("BYE", 11)
        other:reply(other:expect "BYE", 200)
        one:expect(function(received)
            return received.status == 200 and select(2, received:cseq()) == "BYE"
        end)
    end
end

local function registers_and_calls(t, alice, bob)
    alice:register { supported = false }
    local answer = bob:register { supported = false }
    t:match(answer:get "Contact", "^<" .. bob.contact_uri:gsub("%p", "%%%0") .. ">")
    t:equal(answer:get "Require", nil)
    whole_calls(alice, bob)
    whole_calls(bob, alice)
end

test("3261-10.a a phone behind a NAT is called over its flow, and calls", function(t, open)
    registers_and_calls(t, behind_nat(open, "alice"), behind_nat(open, "bob"))
end)

-- The phone has learned its address from rport or STUN and registers it, but its messages name its own.
local function mapped_phone(open, user, private)
    local flow = open(user, not private:find ":" and { local_host = "127.0.0.2" } or nil)
    local public = flow.host:find ":" and "[::1]" or "127.0.0.2"
    flow:register { supported = false,
        contact_uri = ("sip:%s@%s:%d%s"):format(user, public, flow.local_port, parameter(flow.transport)) }
    flow.contact_uri = ("sip:%s@%s%s"):format(user, private, parameter(flow.transport))
    return flow
end

test("3261-10.a a phone registers its public address, and its other messages name a private one", function(_, open)
    local alice, bob = mapped_phone(open, "alice", "192.168.7.4:5060"), mapped_phone(open, "bob", "10.0.0.4")
    whole_calls(alice, bob)
    whole_calls(bob, alice)
end)

test("3261-10.a IPv6: a phone registers its public address, and its other messages name a private one", ipv6,
    function(_, open)
    local alice, bob = mapped_phone(open, "alice", "[fd00::4]:5060"), mapped_phone(open, "bob", "[fe80::4]")
    whole_calls(alice, bob)
    whole_calls(bob, alice)
end)

test("3261-10.a IPv6: a phone behind a NAT is called over its flow, and calls", ipv6, function(t, open)
    registers_and_calls(t, plain_phone(open, "alice"), plain_phone(open, "bob"))
end)

test("3261-10.a a phone is called over the connection that it made", secure, function(t, open)
    registers_and_calls(t, plain_phone(open, "alice"), plain_phone(open, "bob"))
end)

test("3261-10.a a phone whose name is .invalid is called over the connection that it made", secure, function(t, open)
    registers_and_calls(t, websocket_phone(open, "alice"), websocket_phone(open, "bob"))
end)

test("3261-10.a a phone whose Contact is the address of its connection is called over it", secure, function(_, open)
    local bob, alice = open "bob", open "alice"
    bob:register { supported = false }
    alice:register { instance = ua.instance(1), reg_id = 1 }
    whole_calls(alice, bob)
    whole_calls(bob, alice)
end)

test("3261-10.a phones of two transports call each other", secure, function(t, open, s)
    local udp = host.opener(s, "udp")
    registers_and_calls(t, behind_nat(udp, "alice"), websocket_phone(open, "bob"))
end)

-- The server knows that a connection has gone.
local function gone(s, flow)
    local before = s.flows_down()
    flow:close()
    assert(ua.wait.until_true(ua.patience, function()
        return s.flows_down() > before
    end), "the server does not notice that the connection is closed")
end

test("3261-10.a the connection of a phone is gone: 480 at once, and its binding with it", secure, function(_, open, s)
    local bob = websocket_phone(open, "bob")
    local alice = host.opener(s, "udp")("alice")
    bob:register { supported = false }
    gone(s, bob)
    alice:expect_final(alice:invite(bob.aor), 480, at_once)
    alice:expect_bindings(bob.aor, 0)
    local again = websocket_phone(open, "bob")
    again:register { supported = false }
    alice:call(again)
end)

test("3261-10.a the connection goes in mid-call: 480 at once, and the binding with it", secure, function(_, open, s)
    local bob, alice = plain_phone(open, "bob"), host.opener(s, "udp")("alice")
    bob:register { supported = false }
    local call = alice:invite(bob.aor)
    bob:expect "INVITE"
    bob:close()
    alice:expect_final(call, 480, at_once)
    alice:expect_bindings(bob.aor, 0)
end)

-- Over TLS an address proves nothing, and a phone on WebSocket takes no connections.
for _, more in ipairs { "", ";transport=tcp" } do
    test(("3261-10.a the connection is gone, the Contact is an address%s: 480, it is not called"):format(more), secure,
        function(t, open, s)
        local bob, alice = open "bob", host.opener(s, "udp")("alice")
        local phone = peer.open(t, server.free_port())
        bob.contact_uri = ("sip:bob@127.0.0.1:%d%s"):format(phone.port, more)
        bob:register { supported = false }
        alice:call(bob)
        gone(s, bob)
        alice:expect_final(alice:invite(bob.aor), 480, at_once)
        alice:expect_bindings(bob.aor, 0)
        t:equal(#phone.requests + #phone.connections, 0)
    end)
end

-- Kamailio's own resolver does not read /etc/hosts.
local with_names = { transports = { "tls" }, core = "use_dns_cache=no" }

test("3261-10.a the connection is gone, the Contact is a name: it is called over a new one", with_names,
    function(t, open, s)
    local bob, alice, phone = open "bob", host.opener(s, "udp")("alice"), peer.open(t, server.free_port())
    lies(bob, "localhost:" .. server.free_port())
    bob:register { supported = false }
    gone(s, bob)
    alice:expect_final(alice:invite(bob.aor), 480, at_once)
    t:equal(#alice:bindings(bob.aor), 1)
    local carol = lies(open "carol", "localhost:" .. phone.port)
    carol:register { supported = false }
    gone(s, carol)
    alice:invite(carol.aor)
    assert(ua.wait.until_true(ua.patience, function()
        return #phone.connections > 0
    end), "no connection is made")
end)

test("a policy sees over which transport a request came", { transports = secure.transports,
    policy = [[
sip_on_request("MESSAGE", function(request) return sip_reply(480, "From " .. request.source) end)
]] }, function(t, open, s)
    local alice = open "alice"
    local request = alice:request("MESSAGE", { uri = "sip:bob@example.test" })
    t:match(alice:expect_final(request, 480).phrase, "From " .. s.transport .. ":127")
end)

test("reflow.flows names the transport of a flow", { transports = secure.transports, hosts = { "kamailio" } },
    function(t, open, s)
    local bob = websocket_phone(open, "bob")
    bob:register { supported = false }
    t:match(s:rpc("reflow.flows", bob.aor), "flow: " .. s.transport .. " 127")
    bob:register { instance = ua.instance(1), reg_id = 1 }
    t:match(s:rpc("reflow.flows", bob.aor), "flow: " .. s.transport .. " 127")
end)

test("3261-10.a a dialog follows a phone that has connected anew", secure, function(_, open, s)
    local bob, alice = websocket_phone(open, "bob"), host.opener(s, "udp")("alice")
    bob:register { supported = false }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 200)
    local answer = alice:expect_final(call, 200)
    bob:expect "ACK"
    gone(s, bob)
    local again = websocket_phone(open, "bob")
    again:register { supported = false }
    local bye = alice:within("BYE", call, answer)
    again:reply(again:expect "BYE", 200)
    alice:expect_final(bye, 200)
end)

test("3261-10.a the connection is gone: the Contact is called over a new one", { transports = { "tcp" } },
    function(t, open)
    local bob, alice = open("bob"), open("alice")
    local port = server.free_port()
    local phone = peer.open(t, port, function(request)
        return request.method == "INVITE" and peer.answer(request, 486) or nil
    end)
    lies(bob, "127.0.0.1:" .. port)
    bob:register { supported = false }
    local call = alice:invite(bob.aor)
    bob:expect "INVITE"
    bob:close()
    phone:expect(1)
    alice:expect_final(call, 486)
    alice:expect_final(alice:invite(bob.aor), 486)
    t:equal(#alice:bindings(bob.aor), 1)
end)

local function neither_flow_nor_contact(_, open, s)
    local bob = lies(open("bob", { local_host = "127.0.0.2" }), "127.0.0.1:" .. server.free_port())
    local alice = open "alice"
    bob:register { supported = false }
    local where = bob.local_port
    bob:close()
    alice:expect_final(alice:invite(bob.aor), 480, at_once)
    -- A datagram flow does not close: the phone is there again.
    if s.transport == "udp" then
        local again = lies(open("bob", { local_host = "127.0.0.2", local_port = where }))
        alice:call(again)
    end
end

test("3261-10.a 3261-16.9.b neither flow nor Contact: 480 at once", { hosts = { "standalone" } },
    neither_flow_nor_contact)

-- A restart that keeps the bindings; then a call to each phone.
test("3261-10.a after a restart: a datagram flow, or the Contact where it may be called, else 480", {
    transports = { "udp", "tcp", "tls", "ws", "wss" }, hosts = { "standalone" }, state = true,
}, function(t, open, s)
    local udp = host.opener(s, "udp")
    local bob, carol, alice = plain_phone(open, "bob"), open "carol", udp("alice")
    local port = server.free_port()
    local phone = peer.open(t, port, function(request)
        return request.method == "INVITE" and peer.answer(request, 486) or nil
    end)
    -- Over TLS a name would have to prove itself: only what is left of a UDP or TCP phone is called.
    lies(carol, (s.transport == "udp" or s.transport == "tcp") and "127.0.0.1:" .. port or "192.0.2.4:5060")
    bob:register { supported = false }
    carol:register { supported = false }
    s:stop()
    local again = server.spawn(s.arguments)
    t:defer(function()
        again:finish()
    end)
    assert(ua.wait.until_true(ua.patience, function()
        return again.err:find("reflow: serving with ", 1, true)
    end), again.err)
    if s.transport == "udp" then
        alice:call(bob)
        alice:call(carol)
    else
        local final = alice:expect_final(alice:invite(carol.aor), nil, at_once)
        t:equal(final.status, s.transport == "tcp" and 486 or 480)
        t:equal(#phone.requests > 0, s.transport == "tcp")
    end
end)

test("3261-10.a --idle does not close the connection of a phone that is registered", {
    transports = { "tcp" }, hosts = { "standalone" }, idle = 1,
}, function(t, open, s)
    local bob, alice = behind_nat(open, "bob"), open "alice"
    bob:register { supported = false }
    alice:expect_closed()
    t:equal(s:number "idle", 1)
    local carol = open "carol"
    carol:expect_closed()
    t:equal(bob.closed_by_peer, nil)
    open("dave"):call(bob)
end)

-- A listener that takes no more connections: what connects waits.
local function deaf(t)
    local listener = assert(socket.tcp4())
    assert(listener:bind("127.0.0.1", 0))
    assert(listener:listen(0))
    local port = tonumber((select(2, listener:getsockname())))
    local waiting = {}
    for index = 1, 4 do
        waiting[index] = socket.tcp4()
        waiting[index]:settimeout(0)
        waiting[index]:connect("127.0.0.1", port)
    end
    t:defer(function()
        for _, client in ipairs(waiting) do
            client:close()
        end
        listener:close()
    end)
    return port
end

-- A phone that is given up would otherwise be tried last in the next call (3263-4.3.b).
local slow = { transports = { "tcp" }, hosts = { "standalone" }, connect_time = 1, rest_silent = 0 }

test("3261-16.9.b --connect-time: a phone that takes no connection is given up, the next one rings", slow,
    function(t, open, s)
    local bob, desk, alice = open("bob"), open("bob"), open("alice")
    lies(bob, "127.0.0.1:" .. deaf(t))
    lies(desk, "192.0.2.5:5060")
    bob:register { supported = false, q = "1.0" }
    gone(s, bob)
    desk:register { supported = false, q = "0.5" }
    local call = alice:invite(bob.aor)
    desk:reply(desk:expect("INVITE", at_once), 200)
    alice:expect_final(call, 200)
    t:equal(s:number "connect_late", 1)
    desk:register { supported = false, expires = 0 }
    alice:expect_final(alice:invite(bob.aor), 480, at_once)
    t:equal(s:number "connect_late", 2)
end)

test("3261-16.9.b tcp_connect_timeout: a phone that takes no connection is given up", {
    transports = { "tcp" }, hosts = { "kamailio" }, core = "tcp_connect_timeout=1",
}, function(t, open)
    local bob, alice = open "bob", open "alice"
    lies(bob, "127.0.0.1:" .. deaf(t))
    bob:register { supported = false }
    bob:close()
    alice:expect_final(alice:invite(bob.aor), 480, at_once)
    alice:expect_final(alice:invite(bob.aor), 480, at_once)
end)

test("3261-16.9.b --connect-time: a server that does not answer the TLS handshake is given up", {
    transports = { "tls" }, hosts = { "standalone" }, connect_time = 1,
    policy = [[sip_on_request("INVITE", function(r) return sip_relay("sip:" .. r:header "X-To") end)]],
}, function(t, open, s)
    local port = server.free_port()
    peer.open(t, port, function() end)
    local alice = open "alice"
    local call = alice:invite("sip:bob@example.test",
        { headers = { { "X-To", ("x@localhost:%d;transport=tls"):format(port) } } })
    alice:expect_final(call, 500, at_once)
    t:ok(s:number "connect_late" >= 1, "the handshake was not given up")
end)

test("3261-10.a a phone that has registered may call elsewhere, another may not", {
    hosts = { "standalone" }, policy = "-- the rules alone",
}, function(t, open)
    local port = server.free_port()
    peer.open(t, port, function(request)
        return request.method == "INVITE" and peer.answer(request, 486) or nil
    end)
    local bob, stranger = behind_nat(open, "bob"), open "mallory"
    local elsewhere = "sip:x@127.0.0.1:" .. port
    bob:register { supported = false }
    bob:expect_final(bob:invite(elsewhere), 486)
    stranger:expect_final(stranger:invite(elsewhere), 403)
end)

require("tap").done()
