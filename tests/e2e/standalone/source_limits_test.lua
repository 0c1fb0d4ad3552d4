-- SPDX-License-Identifier: BSD-2-Clause
-- What one source may use. Attackers come from 127.0.0.2, others who must not notice from 127.0.0.3 and 127.0.0.4: only
-- 127.0.0.1 and ::1 are exempt.
local attack = require "attack"
local certificates = require "certificates"
local channel = require "channel"
local peer = require "peer"
local server = require "server"
local socket = require "socket"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local ATTACKER <const>, ALICE <const>, BOB <const> = "127.0.0.2", "127.0.0.3", "127.0.0.4"

local function start(t, args, options)
    options = options or {}
    options.args, options.status = args, true
    local s = server.start(t, options)
    function s.open(user, host, transport, more)
        local o = { port = s.port, user = user, domain = s.domain, transport = transport or "udp", local_host = host }
        for name, value in pairs(more or {}) do
            o[name] = value
        end
        return ua.open(o)
    end
    return s
end

local until_number = server.until_number

local function expect_closed(flow)
    assert(ua.wait.until_true(ua.patience, function()
        return flow.closed_by_peer or flow.closed
    end), "still open")
end

local function options_of(flow, more)
    more = more or {}
    more.uri = more.uri or "sip:example.test"
    return flow:request("OPTIONS", more)
end

-- Final answers that have come for requests of this flow and were not taken.
local function answers(flow)
    local count = 0
    for _, received in ipairs(flow.inbox) do
        count = count + (received.status and received.status >= 200 and 1 or 0)
    end
    return count
end

local function flood(flow, count)
    for index = 1, count do
        options_of(flow)
        if index % 20 == 0 then
            ua.wait.pause(1) -- the socket's buffer has room for them all
        end
    end
end

-- A connection from there is closed at once.
local function expect_refused(s, host)
    local flow = channel.open { transport = "tcp", host = "127.0.0.1", port = s.port, local_host = host,
        on_bytes = function() end, on_close = function() end }
    expect_closed(flow)
end

-- Opens a connection as soon as it is not refused any more.
local function open_when_allowed(s, host)
    local flow
    assert(ua.wait.until_true(ua.patience, function()
        flow = s.open("late", host, "tcp")
        local request = options_of(flow, { send = false })
        flow:send_raw(request.text)
        return flow:receive(200, 1000) or (flow:close() and nil)
    end), "still banned")
    return flow
end

test("a flood of datagrams: the excess is dropped, nobody is banned, and calls of others go through", function(t)
    local s = start(t, { "--limit-requests", "5/s" })
    local attacker, alice, bob = s.open("mallory", ATTACKER), s.open("alice", ALICE), s.open("bob", BOB)
    bob:register()
    flood(attacker, 300)
    until_number(s, "limited_requests", 1)
    alice:call(bob)
    assert(ua.wait.until_true(ua.patience, function()
        return answers(attacker) + s:number "limited_requests" >= 300
    end), answers(attacker) .. " answers")
    t:ok(answers(attacker) >= 20, "the burst has four seconds: " .. answers(attacker))
    t:equal(s:number "bans", 0)
    s:expect_log "refused source=127.0.0.2:%d+ transport=udp method=%- aor=%- status=0 reason=request%-limit\n"
    -- A second later it is served again.
    assert(ua.wait.until_true(ua.patience, function()
        return attacker:receive("final", 500) and options_of(attacker) and attacker:receive(200, 500)
    end))
end)

