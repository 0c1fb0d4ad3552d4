-- SPDX-License-Identifier: BSD-2-Clause
-- SIP over WebSocket (RFC 7118): flows, keep-alives, the opening request, frames of every kind.
local attack = require "attack"
local certificates = require "certificates"
local channel = require "channel"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one = ua.instance(1)

-- A server with a WebSocket listener. options: secure, host, args, and those of server.start.
local function start(t, options)
    options = options or {}
    local port, host = server.free_port(), options.host or "127.0.0.1"
    local bracketed = host:find ":" and "[" .. host .. "]" or host
    local transport = options.secure and "wss" or "ws"
    local args = { "--listen", ("%s:%s:%d"):format(transport, bracketed, port) }
    if options.secure then
        local files = certificates.new(t):sign "default"
        for _, argument in ipairs { "--tls-cert", files.certificate, "--tls-key", files.key } do
            args[#args + 1] = argument
        end
    end
    for _, argument in ipairs(options.args or {}) do
        args[#args + 1] = argument
    end
    local s = server.start(t, { args = args, source = options.source, domain = options.domain, status = true })
    s.web_port = port
    function s.open(user, more)
        local o = { port = port, host = host, user = user, transport = transport }
        for name, value in pairs(more or {}) do
            o[name] = value
        end
        return ua.open(o)
    end
    -- The connection alone; what comes stands in its fields frames, response and closed.
    function s.connect(upgrade)
        return channel.open { transport = transport, host = host, port = port, upgrade = upgrade,
            on_message = function() end, on_close = function() end }
    end
    return s
end

local until_number = server.until_number

local function expect_closed(c)
    assert(ua.wait.until_true(ua.patience, function()
        return c.closed
    end), "still open")
end

-- The frame with this opcode, once it has come.
local function expect_frame(c, opcode, ms)
    return assert(ua.wait.until_true(ms or ua.patience, function()
        for index, frame in ipairs(c.frames) do
            if frame.opcode == opcode then
                return table.remove(c.frames, index)
            end
        end
    end), "no frame with opcode " .. opcode)
end

-- The server closes with this code; 1005: with none.
local function expect_close(c, code)
    local payload = expect_frame(c, 8).payload
    local got = #payload < 2 and 1005 or string.unpack(">I2", payload)
    assert(got == code, ("closed with %d and not %d"):format(got, code))
    expect_closed(c)
end

for _, case in ipairs { { "ws", "127.0.0.1" }, { "ws", "::1" }, { "wss", "127.0.0.1" }, { "wss", "::1" } } do
    test(("REGISTER, a call and its dialog over %s flows, %s"):format(case[1], case[2]), function(t)
        local s = start(t, { secure = case[1] == "wss", host = case[2] })
        local alice, bob = s.open "alice", s.open "bob"
        bob:register { instance = one, reg_id = 1 }
        local call = alice:invite(bob.aor)
        local invite = bob:expect "INVITE"
        t:match(invite:get "Via", "^SIP/2%.0/" .. case[1]:upper() .. " ")
        t:match(invite:get "Record-Route", "^<sip:[^>]*;transport=ws;lr>")
        bob:reply(invite, 200)
        local answer = alice:expect_final(call, 200)
        bob:expect "ACK"
        local bye = alice:within("BYE", call, answer)
        bob:reply(bob:expect "BYE", 200)
        alice:expect_final(bye, 200)
        alice:ping()
        for _, frame in ipairs(bob.channel.frames) do
            t:equal(frame.mask, false)
        end
    end)
end

test("5626-7.f 5626-7.h a WebSocket flow dies in mid-call, the other of the instance rings", function(t)
    local s = start(t)
    local alice = ua.open { port = s.port, user = "alice" }
    local first, second = s.open "bob", s.open "bob"
    second:register { instance = one, reg_id = 2, q = "0.5" }
    first:register { instance = one, reg_id = 1, q = "1.0" }
    local call = alice:invite(first.aor)
    first:expect "INVITE"
    first:close()
    second:reply(second:expect "INVITE", 486)
    alice:expect_final(call, 486)
end)

test("5626-5.1.a 5626-5.3.a an edge leads a call over a WebSocket flow and keeps its dialog there", function(t)
    local registrar = server.start(t, { args = { "--t1", "100" } })
    local file = assert(io.open "examples/edge.lua")
    local text = file:read("a"):gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. registrar.port)
    file:close()
    local s = start(t, { source = text, domain = false })
    local alice, bob = ua.open { port = registrar.port, user = "alice" }, s.open "bob"
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 200)
    local answer = alice:expect_final(call, 200)
    alice:within("ACK", call, answer)
    bob:expect "ACK"
    local bye = bob:within_called("BYE", invite)
    alice:reply(alice:expect "BYE", 200)
    bob:expect_final(bye, 200)
end)

