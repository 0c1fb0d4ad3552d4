-- SPDX-License-Identifier: BSD-2-Clause
-- Request-URIs that are no SIP URIs, in both hosts: a call for help, a telephone number.
local host = require "host"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local read = require("file").read

local sos_uris = { "urn:service:sos", "urn:service:sos.police" }

host.test("without a policy that takes them, URIs of other schemes get 416", function(t, open)
    local bob = open "bob"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    for _, uri in ipairs { "tel:+1-555-0100", "urn:service:sos", "im:bob@example.test", "nobody-knows:this" } do
        for _, phone in ipairs { bob, open "alice" } do
            phone:expect_final(phone:invite(uri, { to = "sip:help@example.test" }), 416)
        end
    end
    t:ok(true)
end)

local policy = [[
sip_on_request(function(request, call)
  if call.aor == "urn:service:sos" or call.aor == "urn:service:sos.police" then
    return sip_relay "sip:psap@127.0.0.1:%d"
  elseif call.aor == "tel:+15550100" and call.uri == "tel:+1-555-0100" then
    return sip_route "sip:bob@example.test"
  elseif call.aor == "tel:1" then
    return sip_reply(603, "Not you")
  elseif call.aor == "tel:2" then
    error "no"
  end
end)
]]

-- The policy names the place of a PSAP, which is a phone that has not registered.
local function with_policy(name, body)
    local place = server.free_port()
    host.test(name, { policy = policy:format(place) }, function(t, open, s)
        local psap = ua.open { port = s.port, user = "psap", local_port = place }
        t:defer(function()
            psap:close()
        end)
        body(t, open, psap)
    end)
end

with_policy("a policy relays a call for help to a SIP URI, and the dialog stands", function(t, open, psap)
    local alice = open "alice"
    for _, uri in ipairs(sos_uris) do
        local call = alice:invite(uri, { to = uri })
        local invite = psap:expect "INVITE"
        t:match(invite.uri, "^sip:psap@")
        t:ok(invite:get "To":find(uri, 1, true), invite:get "To")
        psap:reply(invite, 200)
        local answer = alice:expect_final(call, 200)
        alice:within("ACK", call, answer)
        psap:expect "ACK"
        local bye = alice:within("BYE", call, answer)
        psap:reply(psap:expect "BYE", 200)
        alice:expect_final(bye, 200)
    end
end)

with_policy("a telephone number rings a user's bindings, and is cancelled", function(t, open)
    local alice, bob = open "alice", open "bob"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local call = alice:invite("tel:+1-555-0100", { to = "tel:+1-555-0100" })
    local invite = bob:expect "INVITE"
    t:match(invite.uri, "^sip:bob@")
    bob:reply(invite, 180)
    alice:expect(180)
    alice:cancel(call)
    bob:reply(bob:expect "CANCEL", 200)
    bob:reply(invite, 487)
    bob:expect "ACK"
    alice:expect_final(call, 487)
end)

host.test("3261-16.7.i a Contact of a redirection that is no SIP URI is not followed", {
    policy = [[sip_on_request(function() return sip_route { recurse = true } end)]],
}, function(t, open)
    local alice, bob, carol = open "alice", open "bob", open "carol"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    carol:register { instance = ua.instance(2), reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 302, { headers = { { "Contact", "<tel:+15550100>, <urn:service:sos>" } } })
    alice:expect_final(call, 302)
    call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 302, { headers = { { "Contact", "<tel:+15550100>" },
        { "Contact", "<" .. carol.aor .. ">" } } })
    carol:reply(carol:expect "INVITE", 486)
    alice:expect_final(call, 486)
    t:ok(true)
end)

with_policy("a policy's answer, its fault, and what it leaves alone", function(t, open)
    local alice = open "alice"
    alice:expect_final(alice:invite("tel:1", { to = "sip:x@example.test" }), 603)
    alice:expect_final(alice:invite("tel:2", { to = "sip:x@example.test" }), 416)
    alice:expect_final(alice:invite("tel:3", { to = "sip:x@example.test" }), 416)
    t:ok(true)
end)

-- --- through an edge ---

for _, transport in ipairs { "udp", "tcp" } do
    tap.test(("an edge forwards them to its registrar as they are [standalone %s]"):format(transport), function(t)
        local registrar = server.start(t, { source = [[
sip_on_request(function(request, call)
  if call.uri:find "^urn:service:sos" or call.uri:find "^tel:" then return sip_route "sip:alice@example.test" end
end)]] })
        local text = read "examples/edge.lua":gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. registrar.port)
        local edge = server.start(t, { source = text, domain = false })
        local alice = ua.open { port = registrar.port, user = "alice" }
        local bob = ua.open { port = edge.port, user = "bob", transport = transport }
        alice:register {}
        bob:register { instance = ua.instance(1), reg_id = 1 }
        for _, uri in ipairs { "urn:service:sos", "urn:service:sos.fire", "tel:+15550100" } do
            local call = bob:invite(uri, { to = uri })
            local invite = alice:expect "INVITE"
            t:ok(invite:get "To":find(uri, 1, true), invite:get "To")
            alice:reply(invite, 200)
            local answer = bob:expect_final(call, 200)
            bob:within("ACK", call, answer)
            alice:expect "ACK"
            local bye = alice:within_called("BYE", invite)
            bob:reply(bob:expect "BYE", 200)
            alice:expect_final(bye, 200)
        end
        bob:expect_final(bob:invite("im:alice@example.test", { to = "sip:alice@example.test" }), 416)
    end)
end

tap.test("to an edge, a Request-URI stays as it was written", function(t)
    local sink = ua.open { port = 9, user = "registrar" }
    local text = read "examples/edge.lua":gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. sink.local_port)
    local edge = server.start(t, { source = text, domain = false })
    sink.port = edge.port
    local bob = ua.open { port = edge.port, user = "bob" }
    for _, uri in ipairs { "urn:service:sos", "tel:+1-555-0100;x=Y", "nobody-knows:This" } do
        local call = bob:invite(uri, { to = "sip:x@example.test" })
        local invite = sink:expect "INVITE"
        t:equal(invite.uri, uri)
        sink:reply(invite, 404)
        bob:expect_final(call, 404)
    end
end)

tap.done()
