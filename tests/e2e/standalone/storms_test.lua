-- SPDX-License-Identifier: BSD-2-Clause
-- Thousands of connections that are reset (SO_LINGER 0) at each stage, and thousands of ICMP errors: calls of others go
-- through meanwhile; no descriptor, connection, transaction or binding stays, and the log stays short.
local certificates = require "certificates"
local channel = require "channel"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"

local test = tap.test
local until_true = ua.wait.until_true

local function descriptors(pid)
    local count = 0
    for _ in uv.fs_scandir_next, assert(uv.fs_scandir(("/proc/%d/fd"):format(pid))) do
        count = count + 1
    end
    return count
end

-- A server with a listener of each kind, one call after the other through it, and what it must be like afterwards.
local function start(t)
    local files = certificates.new(t):sign "default"
    local ports, arguments = {}, { "--tls-cert", files.certificate, "--tls-key", files.key, "--t1", "100" }
    for _, kind in ipairs { "tls", "ws", "wss" } do
        ports[kind] = server.free_port()
        table.move({ "--listen", ("%s:127.0.0.1:%d"):format(kind, ports[kind]) }, 1, 2, #arguments + 1, arguments)
    end
    local s = server.start(t, { args = arguments, status = true })
    ports.udp, ports.tcp = s.port, s.port
    s.ports = ports
    local alice, bob = ua.open { port = s.port, user = "alice" },
        ua.open { port = s.port, transport = "tcp", user = "bob" }
    bob:register { instance = ua.instance(1), reg_id = 1 }
    function s.neighbours()
        local began = uv.hrtime()
        alice:call(bob)
        local ms = (uv.hrtime() - began) // 1000000
        assert(ms < ua.at_once, ("a neighbour's call took %d ms"):format(ms))
    end
    s.neighbours()
    local before, log = descriptors(s.pid), #s.err
    -- lost_flows: each of them may have a line in the log.
    function s.is_at_rest(lost_flows)
        assert(until_true(2 * ua.patience, function()
            return s:number "connections" == 1 and s:number "transactions" == 0 and s:number "client_transactions" == 0
                and s:number "response_contexts" == 0 or ua.wait.pause(50)
        end), s:status_text())
        t:equal(s:number "bindings", 1)
        -- One for the status socket's connection, which may still be open.
        assert(until_true(ua.patience, function()
            return descriptors(s.pid) <= before + 1
        end), ("%d descriptors, %d before"):format(descriptors(s.pid), before))
        local grown = #s.err - log
        local line = ("%d bytes of log: %s"):format(grown, s.err:sub(log + 1, log + 2000))
        t:ok(grown < 20000 + (lost_flows or 0) * 200, line)
        s.neighbours()
    end
    return s, bob
end

-- --- RST ---

-- Waits until count() is at least that number.
local function until_count(number, count)
    assert(until_true(ua.patience, function()
        return count() >= number
    end), ("%d of %d"):format(count(), number))
end

-- Opens so many connections, a hundred at the same time, sends these bytes (a text, or a function that returns one),
-- and resets each at once, or when the server has answered.
local function storm(s, kind, number, bytes, after_answer)
    local over = 0
    local function reset(socket)
        if not socket:is_closing() then
            socket:close_reset(function()
                over = over + 1
            end)
        end
    end
    for index = 1, number do
        local socket = uv.new_tcp()
        socket:connect("127.0.0.1", s.ports[kind], function(why)
            assert(not why, why)
            if after_answer then
                socket:read_start(function()
                    reset(socket)
                end)
            end
            if not bytes then
                reset(socket)
                return
            end
            socket:write(type(bytes) == "string" and bytes or bytes(), function()
                if not after_answer then
                    reset(socket)
                end
            end)
        end)
        if index % 100 == 0 then
            until_count(index, function()
                return over
            end)
        end
    end
end

-- The first bytes of a TLS handshake, as a listener of the test receives them.
local function client_hello()
    local listener, port, hello = uv.new_tcp(), server.free_port(), nil
    assert(listener:bind("127.0.0.1", port))
    assert(listener:listen(1, function()
        local socket = uv.new_tcp()
        listener:accept(socket)
        socket:read_start(function(_, chunk)
            hello = hello or chunk
            if not socket:is_closing() then
                socket:close()
            end
        end)
    end))
    local client = channel.open { transport = "tls", host = "127.0.0.1", port = port, wait = false,
        on_bytes = function() end, on_close = function() end }
    assert(until_true(ua.patience, function()
        return hello
    end))
    client:close()
    listener:close()
    return hello
end

local half = "OPTIONS sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKhalf\r\nTo: "

test("connections reset right after connect, in a message, in a TLS handshake and in a WebSocket upgrade", function(t)
    local s = start(t)
    local hello = client_hello()
    local upgrade = channel.upgrade("127.0.0.1:" .. s.ports.ws)
    local stages = { { "tcp" }, { "tls" }, { "ws" }, { "wss" }, { "tcp", half },
        { "tls", hello:sub(1, 40) }, { "tls", hello }, { "tls", hello, true }, { "wss", hello, true },
        { "ws", upgrade:sub(1, 60) }, { "ws", upgrade }, { "ws", upgrade, true },
        { "ws", upgrade .. channel.frame(("x"):rep(200)):sub(1, 50), true } }
    local accepted = s:number "accepted"
    for _, stage in ipairs(stages) do
        storm(s, stage[1], 500, stage[2], stage[3])
        s.neighbours()
    end
    -- The kernel may drop those that were reset before they were accepted.
    t:ok(s:number "accepted" - accepted > #stages * 500 // 2)
    s.is_at_rest()
end)

test("whole requests, and answers to them that find the connection reset", function(t)
    local s, bob = start(t)
    local number = 0
    local function request(method, user)
        return function()
            number = number + 1
            return ua.message.build(("%s sip:%sexample.test SIP/2.0"):format(method, user), {
                { "Via", ("SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK%d"):format(number) }, { "Max-Forwards", 70 },
                { "From", "<sip:x@example.test>;tag=x" }, { "To", ("<sip:%sexample.test>"):format(user) },
                { "Call-ID", "call" .. number }, { "CSeq", "1 " .. method },
                { "Contact", "<sip:x@127.0.0.1:9;transport=tcp>" } })
        end
    end
    storm(s, "tcp", 1000, request("OPTIONS", ""))
    storm(s, "tcp", 1000, request("OPTIONS", ""), true)
    s.neighbours()
    -- The phone answers when they have gone, each after its 100.
    storm(s, "tcp", 200, request("INVITE", "bob@"), true)
    for _ = 1, 200 do
        bob:reply(bob:expect "INVITE", 486)
    end
    s.neighbours()
    s.is_at_rest()
end)

test("5626-7.f registered flows that are reset in the middle of a message lose their bindings", function(t)
    local s = start(t)
    for _, transport in ipairs { "tcp", "tcp", "tcp" } do
        local phones = {}
        for number = 1, 150 do
            phones[number] = ua.open { port = s.ports[transport], transport = transport, user = "phone" .. number }
            phones[number]:register { instance = ua.instance(number), reg_id = 1 }
        end
        t:equal(s:number "bindings", 151)
        for _, phone in ipairs(phones) do
            phone:send_raw(half)
        end
        for _, phone in ipairs(phones) do
            phone.socket:close_reset()
        end
        s.neighbours()
        assert(until_true(ua.patience, function()
            return s:number "bindings" == 1
        end), s:status_text())
    end
    s.is_at_rest()
end)

-- --- ICMP ---

test("5626-7.j requests whose senders have closed their sockets: ICMP errors answer the responses", function(t)
    local s = start(t)
    for batch = 1, 20 do
        for number = 1, 100 do
            local socket = uv.new_udp()
            assert(socket:bind("127.0.0.1", 0))
            local port = socket:getsockname().port
            for _, method in ipairs { "OPTIONS", "SUBSCRIBE", "INVITE" } do
                socket:try_send(ua.message.build(("%s sip:nobody@example.test SIP/2.0"):format(method), {
                    { "Via", ("SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%d.%d%s"):format(port, batch, number, method) },
                    { "Max-Forwards", 70 }, { "From", "<sip:x@example.test>;tag=x" },
                    { "To", "<sip:nobody@example.test>" }, { "Call-ID", ("%d.%d"):format(batch, number) },
                    { "CSeq", "1 " .. method }, { "Contact", ("<sip:x@127.0.0.1:%d>"):format(port) } }),
                    "127.0.0.1", s.port)
            end
            socket:close()
        end
        ua.wait.pause(1)
        if batch % 5 == 0 then
            s.neighbours()
        end
    end
    until_count(1000, function()
        return s:number "icmp"
    end)
    s.is_at_rest()
end)

test("5626-7.f calls to hundreds of phones whose sockets are closed: ICMP errors answer the INVITEs", function(t)
    local s = start(t)
    local count <const> = 300
    -- An address of their own: another socket that is given one of their ports does not get their requests.
    local pid = uv.os_getpid()
    local address = ("127.%d.%d.1"):format(64 + (pid >> 8) % 128, pid % 256)
    for number = 1, count do
        local phone = ua.open { port = s.port, user = "phone" .. number, local_host = address }
        phone:register { instance = ua.instance(number), reg_id = 1 }
        phone:close()
    end
    t:equal(s:number "bindings", 1 + count)
    local caller, calls = ua.open { port = s.port, user = "caller" }, {}
    for number = 1, count do
        calls[number] = caller:invite(("sip:phone%d@example.test"):format(number))
        if number % 50 == 0 then
            s.neighbours()
        end
    end
    for _, call in ipairs(calls) do
        caller:expect_final(call, 480)
    end
    t:equal(s:number "bindings", 1)
    t:ok(s:number "icmp" >= count // 2, s:number "icmp")
    s.is_at_rest(count)
end)

tap.done()
