-- SPDX-License-Identifier: BSD-2-Clause
-- Calls outlive their connections: trunks that close them, callers that reconnect, servers that are restarted.
local certificates = require "certificates"
local dns = require "dns"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"
local wait = require "wait"

local test = tap.test
local patience = { "--t1", "100" }

local temporary = server.state_path

local function until_number(s, name, number)
    if not wait.until_true(60000, function()
        return s:number(name) == number or wait.pause(50)
    end) then
        error(("%s is %d, expected %d"):format(name, s:number(name), number), 2)
    end
end

-- Requests inside a dialog, from the caller and from the called side.
local function from_caller(dialog, method, cseq, options)
    options = options or {}
    options.cseq = cseq
    local request = dialog.caller:within(method, dialog.call, dialog.answer, options)
    local received = dialog.callee:receive(method)
    if not received then
        dialog.caller:expect_final(request, 200) -- the error shows what has come instead
    end
    dialog.callee:reply(received, 200)
    dialog.caller:expect_final(request, 200)
end

local function from_callee(dialog, method, cseq)
    local request = dialog.callee:within_called(method, dialog.invite, { cseq = cseq })
    dialog.caller:reply(dialog.caller:expect(method), 200)
    dialog.callee:expect_final(request, 200)
end

local function established(caller, callee, uri)
    local call = caller:invite(uri or callee.aor)
    local invite = callee:expect "INVITE"
    callee:reply(invite, 200)
    local answer = caller:expect_final(call, 200)
    caller:within("ACK", call, answer)
    callee:expect "ACK"
    return { caller = caller, callee = callee, call = call, invite = invite, answer = answer }
end

-- --- two servers in a row; each of them may close the connection between them ---

local function relays(port, transport)
    return ([[sip_on_request("INVITE", function(request, call)
        return sip_relay(("sip:%%s@localhost:%d;transport=%s"):format(call.aor:match "sip:(.-)@"))
    end)]]):format(port, transport)
end

local function two_servers(t, transport, idle)
    local authority = certificates.new(t)
    local far_port, near_port = server.free_port(), server.free_port()
    local function arguments(name, port, names, seconds)
        if transport == "tcp" then
            return { "--t1", "100", "--idle", seconds }
        end
        local files = authority:sign(name, { names = names })
        return { "--t1", "100", "--idle", seconds, "--listen", "tls:127.0.0.1:" .. port, "--tls-cert",
            files.certificate, "--tls-key", files.key, "--tls-ca", authority.certificate }
    end
    -- The one that is called by its name need not have an address in its certificate.
    local far = server.start(t, { domain = "localhost", status = true, port = transport == "tcp" and far_port or nil,
        args = arguments("far", far_port, "DNS:localhost", idle == "far" and 1 or 600) })
    local near = server.start(t, { source = relays(far_port, transport), status = true,
        args = arguments("near", near_port, "IP:127.0.0.1", idle == "near" and 1 or 600) })
    return near, far
end

for _, transport in ipairs { "tcp", "tls" } do
    for _, idle in ipairs { "near", "far" } do
        test(("3261-16.6.b a call goes on after the %s server has closed the idle connection [%s]")
            :format(idle, transport), function(t)
            local near, far = two_servers(t, transport, idle)
            local alice = ua.open { port = near.port, user = "alice" }
            local bob = ua.open { port = far.port, user = "bob", domain = "localhost" }
            bob:register()
            for _, hangs_up in ipairs { from_caller, from_callee } do
                local dialog = established(alice, bob, "sip:bob@example.test")
                until_number(near, "connections", 0)
                until_number(far, "connections", 0)
                from_callee(dialog, "INFO", 2)
                until_number(near, "connections", 0)
                until_number(far, "connections", 0)
                hangs_up(dialog, "BYE", 7)
            end
        end)
    end

    test(("3261-18.2.2.a an answer reaches the server whose idle connection was closed while it rang [%s]")
        :format(transport), function(t)
        local near, far = two_servers(t, transport, "far")
        local alice = ua.open { port = near.port, user = "alice" }
        local bob = ua.open { port = far.port, user = "bob", domain = "localhost" }
        bob:register()
        local call = alice:invite "sip:bob@example.test"
        local invite = bob:expect "INVITE"
        bob:reply(invite, 180)
        alice:expect(180)
        until_number(far, "connections", 0)
        bob:reply(invite, 200)
        local answer = alice:expect_final(call, 200)
        alice:within("ACK", call, answer)
        bob:expect "ACK"
        t:ok(near:alive() and far:alive())
    end)