test("a text that is UTF-8 comes as text, another body as binary; both are taken", function(t)
    local s = start(t)
    local alice, bob = s.open "alice", s.open "bob"
    bob:register { instance = one, reg_id = 1 }
    for body, opcode in pairs { ["gr\xc3\xbc\xc3\x9fe"] = 1, ["\xff\xfe\0\xc3"] = 2 } do
        bob.channel.frames = {}
        local request = alice:request("MESSAGE", { uri = bob.aor, body = body, contact = false, send = false })
        alice.channel:send(request.text, { opcode = opcode })
        local got = bob:expect "MESSAGE"
        t:equal(got.body, body)
        t:equal(bob.channel.frames[1].opcode, opcode)
        bob:reply(got, 200)
        alice:expect_final(request, 200)
    end
end)

test("the opening request must be one of WebSocket, and offer SIP", function(t)
    local s = start(t)
    local key = "Sec-WebSocket-Protocol"
    local cases = {
        { 101, { [key] = "chat, SIP ,x" } },
        { 101, { [key] = false, more = { key .. ": chat", key .. ": sip" } } },
        { 101, { line = "GET / HTTP/1.1", Upgrade = "WebSocket", Connection = "upgrade" } },
        { 400, { [key] = "chat" } },
        { 400, { [key] = false } },
        { 400, { [key] = "sips, sip2, x-sip" } },
        { 400, { Upgrade = false } },
        { 400, { Connection = "close" } },
        { 400, { ["Sec-WebSocket-Key"] = "short" } },
        { 400, { ["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZ!==" } },
        { 400, { ["Sec-WebSocket-Key"] = false } },
        { 400, { more = { "Sec-WebSocket-Protocol: " .. ("x"):rep(400) } } },
        { 426, { ["Sec-WebSocket-Version"] = "8" } },
        { 405, { line = "POST /sip HTTP/1.1" } },
        { 400, { line = "GET /sip HTTP/1.0" } },
        { 400, { line = "OPTIONS sip:a SIP/2.0" } },
        { 400, { line = "\0\0\0\0" } },
        { 400, { more = { "no colon" } } },
        { 431, { more = { "X: " .. ("x"):rep(65536) } } },
        { 431, { more = { ("X: y\r\n"):rep(12000) .. "X: y" } } },
    }
    for index, case in ipairs(cases) do
        local c = s.connect(case[2])
        t:equal(tonumber(c.response and c.response:match "^HTTP/1.1 (%d+)"), case[1], "number " .. index)
        if case[1] == 101 then
            t:match(c.response, "\r\nSec%-WebSocket%-Accept: s3pPLMBiTxaQ9kYGzzhZRbK%+xOo=\r\n")
            t:match(c.response, "\r\nSec%-WebSocket%-Protocol: sip\r\n")
            c:close()
        else
            expect_closed(c)
        end
        if case[1] == 426 then
            t:match(c.response, "\r\nSec%-WebSocket%-Version: 13\r\n")
        end
    end
    t:equal(s:number "websocket_refused", 17)
end)

test("--ws-origin: a wrong origin gets 403, a missing one passes", function(t)
    for _, secure in ipairs { false, true } do
        local s = start(t, { secure = secure, args = { "--ws-origin", "https://phone.example.com", "--ws-origin",
            "http://localhost:8080" } })
        local cases = {
            { 101, {} },
            { 101, { "Origin: https://phone.example.com" } },
            { 101, { "origin: HTTPS://Phone.Example.COM:443 " } },
            { 101, { "Origin: http://localhost:8080" } },
            { 403, { "Origin: http://localhost" } },
            { 403, { "Origin: http://phone.example.com" } },
            { 403, { "Origin: https://phone.example.com.evil.example" } },
            { 403, { "Origin: null" } },
            { 403, { "Origin:" } },
            { 403, { "Origin: https://phone.example.com", "Origin: https://evil.example" } },
            { 403, { "Origin:", "Origin: https://phone.example.com" } },
            { 403, { "Origin: https://" .. ("x"):rep(400) } },
        }
        local forbidden = 0
        for index, case in ipairs(cases) do
            local c = s.connect { more = case[2] }
            t:equal(tonumber(c.response and c.response:match "^HTTP/1.1 (%d+)"), case[1], "number " .. index)
            forbidden = forbidden + (case[1] == 403 and 1 or 0)
            if case[1] == 101 then
                c:close()
            else
                expect_closed(c)
            end
        end
        t:equal(s:number "websocket_origin", forbidden)
        t:equal(s:number "refused_origin", forbidden)
        s:expect_log(("refused source=127.0.0.1:%%d+ transport=%s method=%%- aor=%%- status=403 reason=origin " ..
            "detail=\"Origin: http://localhost\"\n"):format(secure and "wss" or "ws"))
        t:ok(not s.err:find "web pages of any origin")
    end
end)

-- A page that somebody visits must not get the visitor banned.
test("requests of a wrong origin are no failures of their source", function(t)
    local s = start(t, { args = { "--ws-origin", "https://phone.example.com", "--limit-failures", "1" } })
    for _ = 1, 5 do
        local answer = ""
        local c = channel.open { transport = "tcp", host = "127.0.0.1", port = s.web_port, local_host = "127.0.0.2",
            on_bytes = function(bytes)
                answer = answer .. bytes
            end, on_close = function() end }
        c:send(attack.read("foreign_origin.http", { SERVER = "127.0.0.1:" .. s.web_port }))
        expect_closed(c)
        t:match(answer, "^HTTP/1.1 403 ")
    end
    t:equal(s:number "bans", 0)
end)

test("without --ws-origin all origins are accepted, and one warning is logged", function(t)
    local s = start(t)
    local c = s.connect { more = { "Origin: " .. ("x"):rep(400) } }
    t:match(c.response, "^HTTP/1.1 101 ")
    s:expect_log "warning: web pages of any origin may use the ws: and wss: listeners"
    t:equal(select(2, s.err:gsub("web pages of any origin", "")), 1)
    t:ok(not server.start(t).err:find "web pages of any origin")
end)

test("the opening request byte by byte, and a message in the same segment", function(t)
    local s = start(t)
    local c = s.connect(false)
    local request = channel.upgrade "a"
    for index = 1, #request do
        c.below:write(request:sub(index, index))
        if index % 8 == 0 then
            ua.wait.pause(1)
        end
    end
    assert(ua.wait.until_true(ua.patience, function()
        return c.open
    end))
    local both = s.connect(false)
    both.below:write(channel.upgrade "a" .. channel.frame("\r\n\r\n"))
    t:equal(expect_frame(both, 1).payload, "\r\n")
end)

test("keep-alives: CRLFCRLF, and pings of WebSocket with what they carry", function(t)
    local s = start(t)
    local c = s.connect()
    c:send "\r\n\r\n"
    t:equal(expect_frame(c, 1).payload, "\r\n")
    c:send("are you there", { opcode = 9 })
    t:equal(expect_frame(c, 10).payload, "are you there")
    c:send("nobody asked", { opcode = 10 })
    c:send ""
    c:send "\r\n"
    c:send "\r\n\r\n"
    expect_frame(c, 1)
    t:equal(s:number "pings", 3)
    t:equal(s:number "malformed_dropped", 0)
end)

test("5626-5.4.c a silent flow is pinged in WebSocket's way, and closed where no answer comes", function(t)
    local s = start(t, { args = { "--flow-timer", "1" } })
    local alive, dead = s.open "alive", s.open "dead"
    alive:register { instance = one, reg_id = 1 }
    dead:register { instance = ua.instance(2), reg_id = 1 }
    dead.channel.mute = true
    t:equal(expect_frame(dead.channel, 9, 30000).payload, "")
    assert(ua.wait.until_true(40000, function()
        return dead.closed_by_peer
    end), "still open")
    t:equal(s:number "keepalive_lost", 1)
    t:equal(alive.closed_by_peer, nil)
end)

test("a message in fragments, with a ping in between, is one message", function(t)
    local s = start(t)
    local alice = s.open "alice"
    local request = alice:request("OPTIONS", { uri = "sip:example.test", contact = false, send = false })
    local below = alice.channel.below
    below:write(channel.frame(request.text:sub(1, 10), { fin = false }))
    below:write(channel.frame("p", { opcode = 9 }))
    below:write(channel.frame("", { fin = false, opcode = 0 }))
    below:write(channel.frame(request.text:sub(11, 50), { fin = false, opcode = 0 }))
    below:write(channel.frame(request.text:sub(51), { opcode = 0 }))
    alice:expect_final(request, 200)
    t:equal(expect_frame(alice.channel, 10).payload, "p")
end)

test("what is against the protocol is closed with its code, counted, and harms nobody", function(t)
    local s = start(t)
    local neighbour = s.open "carol"
    neighbour:register { instance = one, reg_id = 1 }
    local cases = {
        { 1002, channel.frame("unmasked", { mask = false }) },
        { 1002, channel.frame("reserved bits", { rsv = 4 }) },
        { 1002, channel.frame("no such opcode", { opcode = 3 }) },
        { 1002, channel.frame("no such control", { opcode = 11 }) },
        { 1002, channel.frame("nothing to continue", { opcode = 0 }) },
        { 1002, channel.frame("a", { fin = false }) .. channel.frame("a new one within" ) },
        { 1005, channel.frame(("p"):rep(126), { opcode = 9 }) },
        { 1005, channel.frame("fragment of a ping", { opcode = 9, fin = false }) },
        { 1007, channel.frame("\xff\xfe", { opcode = 1 }) },
        { 1009, channel.frame("a lie", { length = 65537 }) },
        { 1009, channel.frame("a great lie", { length = 1 << 40 }) },
        { 1009, (channel.frame(("a"):rep(60000), { fin = false })) .. channel.frame(("a"):rep(6000), { opcode = 0 }) },
    }
    for index, case in ipairs(cases) do
        local c = s.connect()
        c.below:write(case[2])
        local ok, why = pcall(expect_close, c, case[1])
        assert(ok, ("number %d: %s"):format(index, why))
    end
    t:equal(s:number "websocket_broken", #cases)
    neighbour:ping()
end)

test("who closes in good order is answered; nothing is counted as broken", function(t)
    local s = start(t)
    local c = s.connect()
    c:send(string.pack(">I2", 1000) .. "bye", { opcode = 8 })
    expect_close(c, 1000)
    t:equal(s:number "websocket_broken", 0)
end)

test("when the server ends or the connection idles, WebSocket closes with: going away", function(t)
    local s = start(t, { args = { "--idle", "1" } })
    expect_close(s.connect(), 1001)
    local c = s.connect()
    s:signal "sigterm"
    expect_close(c, 1001)
end)

test("a message that is no SIP is answered or dropped and counted, and the connection lives", function(t)
    local s = start(t)
    local alice = s.open "alice"
    alice.channel:send "hello"
    alice.channel:send(("x"):rep(65000))
    until_number(s, "malformed_dropped", 2)
    local request = alice:request("OPTIONS", { uri = "sip:example.test", contact = false, send = false })
    -- Two requests in one message: the second is behind the end of the first, as in a datagram.
    alice.channel:send(request.text .. request.text)
    alice:expect_final(request, 200)
    t:equal(s:number "requests", 1)
end)

test("headers of 64 KiB get an answer", function(t)
    local s = start(t)
    local alice = s.open "alice"
    local request = alice:request("OPTIONS", { uri = "sip:example.test", contact = false,
        headers = { { "X", ("x"):rep(64000) } } })
    local answer = alice:expect_final(request)
    t:ok(answer.status == 413 or answer.status == 513 or answer.status == 400, "got " .. answer.status)
end)

test("half an opening request and half a message end after --message-time", function(t)
    local s = start(t, { args = { "--message-time", "1" } })
    local request, message = s.connect(false), s.connect()
    request.below:write "GET /sip HTTP/1.1\r\n"
    message.below:write(channel.frame("OPTIONS ", { fin = false }))
    expect_closed(request)
    expect_closed(message)
    t:equal(s:number "unfinished", 2)
end)

test("a flood of pings whose answers nobody reads ends the connection", function(t)
    local s = start(t)
    local neighbour = s.open "carol"
    neighbour:register { instance = one, reg_id = 1 }
    local c = s.connect()
    c.below.socket:read_stop()
    local flood = channel.frame(("p"):rep(125), { opcode = 9 }):rep(8000)
    ua.wait.until_true(ua.patience, function()
        if not c.below.socket:is_closing() and c.below.socket:get_write_queue_size() < #flood then
            c.below:write(flood)
        end
        ua.wait.pause(5)
        return s:number "slow" > 0
    end)
    t:equal(s:number "slow", 1)
    neighbour:ping()
end)

tap.done()