for _, transport in ipairs { "tcp", "tls", "ws", "wss" } do
    test("a flood over a connection bans its source for --ban seconds, and nobody else: " .. transport, function(t)
        local args, port = { "--limit-requests", "5", "--ban", "2" }, server.free_port()
        local files = certificates.new(t):sign "default"
        for _, argument in ipairs { "--listen", ("%s:127.0.0.1:%d"):format(transport, port), "--tls-cert",
            files.certificate, "--tls-key", files.key } do
            args[#args + 1] = argument
        end
        local s = start(t, args)
        local attacker = s.open("mallory", ATTACKER, transport, { port = port })
        local second = s.open("mallory", ATTACKER, "tcp")
        local alice, bob = s.open("alice", ALICE, "tcp"), s.open("bob", BOB, "tcp")
        bob:register { instance = ua.instance(1), reg_id = 1 }
        -- In one go: what has been read and not yet looked at counts for nothing after the ban.
        local texts = {}
        for index = 1, 100 do
            local text = options_of(attacker, { send = false }).text
            texts[index] = attacker.channel and attacker.channel.websocket and channel.frame(text) or text
        end
        local below = attacker.channel and attacker.channel.below or attacker.socket
        below:write(table.concat(texts))
        expect_closed(attacker)
        expect_closed(second)
        t:ok(answers(attacker) <= 20, answers(attacker) .. " answers")
        t:equal(s:number "bans", 1)
        s:expect_log("refused source=127.0.0.2:%d+ transport=" .. transport .. " [^\n]*reason=request%-limit\n")
        expect_refused(s, ATTACKER)
        s:expect_log "refused source=127.0.0.2:%d+ transport=tcp [^\n]*reason=banned\n"
        t:ok(s:number "banned_connections" >= 2)
        alice:call(bob)
        open_when_allowed(s, ATTACKER)
    end)
end

-- A stranger who forges a trunk's address must not cut the trunk's connections.
test("datagrams from the address of a connection never close it", function(t)
    local s = start(t, { "--limit-requests", "5", "--limit-failures", "5" })
    local trunk, forger = s.open("bob", ATTACKER, "tcp"), s.open("mallory", ATTACKER)
    local alice = s.open("alice", ALICE)
    trunk:register { instance = ua.instance(1), reg_id = 1 }
    flood(forger, 200)
    for _ = 1, 50 do
        forger:request("REGISTER", { uri = "sip:example.net", to = "sip:bob@example.net" })
    end
    until_number(s, "limited_requests", 1)
    alice:call(trunk)
    options_of(trunk)
    trunk:expect(200)
    t:equal(s:number "bans", 0)
end)

test("failing requests over UDP: the excess is not answered, good requests of the same address are", function(t)
    local s = start(t, { "--limit-failures", "5/min" })
    local scanner = s.open("mallory", ATTACKER)
    local statuses = { 403, 404, 400 }
    for index = 1, 60 do
        local kind = index % 3
        if kind == 0 then -- a foreign domain
            scanner:send_raw(attack.read("scan_register.sip", { N = index, SOURCE = scanner.sent_by }))
        elseif kind == 1 then -- not ours to know
            scanner:request("REGISTER", { uri = "sip:example.test", to = "sip:bob@example.net" })
        else
            scanner:request("REGISTER", { uri = "sip:example.test", contact = "<sip:bob@h:99999>" })
        end
    end
    until_number(s, "limited_failures", 40)
    for _, received in ipairs(scanner.inbox) do
        t:ok(received.status == statuses[1] or received.status == statuses[2] or received.status == statuses[3])
    end
    t:ok(answers(scanner) >= 5 and answers(scanner) <= 20, answers(scanner) .. " answers")
    options_of(scanner)
    scanner:expect(200)
    t:equal(s:number "bans", 0)
    s:expect_log "refused source=127.0.0.2:%d+ transport=udp [^\n]*reason=failure%-limit\n"
end)

test("what a policy refuses with 403 counts as well, and its 603 does not", function(t)
    local s = start(t, { "--limit-failures", "5" }, { source = [[
        sip_on_request("INVITE", function() return sip_reply(603, "No") end)
        sip_on_request("MESSAGE", function() return sip_reply(403, "No") end)]] })
    local caller = s.open("mallory", ATTACKER, "tcp")
    for _ = 1, 20 do
        caller:expect_final(caller:invite "sip:bob@example.test", 603)
    end
    for _ = 1, 6 do
        caller:request("MESSAGE", { uri = "sip:bob@example.test" })
    end
    expect_closed(caller)
    t:equal(answers(caller), 5)
    s:expect_log "refused source=127.0.0.2:%d+ transport=tcp [^\n]*reason=failure%-limit\n"
    expect_refused(s, ATTACKER)
end)

test("calls for help are never limited, whatever their case and service", function(t)
    local s = start(t, { "--limit-requests", "1", "--limit-failures", "1" }, { source = [[
        sip_on_request(function(request)
            if request.uri:lower():find("^urn:") then return sip_reply(404) end
        end)]] })
    local caller = s.open("mallory", ATTACKER)
    flood(caller, 60)
    until_number(s, "limited_requests", 1)
    for _, uri in ipairs { "urn:service:sos", "URN:Service:SOS", "urn:service:sos.fire", "urn:service:sos.police" } do
        for _ = 1, 3 do
            caller:expect_final(caller:invite(uri, { to = "sip:bob@example.test" }), 404)
        end
    end
    local over = s:number "limited_requests"
    for _ = 1, 10 do
        caller:invite("urn:service:sosx", { to = "sip:bob@example.test" })
    end
    until_number(s, "limited_requests", over + 1)
end)

test("--limit-connections: those beyond it are closed, also if the others are silent; other sources have their own",
    function(t)
    local args, port = { "--limit-connections", "3" }, server.free_port()
    local files = certificates.new(t):sign "default"
    for _, argument in ipairs { "--listen", ("tls:127.0.0.1:%d"):format(port), "--tls-cert", files.certificate,
        "--tls-key", files.key } do
        args[#args + 1] = argument
    end
    local s = start(t, args)
    local silent = {}
    for index = 1, 3 do -- of a TLS handshake, nothing comes
        silent[index] = channel.open { transport = "tcp", host = "127.0.0.1", port = port, local_host = ATTACKER,
            on_bytes = function() end, on_close = function() end }
    end
    until_number(s, "accepted", 3)
    expect_refused(s, ATTACKER)
    t:equal(s:number "limited_connections", 1)
    s:expect_log "refused source=127.0.0.2:%d+ transport=tcp [^\n]*reason=source%-connections\n"
    local alice, bob = s.open("alice", ALICE, "tcp"), s.open("bob", BOB, "tcp")
    bob:register { instance = ua.instance(1), reg_id = 1 }
    alice:call(bob)
    silent[1]:close()
    open_when_allowed(s, ATTACKER)
    t:equal(s:number "bans", 0)
end)

-- Of 4 connections one source gets 2, without an option.
test("one source never has more than half of --max-connections, unless it is asked for", function(t)
    local s = start(t, { "--max-connections", "4" })
    local first, second = s.open("a", ATTACKER, "tcp"), s.open("b", ATTACKER, "tcp")
    first:ping()
    second:ping()
    expect_refused(s, ATTACKER)
    local alice, bob = s.open("alice", ALICE, "tcp"), s.open("bob", BOB, "tcp")
    bob:register { instance = ua.instance(1), reg_id = 1 }
    alice:call(bob)
end)

test("a connection that says nothing at all is closed after --message-time", function(t)
    local s = start(t, { "--message-time", "3" })
    local speaking = s.open("alice", ALICE, "tcp")
    speaking:ping()
    local silent = s.open("mallory", ATTACKER, "tcp")
    expect_closed(silent)
    t:equal(s:number "unfinished", 1)
    speaking:ping()
end)

test("--trust: no limits for these addresses, for others they hold", function(t)
    local s = start(t, { "--limit-requests", "2", "--limit-failures", "2", "--limit-connections", "2", "--trust",
        "127.0.0.2/32", "--trust", "2001:db8::/32" })
    local edge = s.open("edge", ATTACKER, "tcp")
    for _ = 1, 5 do
        s.open("more", ATTACKER, "tcp"):ping()
    end
    for _ = 1, 30 do
        edge:expect_final(options_of(edge), 200)
        edge:expect_final(edge:request("REGISTER", { uri = "sip:example.net", to = "sip:bob@example.net" }), 403)
    end
    t:equal(s:number "bans", 0)
    local other = s.open("mallory", ALICE, "tcp")
    for _ = 1, 30 do
        options_of(other)
    end
    expect_closed(other)
    t:equal(s:number "bans", 1)
end)

test("a flood of keep-alives: STUN is dropped, CRLF and WebSocket pings ban", function(t)
    local port = server.free_port()
    local s = start(t, { "--limit-requests", "2", "--ban", "1", "--listen", ("ws:127.0.0.1:%d"):format(port) })
    local attacker = s.open("mallory", ATTACKER)
    for index = 1, 100 do
        attacker:send_raw("\0\1\0\0\33\18\164\66" .. ("%012d"):format(index))
    end
    until_number(s, "limited_keepalives", 1)
    t:equal(s:number "bans", 0)
    options_of(attacker) -- requests are counted apart
    attacker:expect(200)
    local stream = s.open("mallory", ATTACKER, "tcp")
    stream:send_raw(("\r\n\r\n"):rep(100))
    expect_closed(stream)
    t:equal(s:number "bans", 1)
    local web = s.open("mallory", ALICE, "ws", { port = port })
    for _ = 1, 100 do
        web.channel:send("x", { opcode = 9 })
    end
    expect_closed(web)
    t:equal(s:number "bans", 2)
end)

test("messages that mean nothing count like requests: stray responses, garbage", function(t)
    local s = start(t, { "--limit-requests", "5" })
    local attacker = s.open("mallory", ATTACKER)
    for index = 1, 50 do
        attacker:send_raw("GARBAGE " .. index .. "\r\n\r\n")
        attacker:send_raw("SIP/2.0 200 OK\r\n\r\n")
        attacker:send_raw(("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK%d\r\n" ..
            "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: %d\r\nCSeq: 1 INVITE\r\n" ..
            "Content-Length: 0\r\n\r\n"):format(index, index))
    end
    until_number(s, "limited_requests", 1)
    t:equal(s:number "bans", 0)
end)

-- Responses to our requests are never taken for a flood.
test("a phone beyond its limit still answers calls", function(t)
    local s = start(t, { "--limit-requests", "1" })
    local alice, bob = s.open("alice", ALICE), s.open("bob", BOB)
    bob:register()
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    flood(bob, 100)
    until_number(s, "limited_requests", 1)
    bob:reply(invite, 486)
    alice:expect_final(call, 486)
    t:equal(s:number "bans", 0)
end)

test("--limit-requests 0 and its kin set no limit", function(t)
    local s = start(t, { "--limit-requests", "0", "--limit-failures", "0", "--limit-connections", "0" })
    local flow = s.open("mallory", ATTACKER, "tcp")
    for _ = 1, 300 do
        flow:request("REGISTER", { uri = "sip:example.net", to = "sip:bob@example.net" })
    end
    assert(ua.wait.until_true(ua.patience, function()
        return answers(flow) == 300
    end))
    t:equal(s:number "bans", 0)
end)

-- A listener on all addresses of the machine whose queue is full: connections to it stay in progress.
local function deaf(t)
    local listener = assert(socket.tcp4())
    assert(listener:bind("0.0.0.0", 0))
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

-- Each of these addresses is another destination, and none answers. With a second Via the REGISTER seems to come from a
-- proxy, so that the Contacts are called and not the sender's flow.
local function lets_the_server_connect(s, number, port)
    local user = "mallory" .. number
    local flow = s.open(user, "127.0.1." .. number)
    for index = 1, 32 do
        local branch = ("z9hG4bK%s%d"):format(user, index)
        flow:register { supported = false, via = { flow:via(branch), flow:via(branch .. "x") },
            contact_uri = ("sip:%s@127.0.%d.%d:%d;transport=tcp"):format(user, 1 + number, index, port) }
    end
    -- What a datagram causes depends on its size.
    flow:invite(flow.aor, { headers = { { "X-Padding", ("x"):rep(1000) } } })
end

local trunk_policy = [[
sip_on_request("INVITE", function(request)
    local trunk = request:header "X-Trunk"
    return trunk and sip_relay("sip:" .. trunk .. ";transport=tcp") or nil
end)
]]

test("strangers let the server connect to silent addresses: a trunk still finds room", function(t)
    local s = start(t, { "--max-connections", "100", "--connect-time", "60" }, { source = trunk_policy })
    local port, silent = server.free_port(), deaf(t)
    local trunk = peer.open(t, port, function(request)
        return request.method == "INVITE" and peer.answer(request, 486) or nil
    end)
    for number = 1, 3 do
        lets_the_server_connect(s, number, silent)
    end
    until_number(s, "refused", 3 * (32 - 5))
    t:equal(s:number "connections", 3 * 5)
    local alice = s.open("alice", ALICE)
    alice:expect_final(alice:invite("sip:x@example.test",
        { headers = { { "X-Trunk", "127.0.0.1:" .. port } } }), 486)
    t:equal(#trunk.requests > 0, true)
    -- A phone that connects, too.
    local bob = s.open("bob", BOB, "tcp")
    bob:register { supported = false }
end)

test("a wrong value is refused at start with exit status 2", function(t)
    for _, case in ipairs {
        { "--limit-requests", "-1", "expected a whole number from 0 to 1000000" },
        { "--limit-requests", "500/min", "expected a whole number" },
        { "--limit-failures", "60/s", "expected a whole number" },
        { "--limit-failures", "/min", "expected a whole number" },
        { "--limit-connections", "5/s", "expected a whole number" },
        { "--ban", "forever", "expected a whole number from 0 to 86400" },
        { "--trust", "192.0.2.1/24", "not ADDRESS or ADDRESS/BITS" },
        { "--trust", "edge.example.com", "not ADDRESS or ADDRESS/BITS" },
        { "--ws-origin", "phone.example.com", "not SCHEME://HOST or SCHEME://HOST:PORT" },
        { "--ws-origin", "null", "not SCHEME://HOST" },
    } do
        local s = server.run { "serve", "examples/registrar.lua", case[1], case[2] }
        t:equal(s.status, 2)
        t:ok(s.err:find(case[1] .. " " .. case[2] .. ": " .. case[3], 1, true), s.err)
    end
end)

tap.done()