end

-- --- callers that have gone ---

-- A caller over TCP whose Via names `port`, of a host by default its own; it hangs up the connection while it rings.
local function rings_and_goes(s, bob, port, host)
    local alice = ua.open { port = s.port, transport = "tcp", user = "alice" }
    alice:invite(bob.aor, { via = { ("SIP/2.0/TCP %s:%d;branch=z9hG4bK%x"):format(host or "127.0.0.1", port,
        uv.hrtime()) } })
    local invite = bob:expect "INVITE"
    bob:reply(invite, 180)
    alice:expect(180)
    alice:close()
    until_number(s, "connections", 0)
    return invite
end

test("3261-18.2.2.a the answer goes to the port of Via, and nothing happens if nobody listens there", function(t)
    local s = server.start(t, { args = patience, status = true })
    local bob = ua.open { port = s.port, user = "bob" }
    bob:register()
    local listener = peer.open(t, server.free_port())
    local invite = rings_and_goes(s, bob, listener.port)
    bob:reply(invite, 200)
    t:ok(wait.until_true(ua.patience, function()
        return listener.responses[1]
    end), "the 200 has arrived")
    t:equal(listener.responses[1].status, 200)
    listener:cut()
    for _ = 1, 3 do
        invite = rings_and_goes(s, bob, server.free_port())
        bob:reply(invite, 486)
        bob:expect "ACK"
    end
    local alice = ua.open { port = s.port, user = "alice" }
    from_caller(established(alice, bob), "BYE", 2)
end)

-- Nobody listens at the caller's own address, nor at the first other one.
test("3261-18.2.2.a if the caller cannot be reached, the answer goes to a server of the name in its Via", function(t)
    local names = dns.open(t, { records = { ["trunk.test"] = { "127.0.0.1", "127.0.0.6", "127.0.0.7" } } })
    local s = server.start(t, { args = { "--dns", "127.0.0.1:" .. names.port, table.unpack(patience) }, status = true })
    local bob = ua.open { port = s.port, user = "bob" }
    bob:register()
    local other = peer.open(t, server.free_port(), nil, "127.0.0.7")
    for n, status in ipairs { 486, 200 } do
        local invite = rings_and_goes(s, bob, other.port, "trunk.test")
        bob:reply(invite, status)
        t:ok(wait.until_true(ua.patience, function()
            return other.responses[n]
        end), "the response has arrived")
        t:equal(other.responses[n].status, status)
        t:equal(other.responses[n]:get "Call-ID", invite:get "Call-ID")
        other:cut()
        until_number(s, "connections", 0)
    end
    t:equal(names.asked["trunk.test"], 1)
    t:ok(s:number "responses_by_name" >= 2)
end)

