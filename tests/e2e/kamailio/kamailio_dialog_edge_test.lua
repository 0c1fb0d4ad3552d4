-- SPDX-License-Identifier: BSD-2-Clause
-- The rest of the call through edge.cfg: phones that move, a restart, subscriptions. The test plays the registrar, or
-- registrar.cfg is it.
local certificates = require "certificates"
local example = require "kamailio_example"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local at_once = 25000
local establish = example.establish

local function certificate(t, transport)
    return transport == "tls" and certificates.new(t):sign("default", { names = "DNS:example.test" }) or nil
end

-- The edge, and the registrar behind it, which answers requests itself. options, all optional: transport (of phones),
-- defines, port, registrar_port.
local function start(t, options)
    options = options or {}
    local registrar = ua.open { port = 9, user = "registrar", local_port = options.registrar_port }
    local defines = { "REGISTRAR_PORT=" .. registrar.local_port }
    table.move(options.defines or {}, 1, #(options.defines or {}), #defines + 1, defines)
    local edge = example.start(t, "edge.cfg", { defines = defines, port = options.port,
        secure = certificate(t, options.transport) })
    registrar.port = edge.port
    return edge, registrar
end

-- A phone with outbound: its Contact has ob.
local function phone_of(s, user, transport)
    local phone = example.behind_nat(s, user, transport)
    phone.contact_uri = phone.contact_uri .. ";ob"
    return phone
end

local outbound = { { "Supported", "outbound" } }

local function contact(phone)
    return ("<%s>"):format(phone.contact_uri)
end

-- A call from the phone to the registrar.
local function call_out(alice, registrar)
    local request = alice:invite("sip:bob@example.test", { headers = outbound })
    local invite = registrar:expect "INVITE"
    registrar:reply(invite, 200)
    local answer = alice:expect_final(request, 200)
    registrar:expect "ACK"
    return request, invite, answer
end

-- A registered phone's Path.
local function path_of(phone, registrar)
    phone:request("REGISTER", { uri = "sip:example.test", from = phone.aor, to = phone.aor,
        contact = phone:contact { instance = ua.instance(1), reg_id = 1 },
        headers = { { "Supported", "path, outbound" } } })
    local received = registrar:expect "REGISTER"
    registrar:reply(received, 200, { headers = { { "Path", received:get "Path" }, { "Require", "outbound" } } })
    phone:expect(200)
    return received:get "Path"
end

-- A call to the phone along its Path, as an authoritative proxy sends it.
local function call_in(registrar, bob, path, method)
    local serial = require("luv").hrtime()
    local request = registrar:request(method or "INVITE", { uri = bob.contact_uri, routes = { path },
        via = { registrar:via("z9hG4bKa" .. serial),
            ("SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKb%d"):format(serial) } })
    local got = bob:expect(method or "INVITE")
    bob:reply(got, 200)
    local answer = registrar:expect_final(request, 200)
    if not method then
        bob:expect "ACK"
    end
    return request, got, answer
end

for _, transport in ipairs { "udp", "tcp", "tls" } do
    local function named(what)
        return ("%s [kamailio %s]"):format(what, transport)
    end

    test(named "3261-16.4.a a caller that has moved goes on with the call from its new address", function(t)
        local edge, registrar = start(t, { transport = transport })
        local alice = phone_of(edge, "alice", transport)
        local request, _, answer = call_out(alice, registrar)
        t:match(answer:get "Record-Route", "<sip:[^@>]+@")
        alice:close()
        local moved = phone_of(edge, "alice", transport)
        local hold = moved:within("INVITE", request, answer, { contact = contact(moved), headers = outbound })
        local got = registrar:expect "INVITE"
        t:equal(#got:values "Route", 0)
        registrar:reply(got, 200)
        local held = moved:expect_final(hold, 200)
        registrar:expect "ACK"
        t:ok(held)
        for number, method in ipairs { "INFO", "UPDATE", "BYE" } do
            local sent = moved:within(method, request, answer, { cseq = number + 2 })
            registrar:reply(registrar:expect(method), 200)
            moved:expect_final(sent, 200)
        end
    end)

    test(named "3261-16.4.a a called phone that has moved goes on with the call from its new address", function(t)
        local edge, registrar = start(t, { transport = transport })
        local bob = phone_of(edge, "bob", transport)
        local _, got = call_in(registrar, bob, path_of(bob, registrar))
        t:match(got:get "Record-Route", "<sip:[^@>]+@")
        bob:close()
        local moved = phone_of(edge, "bob", transport)
        for number, method in ipairs { "INFO", "BYE" } do
            local sent = moved:within_called(method, got, { cseq = number })
            local heard = registrar:expect(method)
            t:equal(#heard:values "Route", 0)
            registrar:reply(heard, 200)
            moved:expect_final(sent, 200)
        end
    end)

    test(named "3261-16.4.a a Record-Route whose seal was altered gives no direction", function(t)
        local edge, registrar = start(t, { transport = transport })
        local alice = phone_of(edge, "alice", transport)
        local request, _, answer = call_out(alice, registrar)
        local route = answer:get("Record-Route"):gsub("(;seal=d%.....)(.)", function(before, one)
            return before .. (one == "A" and "B" or "A")
        end)
        local stranger = phone_of(edge, "mallory", transport)
        local sent = stranger:within("BYE", request, answer, { routes = { route }, from_tag = request:tag "From" })
        -- The token alone leads to alice, as any request of the registrar's does.
        alice:reply(alice:expect "BYE", 481)
        stranger:expect_final(sent, 481)
        registrar:expect_none("BYE", 100)
    end)

    test(named "6665-4.3.a a NOTIFY is recorded whose SUBSCRIBE was, and only such a one", function(t)
        local edge, registrar = start(t, { transport = transport })
        local bob = phone_of(edge, "bob", transport)
        local path = path_of(bob, registrar)
        for _, method in ipairs { "SUBSCRIBE", "REFER" } do
            -- From the phone.
            local request = bob:request(method, { uri = "sip:alice@example.test", headers = outbound })
            local got = registrar:expect(method)
            t:match(got:get "Record-Route", ";seal=")
            registrar:reply(got, 202)
            local answer = bob:expect_final(request, 202)
            local notify = registrar:within_called("NOTIFY", got, { contact = contact(registrar) })
            local heard = bob:expect "NOTIFY"
            t:match(heard:get "Record-Route", ";seal=")
            bob:reply(heard, 200)
            registrar:expect_final(notify, 200)
            local refresh = bob:within("SUBSCRIBE", request, answer, { contact = contact(bob), headers = outbound })
            local again = registrar:expect "SUBSCRIBE"
            t:match(again:get "Record-Route", ";seal=")
            registrar:reply(again, 200)
            bob:expect_final(refresh, 200)
            -- To the phone.
            request, got, answer = call_in(registrar, bob, path, method)
            t:match(got:get "Record-Route", ";seal=")
            notify = bob:within_called("NOTIFY", got, { contact = contact(bob), headers = outbound })
            heard = registrar:expect "NOTIFY"
            t:match(heard:get "Record-Route", ";seal=")
            registrar:reply(heard, 200)
            bob:expect_final(notify, 200)
            refresh = registrar:within("SUBSCRIBE", request, answer, { contact = contact(registrar) })
            again = bob:expect "SUBSCRIBE"
            t:match(again:get "Record-Route", ";seal=")
            bob:reply(again, 200)
            registrar:expect_final(refresh, 200)
        end
        local _, alone = call_in(registrar, bob, path, "NOTIFY")
        t:equal(alone:get "Record-Route", nil)
    end)

    test(named "6665-4.3.a a subscription is refreshed by the route of its NOTIFY, through edge.cfg and registrar.cfg",
        function(t)
        local registrar = example.start(t, "registrar.cfg")
        local edge = example.start(t, "edge.cfg", { defines = { "REGISTRAR_PORT=" .. registrar.port },
            secure = certificate(t, transport) })
        local alice, bob = phone_of(edge, "alice", transport), phone_of(edge, "bob", transport)
        bob:register { instance = ua.instance(1), reg_id = 1 }
        local request = alice:request("SUBSCRIBE", { uri = bob.aor, headers = outbound })
        local got = bob:expect "SUBSCRIBE"
        bob:reply(got, 200)
        local answer = alice:expect_final(request, 200)
        for number = 1, 3 do
            local notify = bob:within_called("NOTIFY", got, { cseq = number, contact = contact(bob),
                headers = outbound })
            local heard = alice:expect "NOTIFY"
            alice:reply(heard, 200)
            bob:expect_final(notify, 200)
            t:ok(#heard:values "Record-Route" >= 3, "edge, registrar and edge have recorded themselves")
            -- The subscriber's route set is that of the NOTIFY, in its order.
            local refresh = alice:within("SUBSCRIBE", request, answer, { cseq = 1 + number, contact = contact(alice),
                routes = heard:values "Record-Route", headers = outbound })
            local again = bob:expect "SUBSCRIBE"
            t:ok(#again:values "Record-Route" >= 3)
            bob:reply(again, 200)
            alice:expect_final(refresh, 200)
        end
    end)

    test(named "a call between two phones behind edge.cfg and registrar.cfg goes on after the caller has moved",
        function(t)
        local registrar = example.start(t, "registrar.cfg")
        local edge = example.start(t, "edge.cfg", { defines = { "REGISTRAR_PORT=" .. registrar.port },
            secure = certificate(t, transport) })
        local alice, bob = phone_of(edge, "alice", transport), phone_of(edge, "bob", transport)
        bob:register { instance = ua.instance(1), reg_id = 1 }
        local request, invite, answer = establish(alice, bob, { headers = outbound })
        local info = bob:within_called("INFO", invite)
        alice:reply(alice:expect "INFO", 200)
        bob:expect_final(info, 200)
        alice:close()
        local moved = phone_of(edge, "alice", transport)
        local hold = moved:within("INVITE", request, answer, { contact = contact(moved), headers = outbound })
        bob:reply(bob:expect "INVITE", 200)
        moved:expect(200)
        moved:within("ACK", request, answer, { cseq = hold:cseq() }) -- the route set stays as it was
        bob:expect "ACK"
        local bye = moved:within("BYE", request, answer, { cseq = 4 })
        bob:reply(bob:expect "BYE", 200)
        moved:expect_final(bye, 200)
    end)
end

test("5626-11.5.a the flow of a phone behind edge.cfg is gone in mid-call: 480 and not 430", function(t)
    local registrar = example.start(t, "registrar.cfg")
    local edge = example.start(t, "edge.cfg", { defines = { "REGISTRAR_PORT=" .. registrar.port } })
    local alice, bob = phone_of(edge, "alice", "udp"), phone_of(edge, "bob", "tcp")
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local request, _, answer = establish(alice, bob, { headers = outbound })
    example.gone(edge, bob)
    alice:expect_final(alice:within("BYE", request, answer), 480, at_once)
end)

-- --- two addresses ---

for _, transport in ipairs { "udp", "tcp" } do
    test(("5658-a edge.cfg with two addresses sends by the socket of the phone [kamailio %s]"):format(transport),
        function(t)
        local registrar = ua.open { port = 9, user = "registrar" }
        local edge = example.start_with(t, "edge.cfg", "listen=udp:127.0.0.3:PORT\nlisten=tcp:127.0.0.3:PORT\n",
            { defines = { "REGISTRAR_PORT=" .. registrar.local_port } })
        registrar.port = edge.port
        local alice = ua.open { port = edge.port, host = "127.0.0.3", local_host = "127.0.0.1", user = "alice",
            domain = "example.test", transport = transport }
        alice.contact_uri = alice.contact_uri .. ";ob"
        local request, invite, answer = call_out(alice, registrar)
        for number, method in ipairs { "INFO", "BYE" } do
            local inward = registrar:within_called(method, invite, { cseq = number })
            local heard = alice:expect(method)
            example.came_from(t, heard, "127.0.0.3")
            alice:reply(heard, 200)
            registrar:expect_final(inward, 200)
            local outward = alice:within(method, request, answer, { cseq = number + 2 })
            heard = registrar:expect(method)
            registrar:reply(heard, 200)
            alice:expect_final(outward, 200)
        end
    end)
end

-- --- a restart in mid-call ---

test("5626-5.2.b a restart in mid-call: requests reach a phone on UDP, in both directions", function(t)
    local defines = { example.keys(t) }
    local edge, registrar = start(t, { defines = defines })
    local alice, bob = phone_of(edge, "alice", "udp"), phone_of(edge, "bob", "udp")
    local request, invite, answer = call_out(alice, registrar)
    local sent, got, accepted = call_in(registrar, bob, path_of(bob, registrar))
    edge:stop()
    local port = registrar.local_port
    registrar:close()
    registrar = select(2, start(t, { defines = defines, port = edge.port, registrar_port = port }))
    for number, method in ipairs { "INFO", "BYE" } do
        local inward = registrar:within_called(method, invite, { cseq = number })
        alice:reply(alice:expect(method), 200)
        registrar:expect_final(inward, 200)
        inward = registrar:within(method, sent, accepted, { cseq = number + 1 })
        bob:reply(bob:expect(method), 200)
        registrar:expect_final(inward, 200)
        local outward = alice:within(method, request, answer, { cseq = number + 5 })
        registrar:reply(registrar:expect(method), 200)
        alice:expect_final(outward, 200)
        outward = bob:within_called(method, got, { cseq = number + 5 })
        registrar:reply(registrar:expect(method), 200)
        bob:expect_final(outward, 200)
    end
end)

test("5626-5.2.b a restart in mid-call: the flow of a phone on TCP is gone, 430 and not 403", function(t)
    local defines = { example.keys(t) }
    local edge, registrar = start(t, { defines = defines })
    local alice = phone_of(edge, "alice", "tcp")
    local request, invite, answer = call_out(alice, registrar)
    edge:stop()
    local port = registrar.local_port
    registrar:close()
    edge, registrar = start(t, { defines = defines, port = edge.port, registrar_port = port })
    registrar:expect_final(registrar:within_called("INFO", invite), 430, at_once)
    -- The phone connects again, and goes on.
    local moved = phone_of(edge, "alice", "tcp")
    local bye = moved:within("BYE", request, answer)
    registrar:reply(registrar:expect "BYE", 200)
    moved:expect_final(bye, 200)
end)

tap.done()
