-- SPDX-License-Identifier: BSD-2-Clause
-- What an edge must bear: garbage, loops, forgeries, half of everything and too much of it. An answer or a counted drop
-- each, and a neighbour's call goes through meanwhile.
local certificates = require "certificates"
local channel = require "channel"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"
local read = require("file").read

local test = tap.test
local until_true = ua.wait.until_true
local transports = { "udp", "tcp", "tls", "ws", "wss" }

local function temporary(t, suffix)
    local path = server.temporary(suffix)
    t:defer(function()
        os.remove(path)
    end)
    return path
end

--[[ An edge with a listener of each kind. options: next_hop (a port; default the registrar's own), args, source, port.
     Its field ports has their ports. ]]
local function start_edge(t, options)
    local files = certificates.new(t):sign "default"
    local ports = {}
    local args = { "--token-keys", temporary(t, ".keys"), "--t1", "30", "--tls-cert", files.certificate, "--tls-key",
        files.key }
    for _, kind in ipairs { "tls", "ws", "wss" } do
        ports[kind] = server.free_port()
        args[#args + 1] = "--listen"
        args[#args + 1] = ("%s:127.0.0.1:%d"):format(kind, ports[kind])
    end
    for _, argument in ipairs(options.args or {}) do
        args[#args + 1] = argument
    end
    local source = options.source or read "examples/edge.lua":gsub("127%.0%.0%.1:5060", function()
        return "127.0.0.1:" .. options.next_hop
    end)
    local edge = server.start(t, { source = source, domain = false, port = options.port, status = true, args = args })
    ports.udp, ports.tcp = edge.port, edge.port
    edge.ports = ports
    function edge.open(user, transport, more)
        local o = { port = ports[transport or "udp"], user = user, transport = transport }
        for name, value in pairs(more or {}) do
            o[name] = value
        end
        return ua.open(o)
    end
    return edge
end

local function until_number(s, name, wanted)
    assert(until_true(ua.patience, function()
        return s:number(name) >= wanted
    end), ("%s stays at %d, not %d"):format(name, s:number(name), wanted))
end

-- A registrar and an edge before it; edge.neighbours() makes a call through both, at once.
local function start(t, options)
    options = options or {}
    local registrar = server.start(t, { status = true, args = { "--t1", "100" } })
    options.next_hop = registrar.port
    local edge = start_edge(t, options)
    local bob = edge.open("bob", "tcp")
    local alice = ua.open { port = registrar.port, user = "alice", domain = registrar.domain }
    bob:register { instance = ua.instance(1), reg_id = 1 }
    function edge.neighbours()
        local began = uv.hrtime()
        alice:call(bob)
        local ms = (uv.hrtime() - began) // 1000000
        assert(ms < ua.at_once, ("a neighbour's call took %d ms"):format(ms))
    end
    -- Nothing is left of the others: bob's connection alone, and no transaction.
    function edge.is_at_rest()
        assert(until_true(2 * ua.patience, function()
            return edge:number "connections" == 1 and edge:number "transactions" == 0
                and edge:number "client_transactions" == 0
        end), edge:status_text())
    end
    -- The same without the five seconds that transactions over UDP take to end (timer K), and with the connection that
    -- the edge opens to its registrar for a request that is too large for a datagram.
    function edge.has_let_go()
        assert(until_true(ua.patience, function()
            return edge:number "connections" == 1 + edge:number "opened"
        end), edge:status_text())
    end
    edge.bob, edge.alice, edge.registrar = bob, alice, registrar
    return edge
end

-- An edge whose requests end at a user agent of the test, which stands for the registrar: edge, sink.
local function start_before_sink(t, options)
    options = options or {}
    local sink = ua.open { port = 9, user = "registrar" }
    options.next_hop = sink.local_port
    return start_edge(t, options), sink
end

local function token_of(sink, phone)
    phone:request("REGISTER", { uri = "sip:example.test",
        contact = phone:contact { instance = ua.instance(1), reg_id = 1 } })
    local request = sink:expect "REGISTER"
    local path = request:get "Path"
    return path:match "^<sips?:([^@]+)@", path
end

-- --- STUN ---

local function binding_request(attributes, more)
    more = more or {}
    attributes = attributes or ""
    return string.pack(">I2 I2 I4", more.type or 1, more.length or #attributes, more.cookie or 0x2112A442)
        .. "twelve bytes" .. attributes
end

test("5626-5.4.b STUN that is cut, lies or is garbage is a counted drop", function(t)
    local edge = start(t)
    local phone = uv.new_udp()
    assert(phone:bind("127.0.0.1", 0))
    local answers = {}
    phone:recv_start(function(_, chunk)
        answers[#answers + 1] = chunk
    end)
    local sent = 0
    local function send(bytes)
        phone:send(bytes, "127.0.0.1", edge.port)
        sent = sent + 1
        if sent % 32 == 0 then
            ua.wait.pause(1)
        end
    end
    local before = edge:number "stun_dropped" + edge:number "malformed_dropped"
    local whole = binding_request(string.pack(">I2 s2", 6, "username"))
    -- One byte is a NUL, and as such no more than a keep-alive.
    for cut = 2, #whole - 1 do
        send(whole:sub(1, cut))
    end
    for length = 0, 65535, 397 do
        if length ~= 12 then
            send(binding_request(string.pack(">I2 s2", 6, "username"), { length = length }))
        end
    end
    for size = 9, 65535, 997 do
        send(binding_request(string.pack(">I2 I2", 6, size) .. "username"))
    end
    send(binding_request("", { cookie = 0x2112A443 }))
    for _, kind in ipairs { 0x0003, 0x0011, 0x0101, 0x0111, 0x3fff } do
        send(binding_request("", { type = kind }))
    end
    assert(until_true(ua.patience, function()
        return edge:number "stun_dropped" + edge:number "malformed_dropped" - before == sent
    end), edge:status_text())
    t:equal(#answers, 0)
    -- Huge, and in order.
    send(binding_request(string.pack(">I2 s2", 0x8022, ("s"):rep(60000))))
    assert(until_true(ua.patience, function()
        return #answers == 1
    end))
    t:equal(answers[1]:sub(1, 2), "\1\1")
    phone:close()
    edge.neighbours()
    edge.is_at_rest()
end)

test("STUN on a stream is broken off, in a WebSocket message dropped; both counted", function(t)
    local edge = start(t)
    local phone = edge.open("mallory", "tcp")
    phone:send_raw(binding_request())
    ua.wait.pause(20)
    phone:send_raw("\r\n\r\n\r\n\r\n")
    phone:expect_closed()
    until_number(edge, "oversized", 1)
    local dropped = edge:number "malformed_dropped"
    local browser = edge.open("mallory", "ws")
    browser.channel:send(binding_request(), { opcode = 2 })
    until_number(edge, "malformed_dropped", dropped + 1)
    browser:close()
    edge.neighbours()
    edge.has_let_go()
end)

-- --- loops ---

for _, transport in ipairs { "udp", "tcp" } do
    test("a REGISTER with 70 Path values is answered, and the edge adds its own [" .. transport .. "]", function(t)
        local edge = start(t)
        local phone = edge.open("carol", transport, { domain = edge.registrar.domain })
        local paths = {}
        for index = 1, 70 do
            paths[index] = { "Path", ("<sip:p%d.example.test;lr>"):format(index) }
        end
        local answer = phone:register { instance = ua.instance(2), reg_id = 1, headers = paths, expect = false }
        t:ok(answer.status >= 200)
        t:ok(edge:alive())
        phone:close()
        edge.neighbours()
        edge.has_let_go()
    end)

    test("a Route that names the edge 70 times is taken off at once [" .. transport .. "]", function(t)
        local edge, sink = start_before_sink(t)
        local phone = edge.open("carol", transport)
        local routes = {}
        for index = 1, 70 do
            routes[index] = ("<sip:127.0.0.1:%d;lr>"):format(edge.port)
        end
        phone:request("OPTIONS", { uri = "sip:dave@example.test", routes = routes })
        local request = sink:expect "OPTIONS"
        t:equal(request:get "Route", nil)
    end)
end

local function loops(t, edge, what)
    for _, transport in ipairs(transports) do
        for _, method in ipairs { "OPTIONS", "REGISTER", "INVITE" } do
            local phone = edge.open("carol", transport)
            local request = phone:request(method, { uri = "sip:dave@example.test" })
            local answer = phone:expect_final(request)
            t:ok(answer.status == 482 or answer.status == 483, ("%s: %s over %s heard %d"):format(what, method,
                transport, answer.status))
            phone:close()
        end
    end
    assert(until_true(2 * ua.patience, function()
        return edge:number "transactions" == 0 and edge:number "client_transactions" == 0
    end), edge:status_text())
end

test("3261-16.3 an edge whose next hop is the edge itself answers 482", function(t)
    local port = server.free_port()
    local edge = start_edge(t, { next_hop = port, port = port,
        source = ("sip_on_request(function() return sip_forward('sip:127.0.0.1:%d') end)"):format(port) })
    loops(t, edge, "to itself")
    t:ok(edge:number "branches" < 100, edge:status_text())
end)

test("3261-16.3 two edges that name each other answer 482", function(t)
    local first, second = server.free_port(), server.free_port()
    local function script(port)
        return ("sip_on_request(function() return sip_forward('sip:127.0.0.1:%d;transport=tcp') end)"):format(port)
    end
    local edge = start_edge(t, { port = first, source = script(second) })
    start_edge(t, { port = second, source = script(first) })
    loops(t, edge, "to each other")
    t:ok(edge:number "branches" < 200, edge:status_text())
end)

-- --- tokens in odd places ---

for _, transport in ipairs { "udp", "tcp", "ws" } do
    test("5626-5.3 tokens in odd places and spellings: one reading each [" .. transport .. "]", function(t)
        local edge, sink = start_before_sink(t)
        sink.port = edge.port
        local phone, mallory = edge.open("bob", transport), edge.open("mallory", "udp")
        local token = token_of(sink, phone)
        local own = "127.0.0.1:" .. edge.port
        local function expect(status, what, routes, uri)
            local before = edge:number "tokens_forged"
            local request = mallory:request("OPTIONS", { uri = uri or phone.contact_uri, routes = routes })
            if status == "phone" or status == "sink" then
                local at = status == "phone" and phone or sink
                at:reply(at:expect "OPTIONS", 200)
                status = 200
            end
            local answer = mallory:expect_final(request)
            assert(answer.status == status, ("%s: %d, not %d"):format(what, answer.status, status))
            t:equal(edge:number "tokens_forged" - before, status == 403 and 1 or 0, what)
        end
        local function value(user, more)
            return ("<sip:%s@%s;lr%s>"):format(user, own, more or "")
        end
        expect("phone", "as it was made", { value(token, ";ob") })
        expect("phone", "without ob", { value(token) })
        expect("phone", "with parameters", { value(token, ";ob;x=y;z=%41;transport=udp;maddr=192.0.2.1") })
        expect("phone", "behind one of ours without", { ("<sip:%s;lr>"):format(own), value(token, ";ob") })
        expect("phone", "twice", { value(token, ";ob"), value(token, ";ob") })
        expect("phone", "with a display name", { '"' .. token .. '" ' .. value(token, ";ob") })
        expect(403, "in upper case", { value(token:upper(), ";ob") })
        expect(403, "in lower case", { value(token:lower(), ";ob") })
        expect(403, "cut", { value(token:sub(1, -2), ";ob") })
        expect(403, "longer", { value(token .. "A", ";ob") })
        expect(403, "with =", { value(token .. "==", ";ob") })
        expect(403, "with a password", { value("A" .. token .. ":secret", ";ob") })
        expect(403, "empty base64", { value("-", ";ob") })
        expect(403, "very long", { value(("A"):rep(4000), ";ob") })
        expect(403, "of IPv6's length", { value(("A"):rep(88), ";ob") })
        expect(403, "escaped otherwise", { value("%00" .. token, ";ob") })
        expect("sink", "at another's host", { ("<sip:%s@127.0.0.1:%d;lr>"):format(token, sink.local_port) })
    end)

    test("3261-16.4 a strict router's request with a token goes over its flow [" .. transport .. "]", function(t)
        local edge, sink = start_before_sink(t)
        sink.port = edge.port
        local phone, strict = edge.open("bob", transport), edge.open("strict", "udp")
        local token = token_of(sink, phone)
        local function sent(user)
            return strict:request("OPTIONS", { uri = ("sip:%s@127.0.0.1:%d;lr;ob"):format(user, edge.port),
                routes = { "<" .. phone.contact_uri .. ">" } })
        end
        local request = sent(token)
        local received = phone:expect "OPTIONS"
        t:equal(received.uri, phone.contact_uri)
        t:equal(received:get "Route", nil)
        phone:reply(received, 200)
        strict:expect_final(request, 200)
        if transport ~= "udp" then
            phone:close()
            until_true(ua.patience, function()
                return edge:number "connections" == 0
            end)
            strict:expect_final(sent(token), 430)
        end
    end)

    test("ACK and CANCEL with dead or forged tokens end here, counted [" .. transport .. "]", function(t)
        local edge, sink = start_before_sink(t)
        sink.port = edge.port
        local phone, mallory = edge.open("bob", transport), edge.open("mallory", "udp")
        local token = token_of(sink, phone)
        local function request(method, user)
            return mallory:request(method, { uri = phone.contact_uri, to_tag = "x",
                routes = { ("<sip:%s@127.0.0.1:%d;lr;ob>"):format(user, edge.port) } })
        end
        mallory:expect_final(request("CANCEL", ("A"):rep(56)), 481)
        mallory:expect_final(request("CANCEL", token), 481)
        request("ACK", ("A"):rep(56))
        until_number(edge, "tokens_forged", 1)
        if transport ~= "udp" then
            phone:close()
            until_true(ua.patience, function()
                return edge:number "connections" == 0
            end)
            request("ACK", token)
            until_number(edge, "tokens_gone", 1)
            mallory:expect_final(request("CANCEL", token), 481)
        end
        mallory:request("ACK", { uri = phone.contact_uri, to_tag = "x" })
        until_number(edge, "acks_dropped", 1)
        sink:expect_none("ACK", 50)
    end)
end

-- --- Via ---

test("5626-5.1.a 5626-5.1.b forged Via: no Via, two of them, those of the edge itself, received and rport made up",
    function(t)
    local edge, sink = start_before_sink(t)
    sink.port = edge.port
    local phone = edge.open("bob", "udp")
    local function register(via)
        phone:request("REGISTER", { uri = "sip:example.test", via = via,
            contact = phone:contact { instance = ua.instance(1), reg_id = 1 } })
    end
    local dropped = edge:number "malformed_dropped" + edge:number "malformed_answered"
    register {}
    assert(until_true(ua.patience, function()
        return edge:number "malformed_dropped" + edge:number "malformed_answered" == dropped + 1
    end))
    sink:expect_none("REGISTER", 50)
    -- Two values, in one field or in two: not the first hop, however little the second is worth.
    for _, second in ipairs { "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2", "SIP/2.0/UDP 192.0.2.9" } do
        register { phone:via("z9hG4bK" .. #second), second }
        t:ok(not sink:expect "REGISTER":get "Path":find ";ob")
        register { phone:via("z9hG4bKx" .. #second) .. ", " .. second }
        t:ok(not sink:expect "REGISTER":get "Path":find ";ob")
    end
    -- One, that says it has come from somewhere else: the answer goes where the request came from.
    register { ("SIP/2.0/UDP 192.0.2.1:9;branch=z9hG4bKf;received=192.0.2.2;rport=%d"):format(sink.local_port) }
    local request = sink:expect "REGISTER"
    t:match(request:get "Path", ";ob")
    local vias = request:values "Via"
    t:equal(#vias, 2)
    t:match(vias[2], "received=127%.0%.0%.1")
    t:ok(not vias[2]:find "192%.0%.2%.2", vias[2])
    t:match(vias[2], "rport=" .. phone.local_port)
    sink:reply(request, 200)
    phone:expect(200)
    -- The edge's own address as sent-by: no answer may come back to the edge for ever.
    register { ("SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bKown"):format(edge.port) }
    sink:reply(sink:expect "REGISTER", 200)
    until_number(edge, "unmatched", 1)
    local responses = edge:number "responses"
    ua.wait.pause(100)
    t:ok(edge:number "responses" <= responses + 1)
end)

-- --- halves ---

test("half a handshake, half a request, half a frame, and nothing at all end after --message-time or --idle",
    function(t)
    local edge = start(t, { args = { "--message-time", "1", "--idle", "2" } })
    local halves = { tcp = { "", "R", "REGISTER sip:exam", "\r" }, tls = { "", "\22\3\1", "\22\3\1\2\0\1\0\1\252\3\3" },
        ws = { "", "GET", "GET /sip HTTP/1.1\r\nUpgrade: web" }, wss = { "", "\22\3\1\2\0\1" } }
    local opened, closed = 0, 0
    for kind, list in pairs(halves) do
        for _, half in ipairs(list) do
            opened = opened + 1
            channel.open { transport = "tcp", host = "127.0.0.1", port = edge.ports[kind], on_bytes = function() end,
                on_close = function()
                    closed = closed + 1
                end }:send(half)
        end
    end
    -- A frame's half after the opening request; and a byte a second is no progress.
    local slow = channel.open { transport = "ws", host = "127.0.0.1", port = edge.ports.ws, on_message = function() end,
        on_close = function()
            closed = closed + 1
        end }
    slow.below:write(channel.frame(("x"):rep(100)):sub(1, 20))
    opened = opened + 1
    edge.bob:send_raw "OPTIONS sip:a"
    local dripping = uv.new_timer()
    dripping:start(300, 300, function()
        if not slow.closed then
            slow.below:write "x"
        end
    end)
    edge.bob:send_raw " SIP/2.0\r\n"
    edge.bob:expect_closed()
    edge.bob:close()
    assert(until_true(ua.patience, function()
        return closed == opened
    end), ("%d of %d closed"):format(closed, opened))
    dripping:close()
    t:equal(edge:number "unfinished" + edge:number "idle", opened + 1)
    assert(until_true(ua.patience, function()
        return edge:number "connections" == 0
    end), edge:status_text())
end)

test("what begins after a silence longer than --message-time has all of it, over each stream transport", function(t)
    local edge = start(t, { args = { "--message-time", "4" } })
    local phones = {}
    for _, transport in ipairs { "tcp", "tls", "ws", "wss" } do
        phones[#phones + 1] = edge.open("carol", transport)
        phones[#phones]:ping() -- who has never said anything is closed
    end
    -- Both are times of the product: longer than --message-time, and part of it.
    ua.wait.pause(4300)
    for _, phone in ipairs(phones) do
        phone.sent = phone:request("OPTIONS", { uri = "sip:nobody@example.test", send = false })
        local text = phone.sent.text
        if phone.channel and phone.channel.websocket then
            text = channel.frame(text)
        end
        phone.below = phone.channel and phone.channel.below or phone.channel or phone.socket
        phone.below:write(text:sub(1, 100))
        phone.rest = text:sub(101)
    end
    ua.wait.pause(300)
    for _, phone in ipairs(phones) do
        t:equal(phone.closed_by_peer, nil)
        phone.below:write(phone.rest)
        phone:expect_final(phone.sent)
        phone:close()
    end
    edge.has_let_go()
end)

test("a message byte by byte over each transport, and a reset in the middle of it", function(_)
    local edge = start(_)
    for _, transport in ipairs { "tcp", "tls", "ws", "wss" } do
        local phone = edge.open("carol", transport)
        local request = phone:request("OPTIONS", { uri = "sip:nobody@example.test", send = false })
        local text = request.text
        local below = phone.channel and phone.channel.below or phone.socket
        if phone.channel and phone.channel.websocket then
            text = channel.frame(text)
        end
        for index = 1, #text do
            below:write(text:sub(index, index))
            if index % 50 == 0 then
                ua.wait.pause(1)
            end
        end
        phone:expect_final(request)
        below:write(text:sub(1, 30))
        if below.close_reset then
            below:close_reset()
        else
            phone:close()
        end
    end
    edge.neighbours()
    edge.is_at_rest()
end)

test("64 KiB, and a byte more, over each transport", function(t)
    local edge = start(t)
    for _, transport in ipairs(transports) do
        for _, size in ipairs { 60000, 65536, 65537, 200000 } do
            local phone = edge.open("carol", transport)
            local function build(fill)
                return phone:request("OPTIONS", { uri = "sip:nobody@example.test", send = false,
                    branch = "z9hG4bK" .. transport .. size, call_id = "c" .. size, from_tag = "f",
                    headers = { { "X-Fill", ("x"):rep(fill) } } })
            end
            local request = build(size - #build(0).text)
            assert(#request.text == size, #request.text)
            if transport ~= "udp" or size <= 65507 then
                phone:send_raw(request.text)
                local answer = until_true(ua.patience, function()
                    return phone:receive("final", 0) or phone.closed_by_peer
                end)
                assert(answer, ("%d bytes over %s: nothing"):format(size, transport))
                if type(answer) == "table" then
                    local fits = size <= 65536
                    t:ok(fits or answer.status == 413, ("%d bytes over %s: %d"):format(size, transport, answer.status))
                else
                    t:ok(size > 65536, ("%d bytes over %s: closed"):format(size, transport))
                end
            end
            phone:close()
        end
    end
    edge.neighbours()
    edge.has_let_go()
end)

-- --- too much ---

local function resident(pid)
    return tonumber(read(("/proc/%d/status"):format(pid)):match "VmRSS:%s+(%d+)")
end

test("who sends keep-alives without an end and never reads loses the connection, not our memory", function(t)
    local edge = start(t)
    local phone = edge.open("deaf", "tcp")
    phone.socket:read_stop()
    local most, before = 0, resident(edge.pid)
    local flood, closed = ("\r\n\r\n"):rep(16384), false
    for _ = 1, 1000 do
        phone.socket:write(flood, function(why)
            closed = closed or why
        end)
        ua.wait.pause(1)
        most = math.max(most, resident(edge.pid))
        if closed or edge:number "slow" > 0 then
            break
        end
    end
    t:equal(edge:number "slow", 1)
    t:ok(most - before < 50000, ("%d KiB more"):format(most - before))
    phone:close()
    edge.neighbours()
    edge.is_at_rest()
end)

test("10,000 connections opened and closed at once", function(t)
    local edge = start(t)
    local accepted = edge:number "accepted"
    local answered = 0
    for index = 1, 10000 do
        local kind = ({ "tcp", "tls", "ws", "wss" })[index % 4 + 1]
        local socket = uv.new_tcp()
        socket:connect("127.0.0.1", edge.ports[kind], function(why)
            answered = answered + 1
            if not why and index % 3 == 0 then
                socket:close_reset()
            elseif not socket:is_closing() then
                socket:close()
            end
        end)
        if index % 500 == 0 then
            assert(until_true(ua.patience, function()
                return answered > index - 500
            end))
        end
        if index % 2500 == 0 then
            edge.neighbours()
        end
    end
    assert(until_true(ua.patience, function()
        return answered == 10000
    end))
    t:ok(edge:number "accepted" > accepted)
    edge.is_at_rest()
    edge.neighbours()
end)

test("descriptors run out: new connections are dropped and counted, those there go on, and it passes", function(t)
    local wrapper = temporary(t, ".sh")
    server.write(wrapper, ("#!/bin/sh\nulimit -n 96\nexec '%s' \"$@\"\n"):format(uv.fs_realpath(server.binary)))
    uv.fs_chmod(wrapper, 493)
    local binary = server.binary
    local registrar_binary = binary
    server.binary = wrapper
    local fine, edge = pcall(start, t, {})
    server.binary = registrar_binary
    assert(fine, edge)
    local sockets = {}
    for index = 1, 150 do
        sockets[index] = uv.new_tcp()
        sockets[index]:connect("127.0.0.1", edge.ports.tcp, function(why)
            if not why then
                sockets[index]:read_start(function(_, chunk)
                    if not chunk and not sockets[index]:is_closing() then
                        sockets[index]:close()
                    end
                end)
            end
        end)
    end
    local dropped = until_true(ua.patience, function()
        local count = 0
        for _, socket in ipairs(sockets) do
            count = count + (socket:is_closing() and 1 or 0)
        end
        return count > 60 and count
    end)
    t:ok(dropped, "nobody was dropped")
    edge.neighbours()
    for _, socket in ipairs(sockets) do
        if not socket:is_closing() then
            socket:close()
        end
    end
    assert(until_true(ua.patience, function()
        local carol = edge.open("carol", "tcp", { domain = edge.registrar.domain })
        ua.wait.pause(20)
        local open = not carol.closed_by_peer
        carol:close()
        return open
    end))
    edge.is_at_rest()
    t:ok(edge:number "refused" > 0, "none counted")
end)

tap.done()