-- Its kernel takes some megabytes, the server one more; then that connection is closed, and nobody else has waited.
test("a trunk that accepts the new connection and never reads ends only its own call", function(t)
    local s = server.start(t, { args = patience, status = true })
    local alice, bob = ua.open { port = s.port, user = "alice" },
        ua.open { port = s.port, transport = "tcp", user = "bob" }
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local accepted, listener, port = {}, uv.new_tcp(), server.free_port()
    assert(listener:bind("127.0.0.1", port))
    assert(listener:listen(16, function()
        accepted[#accepted + 1] = uv.new_tcp()
        listener:accept(accepted[#accepted])
    end))
    t:defer(function()
        listener:close()
        for _, connection in ipairs(accepted) do
            connection:close()
        end
    end)
    local trunk = ua.open { port = s.port, transport = "tcp", user = "trunk" }
    trunk:invite(bob.aor, { contact = ("<sip:trunk@127.0.0.1:%d;transport=tcp>"):format(port) })
    local invite = bob:expect "INVITE"
    bob:reply(invite, 200)
    trunk:expect(200)
    trunk:close()
    until_number(s, "connections", 1)
    local body = ("x"):rep(60000)
    local sent = 0
    while s:number "slow" == 0 and sent < 1000 do
        for _ = 1, 20 do
            sent = sent + 1
            bob:within_called("INFO", invite, { cseq = sent, body = body })
        end
        from_caller(established(alice, bob), "BYE", 2)
    end
    t:ok(s:number "slow" > 0, "the connection that is not read has been closed")
    t:ok(#accepted > 0)
    from_caller(established(alice, bob), "BYE", 2)
end)

-- --- long route sets ---

-- Puts 69 proxies on the way to this user agent, which all lead to that port, nearest to the server the first.
local function record_hops(invite, port, transport)
    local parameter = transport == "tcp" and ";transport=tcp" or ""
    for number = 1, 69 do
        local value = ("<sip:hop%d@127.0.0.1:%d;lr%s>"):format(number, port, parameter)
        table.insert(invite.headers, 1, { name = "Record-Route", value = value })
    end
end

for _, transport in ipairs { "udp", "tcp" } do
    test("3261-16.4.a a route set of 70 hops is followed to its next hop [" .. transport .. "]", function(t)
        local trunk = ua.open { port = 9, user = "trunk" }
        local s = server.start(t, { args = patience, source = ([[
            sip_on_request("INVITE", function(request)
                return sip_relay("sip:trunk@127.0.0.1:%d")
            end)]]):format(trunk.local_port) })
        trunk.port = s.port
        local alice = ua.open { port = s.port, transport = transport, user = "alice" }
        local next_hop = peer.open(t, server.free_port(), function(request)
            return (peer.answer(request, 200):gsub(";tag=peer", "", 1)) -- the dialog has a tag
        end)
        local call = alice:invite "sip:trunk@example.test"
        local invite = trunk:expect "INVITE"
        local own = #invite:values "Record-Route"
        record_hops(invite, next_hop.port, transport)
        trunk:reply(invite, 200)
        local answer = alice:expect_final(call, 200)
        t:equal(#answer:values "Record-Route", 69 + own)
        for number, method in ipairs { "INFO", "BYE" } do
            local request = alice:within(method, call, answer, { cseq = 1 + number })
            alice:expect_final(request, 200)
            local received = next_hop.requests[#next_hop.requests]
            t:equal(received.method, method)
            local routes = received:values "Route"
            t:equal(#routes, 69)
            t:match(routes[1], "<sip:hop1@")
            t:match(routes[69], "<sip:hop69@")
        end
        trunk:expect_none("BYE", 0)
    end)
end

-- --- callers and callees that reconnect ---

local streams = { "tcp", "tls", "ws", "wss" }

local function every_transport(t, options)
    local files = certificates.new(t):sign "default"
    local ports, listen = {}, { "udp:127.0.0.1:%d", "tcp:127.0.0.1:%d" }
    for _, kind in ipairs { "tls", "ws", "wss" } do
        ports[kind] = options.ports and options.ports[kind] or server.free_port()
        listen[#listen + 1] = ("%s:127.0.0.1:%d"):format(kind, ports[kind])
    end
    local arguments = { "--tls-cert", files.certificate, "--tls-key", files.key, "--t1", "100" }
    for _, argument in ipairs(options.args or {}) do
        arguments[#arguments + 1] = argument
    end
    local s = server.start(t, { listen = listen, args = arguments, port = options.port, state = options.state,
        status = true })
    ports.udp, ports.tcp = s.port, s.port
    return s, ports
end

-- The same user agent over a new flow.
local function again(old, ports, number)
    local new = ua.open { port = ports[old.transport], transport = old.transport, user = old.user }
    if number then
        new:register { instance = ua.instance(number), reg_id = 1 }
    end
    return new
end

test("5626-5.3.d a call goes on when its sides reconnect, one or both at once", function(t)
    local _, ports = every_transport(t, {})
    for _, from in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
        for _, to in ipairs { "udp", "wss" } do
            local alice = again({ transport = from, user = "alice" .. from .. to }, ports, 1)
            local bob = again({ transport = to, user = "bob" .. from .. to }, ports, 2)
            local dialog = established(alice, bob)
            -- The caller speaks from its new socket before it has registered there.
            alice:close()
            dialog.caller = again(alice, ports)
            from_caller(dialog, "INVITE", 3, { contact = "<sip:alice@x.invalid>" })
            from_caller(dialog, "INFO", 4)
            dialog.caller:close()
            bob:close()
            dialog.caller, dialog.callee = again(alice, ports, 1), again(bob, ports, 2)
            from_callee(dialog, "UPDATE", 2)
            from_caller(dialog, "UPDATE", 5)
            dialog.callee:close()
            dialog.callee = again(bob, ports)
            from_callee(dialog, "BYE", 3)
        end
    end
end)

-- --- restarts ---

local function restart(t, options)
    local s, ports = every_transport(t, options)
    options.port, options.ports = s.port, ports
    return s, ports, function()
        s:stop()
        local new = every_transport(t, options)
        return new
    end
end

test("3261-16.4.a calls outlive a restart with --state, over each transport", function(t)
    local _, ports, start_again = restart(t, { state = temporary(t, ".db") })
    local dialogs = {}
    for index, from in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
        local alice = again({ transport = from, user = "alice" .. from }, ports, 1)
        local bob = again({ transport = streams[index] or "udp", user = "bob" .. from }, ports, 2)
        dialogs[index] = established(alice, bob)
    end
    start_again()
    for _, dialog in ipairs(dialogs) do
        if dialog.caller.transport ~= "udp" then
            dialog.caller = again(dialog.caller, ports, 1)
        end
        if dialog.callee.transport ~= "udp" then
            dialog.callee = again(dialog.callee, ports, 2)
        end
        from_caller(dialog, "INFO", 5)
        from_callee(dialog, "INFO", 6)
        from_callee(dialog, "BYE", 7)
    end
end)

test("3261-16.4.a calls over UDP outlive a restart with --token-keys alone, on a wildcard address too", function(t)
    for _, address in ipairs { "127.0.0.1", "0.0.0.0", "[::1]", "[::]" } do
        local six = address:find ":" ~= nil
        local options = { listen = { "udp:" .. address .. ":%d" },
            args = { "--t1", "100", "--token-keys", temporary(t, ".keys") } }
        local s = server.start(t, options)
        options.port = s.port
        local function open(user)
            return ua.open { port = s.port, host = six and "::1" or "127.0.0.1", user = user }
        end
        local alice, bob, plain = open "alice", open "bob", open "plain"
        bob:register { instance = ua.instance(1), reg_id = 1 }
        plain:register { contact_uri = "sip:plain@192.0.2.7" }
        local dialogs = { established(alice, bob), established(bob, plain) }
        s:stop()
        s = server.start(t, options)
        for _, dialog in ipairs(dialogs) do
            from_caller(dialog, "INFO", 5)
            from_callee(dialog, "INFO", 6)
            from_callee(dialog, "BYE", 7)
        end
        s:stop()
    end
end)

-- A trunk over TCP, which listens: its Contact is called by the new process.
test("3261-16.6.b a call with a trunk over TCP outlives a restart", function(t)
    local options = { args = { "--t1", "100", "--token-keys", temporary(t, ".keys") }, status = true }
    local s = server.start(t, options)
    options.port = s.port
    local bob = ua.open { port = s.port, user = "bob" }
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local listener = peer.open(t, server.free_port(), function(request)
        return (peer.answer(request, 200):gsub(";tag=peer", "")) -- the dialog has a tag
    end)
    local trunk = ua.open { port = s.port, transport = "tcp", user = "trunk" }
    local contact = ("<sip:trunk@127.0.0.1:%d;transport=tcp>"):format(listener.port)
    trunk:invite(bob.aor, { contact = contact })
    local invite = bob:expect "INVITE"
    bob:reply(invite, 200)
    trunk:expect(200)
    s:stop()
    server.start(t, options)
    local bye = bob:within_called("BYE", invite)
    bob:expect_final(bye, 200)
    t:equal(listener:expect(1).method, "BYE")
end)

-- --- an edge before the registrar ---

local function edge_of(t, registrar, keys, port)
    return server.start(t, { domain = false, port = port, status = true, source = ([[
        sip_on_request(function() return sip_forward("sip:127.0.0.1:%d") end)]]):format(registrar.port),
        args = { "--t1", "100", "--token-keys", keys } })
end

-- Two user agents behind an edge, and the registrar of their domain.
local function behind_edge(t)
    local registrar = server.start(t, { args = { "--t1", "100", "--trust", "127.0.0.1" }, status = true })
    local keys = temporary(t, ".keys")
    local edge = edge_of(t, registrar, keys)
    local function open(user, transport, number)
        local new = ua.open { port = edge.port, transport = transport, user = user }
        new.contact_uri = new.contact_uri .. ";ob"
        if number then
            new:register { instance = ua.instance(number), reg_id = 1 }
        end
        return new
    end
    return edge, open, function()
        edge:stop()
        edge = edge_of(t, registrar, keys, edge.port)
    end
end

test("5626-5.3.d both sides behind an edge reconnect in mid-call", function(t)
    local _, open = behind_edge(t)
    for _, transport in ipairs { "udp", "tcp" } do
        local alice, bob = open("alice", transport, 1), open("bob", transport, 2)
        local dialog = established(alice, bob)
        alice:close()
        dialog.caller = open("alice", transport)
        from_caller(dialog, "INVITE", 3)
        from_caller(dialog, "INFO", 4)
        dialog.caller:close()
        bob:close()
        dialog.caller, dialog.callee = open("alice", transport, 1), open("bob", transport, 2)
        from_callee(dialog, "INFO", 2)
        from_caller(dialog, "INFO", 5)
        from_callee(dialog, "BYE", 3)
        dialog.caller:close()
        dialog.callee:close()
    end
end)

test("5626-5.2.b calls outlive a restart of the edge, over connections when the phone has registered again", function(t)
    local _, open, start_again = behind_edge(t)
    local alice, bob, carol = open("alice", "udp", 1), open("bob", "udp", 2), open("carol", "tcp", 3)
    local dialog, other = established(alice, bob), established(alice, carol)
    start_again()
    from_caller(dialog, "INFO", 5)
    from_callee(dialog, "INFO", 6)
    from_callee(dialog, "BYE", 7)
    local request = alice:within("INFO", other.call, other.answer, { cseq = 5 })
    alice:expect_final(request, 480)
    other.callee = open("carol", "tcp", 3)
    from_caller(other, "INFO", 6)
    from_callee(other, "BYE", 7)
end)

test("6665-4.3.a a subscription is refreshed by the route of its NOTIFY, through an edge and a registrar", function(t)
    local _, open = behind_edge(t)
    for _, transport in ipairs { "udp", "tcp" } do
        local alice, bob = open("alice", transport, 1), open("bob", transport, 2)
        local subscribe = alice:request("SUBSCRIBE", { uri = bob.aor, headers = { { "Event", "presence" } } })
        local received = bob:expect "SUBSCRIBE"
        bob:reply(received, 200)
        local answer = alice:expect_final(subscribe, 200)
        for index = 1, 3 do
            local notify = bob:within_called("NOTIFY", received, { cseq = index,
                contact = ("<%s>"):format(bob.contact_uri), headers = { { "Event", "presence" } } })
            local notified = alice:expect "NOTIFY"
            alice:reply(notified, 200)
            bob:expect_final(notify, 200)
            t:ok(#notified:values "Record-Route" >= 2, "edge and registrar have recorded themselves")
            -- The subscriber's route set is that of the NOTIFY, in its order.
            local refresh = alice:within("SUBSCRIBE", subscribe, answer, { cseq = 1 + index,
                routes = notified:values "Record-Route", contact = ("<%s>"):format(alice.contact_uri),
                headers = { { "Event", "presence" } } })
            local refreshed = bob:expect "SUBSCRIBE"
            bob:reply(refreshed, 200)
            alice:expect_final(refresh, 200)
            t:ok(#refreshed:values "Record-Route" >= 2)
        end
        alice:close()
        bob:close()
    end
end)

-- --- one's own AOR ---

test("a subscription to one's own AOR is answered with 404 and does not return", function(t)
    for _, options in ipairs { { script = "examples/registrar.lua" }, { source = "" } } do
        options.args, options.status = patience, true
        local s = server.start(t, options)
        for _, transport in ipairs { "udp", "tcp" } do
            local bob = ua.open { port = s.port, transport = transport, user = "bob" .. transport }
            bob:register { instance = ua.instance(1), reg_id = 1 }
            for _, method in ipairs { "SUBSCRIBE", "PUBLISH" } do
                local request = bob:request(method, { uri = bob.aor, headers = { { "Event", "message-summary" } } })
                bob:expect_final(request, 404)
                bob:expect_none(method, 50)
            end
        end
        t:equal(s:number "branches", 0)
    end
end)

tap.done()
