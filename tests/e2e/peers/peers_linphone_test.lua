-- SPDX-License-Identifier: BSD-2-Clause
-- Linphone over TLS, TCP and UDP. It has an instance-id and no reg-id, presents no certificate, and over TLS and TCP
-- its Contact is the port that its connection comes from, where it does not listen (3261-10.a). `make test-peers`
-- installs it: 136 MB.
local certificates = require "certificates"
local linphone = require "linphone"
local relay = require "relay"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local why = linphone.missing()

local function test(name, body)
    tap.test(name, function(t)
        if why then
            t:skip(why)
        end
        body(t)
    end)
end

local offer = { headers = { { "Content-Type", "application/sdp" } }, body = table.concat({ "v=0",
    "o=alice 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 40000 RTP/AVP 0",
    "a=rtpmap:0 PCMU/8000", "" }, "\r\n") }

local function start(t)
    local authority = certificates.new(t)
    local pair = authority:sign("example", { names = "DNS:example.test,DNS:127.0.0.1,IP:127.0.0.1",
        common_name = "127.0.0.1" })
    local port = server.free_port()
    local arguments = { "--listen", "tls:127.0.0.1:" .. port, "--tls-cert", pair.certificate, "--tls-key", pair.key }
    for _, address in ipairs(relay.addresses) do
        table.move({ "--domain", address }, 1, 2, #arguments + 1, arguments)
    end
    local s = server.start(t, { args = arguments, status = true })
    s.tls_port, s.authority = port, authority
    s.alice = ua.open { port = s.port, user = "alice" }
    return s
end

local function registered(s)
    local list
    assert(ua.wait.until_true(60000, function()
        list = s.alice:bindings "sip:bob@example.test"
        return #list > 0 or ua.wait.pause(50)
    end), "Linphone does not register")
    return list[1]
end

local function register(t, s, options)
    options.domain = "example.test"
    local bob = linphone.start(t, options)
    local binding = registered(s)
    t:match(binding, "%+sip%.instance")
    t:ok(not binding:find "reg%-id", binding)
    return bob
end

-- alice calls, Linphone answers by itself; one of them hangs up.
local function call(s, bob, by_linphone)
    local alice = s.alice
    local request = alice:invite("sip:bob@example.test", { headers = offer.headers, body = offer.body })
    local answer = alice:expect_final(request, 200)
    bob:expect "Call %d+ with sip:alice@example.test connected"
    if by_linphone then
        bob:command "terminate all"
        alice:reply(alice:expect "BYE", 200)
    else
        alice:expect_final(alice:within("BYE", request, answer), 200)
    end
    bob:expect "Call %d+ with sip:alice@example.test ended"
end

local function call_out(s, bob)
    local alice = s.alice
    alice:register {}
    bob:command("call " .. alice.aor)
    local request = alice:expect "INVITE"
    alice:reply(request, 200, offer)
    alice:expect "ACK"
    bob:expect "Call %d+ with sip:alice@example.test connected"
    alice:expect_final(alice:within_called("BYE", request), 200)
    bob:expect "Call %d+ with sip:alice@example.test ended"
end

for _, transport in ipairs { "tls", "tcp", "udp" } do
    test(("Linphone over %s calls and is called: 3261-10.a [standalone %s]"):format(transport, transport), function(t)
        local s = start(t)
        local bob = register(t, s, { host = "127.0.0.1", port = transport == "tls" and s.tls_port or s.port,
            transport = transport, authority = s.authority.certificate })
        call(s, bob)
        call(s, bob, true)
        call_out(s, bob)
    end)
end

test("Linphone behind a NAT over TLS; its connection is cut: 480, and it is called again once it is back "
    .. "[standalone tls]", function(t)
    local s = start(t)
    local nat = relay.open(t, s.tls_port, true)
    local bob = register(t, s, { host = nat.host, port = nat.port, transport = "tls" })
    call(s, bob)
    nat:cut()
    assert(ua.wait.until_true(ua.patience, function()
        return s:number "flows_down" > 0
    end), "the server does not notice the end of the connection")
    -- It may be back already.
    local final = s.alice:expect_final(s.alice:invite("sip:bob@example.test",
        { headers = offer.headers, body = offer.body }))
    t:ok(final.status == 480 or final.status == 200, "status " .. final.status)
    t:equal(#nat.connections > 1 or final.status == 480, true)
    if final.status == 200 then
        bob:expect "Call %d+ with sip:alice@example.test connected"
        bob:command "terminate all"
        s.alice:reply(s.alice:expect "BYE", 200)
        bob:expect "Call %d+ with sip:alice@example.test ended"
    end
    registered(s)
    call(s, bob)
end)

tap.done()
