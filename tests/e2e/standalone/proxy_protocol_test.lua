-- SPDX-License-Identifier: BSD-2-Clause
-- The PROXY protocol: a load balancer at 127.0.0.2 and ::1 names the clients, and nobody else can.
local certificates = require "certificates"
local channel = require "channel"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)
local BALANCER <const>, STRANGER <const>, CLIENT <const> = "127.0.0.2", "127.0.0.3", "198.51.100.7"
local SIGNATURE <const> = "\r\n\r\n\0\r\nQUIT\n"

-- --- headers ---

local function packed(host)
    if not host:find ":" then
        return string.pack("BBBB", host:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
    end
    local before, after = host:match "^(.-)::(.*)$"
    before, after = before or host, after or ""
    local function words(text)
        return (text:gsub("(%x+):?", function(word)
            return string.pack(">I2", tonumber(word, 16))
        end))
    end
    local left, right = words(before), words(after)
    return left .. ("\0"):rep(16 - #left - #right) .. right
end

local header = {}

header[1] = function(host, port)
    local ipv6 = host:find ":" ~= nil
    return ("PROXY TCP%d %s %s %d %d\r\n"):format(ipv6 and 6 or 4, host, ipv6 and "2001:db8::5" or "203.0.113.5", port,
        5061)
end

header[2] = function(host, port, tlvs)
    local ipv6 = host:find ":" ~= nil
    local body = packed(host) .. packed(ipv6 and "2001:db8::5" or "203.0.113.5") .. string.pack(">I2I2", port, 5061)
        .. (tlvs or "")
    return SIGNATURE .. string.char(0x21, ipv6 and 0x21 or 0x11) .. string.pack(">s2", body)
end

local function bytes_of(text)
    local pieces = {}
    for byte in text:gmatch "." do
        pieces[#pieces + 1] = byte
    end
    return pieces
end

-- --- the server ---

-- It listens by every transport on `host`. options: args, source, host, script, domain, port.
local function start(t, options)
    options = options or {}
    local host = options.host or "127.0.0.1"
    local written = host:find ":" and "[" .. host .. "]" or host
    local files = certificates.new(t):sign "default"
    local ports = { tls = server.free_port(), ws = server.free_port(), wss = server.free_port() }
    local args = { "--tls-cert", files.certificate, "--tls-key", files.key, "--proxy-protocol", BALANCER .. "/32",
        "--proxy-protocol", "::1", "--verbose" }
    for transport, port in pairs(ports) do
        args[#args + 1] = "--listen"
        args[#args + 1] = ("%s:%s:%d"):format(transport, written, port)
    end
    for _, argument in ipairs(options.args or {}) do
        args[#args + 1] = argument
    end
    local s = server.start(t, { args = args, status = true, source = options.source, script = options.script,
        domain = options.domain, port = options.port, listen = { "udp:127.0.0.1:%d", "tcp:" .. written .. ":%d" } })
    ports.tcp = s.port
    s.ports, s.listen_host = ports, host
    -- A user agent whose connections come through the balancer; `prefix`: what the balancer sends first.
    function s.open(user, transport, prefix, more)
        local o = { port = ports[transport], host = host, user = user, domain = s.domain, transport = transport,
            local_host = host:find ":" and "::1" or BALANCER,
            prefix = type(prefix) == "string" and { prefix } or prefix }
        for name, value in pairs(more or {}) do
            o[name] = value
        end
        return ua.open(o)
    end
    -- Nothing but a connection. from: its address.
    function s.connect(transport, bytes, from)
        local raw = { closed = false, got = "" }
        raw.channel = channel.open { transport = "tcp", host = host, port = ports[transport],
            local_host = from or (host:find ":" and "::1" or BALANCER), prefix = bytes and { bytes },
            on_bytes = function(chunk)
                raw.got = raw.got .. chunk
            end,
            on_close = function()
                raw.closed = true
            end }
        return raw
    end
    return s
end

local function expect_closed(raw)
    assert(ua.wait.until_true(ua.patience, function()
        return raw.closed
    end), "still open")
end

local until_number = server.until_number

local function asks(flow, status)
    return flow:expect_final(flow:request("OPTIONS", { uri = "sip:example.test", contact = false }), status or 200)
end

-- What the server says about where a request came from.
local function expect_seen(t, flow, host, port)
    local via = asks(flow):get "Via"
    t:equal(via:match "received=([^;]+)", host)
    t:equal(via:match "rport=([^;]+)", port ~= 0 and tostring(port) or nil)
end

local function lines_of(s, reason)
    return select(2, s.err:gsub("[^\n]*reason=" .. reason:gsub("%-", "%%-") .. "[^\n]*\n", ""))
end

-- A call from alice to bob, and requests within its dialog in both directions.
local function call_both_ways(alice, bob)
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 200)
    local answer = alice:expect_final(call, 200)
    bob:expect "ACK"
    local info = bob:within_called("INFO", invite)
    alice:reply(alice:expect "INFO", 200)
    bob:expect_final(info, 200)
    local bye = alice:within("BYE", call, answer)
    bob:reply(bob:expect "BYE", 200)
    alice:expect_final(bye, 200)
    return invite
end

-- --- the client that is named ---

for _, transport in ipairs { "tcp", "tls", "ws", "wss" } do
    for version = 1, 2 do
        test(("the client is the source, and not the balancer: %s, version %d"):format(transport, version), function(t)
            local s = start(t, { source = [[
                sip_on_register(function(request, call) sip_log("from " .. call.source) end)]] })
            local bob = s.open("bob", transport, header[version](CLIENT, 40112))
            local alice = s.open("alice", transport, header[version]("203.0.113.9", 40113))
            expect_seen(t, bob, CLIENT, 40112)
            expect_seen(t, alice, "203.0.113.9", 40113)
            bob:register { instance = one, reg_id = 1 }
            alice:register { instance = two, reg_id = 1 }
            s:expect_log(("from %s:198%%.51%%.100%%.7:40112"):format(transport))
            s:expect_log(("aor=sip:bob@example%%.test [^\n]*source=%s:198%%.51%%.100%%.7:40112\n"):format(transport))
            local invite = call_both_ways(alice, bob)
            t:match(invite:values "Via"[2], "received=203%.0%.113%.9;?")
            -- The address in Via stays that of the listener.
            t:ok(invite:get "Via":find(" 127.0.0.1:" .. s.ports[transport] .. ";", 1, true), invite:get "Via")
            bob:close()
            s:expect_log "flow is down: flow=%[[^\n]*198%.51%.100%.7:40112"
            t:ok(not s.err:find(BALANCER, 1, true), "the balancer is in the log")
            t:equal(s:number "proxied", 2)
            t:equal(s:number "proxy_refused", 0)
        end)
    end
end

for version = 1, 2 do
    test("an address of the other family is used as it is: version " .. version, function(t)
        local s = start(t)
        local alice = s.open("alice", "tcp", header[version]("2001:db8::7", 40112))
        local bob = s.open("bob", "tls", header[version]("2001:db8:1:2:3:4:5:6", 1))
        expect_seen(t, alice, "2001:db8::7", 40112)
        expect_seen(t, bob, "2001:db8:1:2:3:4:5:6", 1)
        alice:register { instance = two, reg_id = 1 }
        bob:register { instance = one, reg_id = 1 }
        call_both_ways(alice, bob)
        local six = start(t, { host = "::1" })
        local carol = six.open("carol", "tcp", header[version](CLIENT, 40112))
        local dave = six.open("dave", "wss", header[version]("2001:db8::7", 65535))
        expect_seen(t, carol, CLIENT, 40112)
        expect_seen(t, dave, "2001:db8::7", 65535)
        carol:register { instance = two, reg_id = 1 }
        dave:register { instance = one, reg_id = 1 }
        call_both_ways(carol, dave)
        call_both_ways(dave, carol)
    end)
end

for _, host in ipairs { "127.0.0.1", "::1" } do
    test("an edge: tokens lead to the connection of the client, whatever its family, " .. host, function(t)
        local registrar = server.start(t, { args = { "--t1", "100" }, status = true })
        local file = assert(io.open "examples/edge.lua")
        local text = file:read("a"):gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. registrar.port)
        file:close()
        local edge = start(t, { source = text, domain = false, host = host })
        local alice = ua.open { port = registrar.port, user = "alice" }
        for index, client in ipairs { CLIENT, "2001:db8::7" } do
            local bob = edge.open("bob" .. index, "tls", header[2](client, 40112), { domain = "example.test" })
            bob:register { instance = one, reg_id = 1 }
            call_both_ways(alice, bob)
            bob:close()
            until_number(edge, "flows_down", index)
            alice:expect_final(alice:invite(bob.aor), 480)
        end
        t:equal(edge:number "tokens_forged", 0)
        t:equal(edge:number "tokens_gone", 2)
    end)
end

test("with --advertise, Via and Record-Route have the address of the balancer", function(t)
    local port = server.free_port()
    local s = start(t, { port = port, args = { "--advertise", ("tcp:127.0.0.1:%d=203.0.113.5:5062"):format(port) } })
    local alice = s.open("alice", "tcp", header[1]("203.0.113.9", 40113))
    local bob = s.open("bob", "tcp", header[1](CLIENT, 40112))
    alice:register { instance = two, reg_id = 1 }
    bob:register { instance = one, reg_id = 1 }
    local invite = call_both_ways(alice, bob)
    t:match(invite:get "Via", "^SIP/2%.0/TCP 203%.0%.113%.5:5062;")
    t:match(invite:values "Record-Route"[1], "@203%.0%.113%.5:5062;")
end)

test("a port of 0 and TLVs are taken, an IPv4 address in IPv6 is an IPv4 address", function(t)
    local s = start(t)
    expect_seen(t, s.open("bob", "tcp", header[1](CLIENT, 0)), CLIENT, 0)
    local tlvs = "\2" .. string.pack(">s2", "sip.example.test") .. "\4" .. string.pack(">s2", ("\r\n\r\n"):rep(500))
    expect_seen(t, s.open("bob", "tcp", header[2](CLIENT, 7, tlvs)), CLIENT, 7)
    expect_seen(t, s.open("bob", "tcp", "PROXY TCP6 ::ffff:198.51.100.7 ::1 9 5060\r\n"), CLIENT, 9)
end)

-- --- how it arrives ---

for _, transport in ipairs { "tcp", "tls", "ws", "wss" } do
    test("a header in pieces, also byte by byte: " .. transport, function(t)
        local s = start(t, { args = { "--connect-time", "60" } })
        for version = 1, 2 do
            local text = header[version](CLIENT, 40112)
            expect_seen(t, s.open("bob", transport, bytes_of(text)), CLIENT, 40112)
            local half = #text // 2
            expect_seen(t, s.open("bob", transport, { text:sub(1, half), text:sub(half + 1) }), CLIENT, 40112)
            expect_seen(t, s.open("bob", transport, { text:sub(1, 5), text:sub(6) }), CLIENT, 40112)
        end
        t:equal(s:number "proxied", 6)
    end)
end

test("a header and the first messages in one segment, cut anywhere", function(t)
    local s = start(t, { args = { "--connect-time", "60" } })
    local builder = s.open("bob", "tcp", nil, { local_host = STRANGER })
    for version = 1, 2 do
        local name = header[version](CLIENT, 40112)
        for _, place in ipairs { -1, 0, 1, 100, 10000 } do
            local first = builder:request("OPTIONS", { uri = "sip:example.test", send = false, contact = false })
            local second = builder:request("OPTIONS", { uri = "sip:example.test", send = false, contact = false })
            local text, cut = name .. first.text .. second.text, #name + place
            local bob = s.open("bob", "tcp", { text:sub(1, cut), text:sub(cut + 1) })
            t:match(bob:expect_final(first, 200):get "Via", "received=198%.51%.100%.7")
            bob:expect_final(second, 200)
            bob:close()
        end
    end
end)

-- --- the address of the connection itself ---

for name, text in pairs {
    ["LOCAL"] = SIGNATURE .. "\x20\0\0\0",
    ["LOCAL with addresses"] = SIGNATURE .. "\x20" .. header[2](CLIENT, 7):sub(14),
    ["UNKNOWN"] = "PROXY UNKNOWN\r\n",
    ["UNKNOWN with addresses"] = "PROXY UNKNOWN 198.51.100.7 203.0.113.5 7 5060\r\n",
    ["AF_UNSPEC"] = SIGNATURE .. "\x21\0\0\0",
} do
    test("the balancer speaks for itself: " .. name, function(t)
        local s = start(t)
        for _, transport in ipairs { "tcp", "tls", "ws", "wss" } do
            local bob = s.open("bob", transport, text)
            expect_seen(t, bob, BALANCER, bob.local_port)
        end
        t:equal(s:number "proxied", 0)
        -- A check of health that carries nothing leaves no line.
        s.connect("tcp", text).channel:close()
        until_number(s, "flows_down", 1)
        t:equal(s:number "proxy_refused", 0)
        t:ok(not s.err:find("refused source", 1, true), s.err)
    end)
end

test("a check of health that connects and closes leaves no line", function(t)
    local s = start(t)
    for _ = 1, 5 do
        s.connect("tcp").channel:close()
    end
    until_number(s, "flows_down", 5)
    t:equal(s:number "proxy_refused", 0)
    t:ok(not s.err:find("refused source", 1, true), s.err)
end)

-- --- no header, or a bad one ---

local v2 = header[2](CLIENT, 7)
local bad = {
    ["a SIP message"] = "OPTIONS sip:a SIP/2.0\r\n\r\n",
    ["a keep-alive"] = "\r\n\r\n\r\n\r\n",
    ["a ClientHello"] = "\22\3\1\2\0\1\0\1\252\3\3" .. ("r"):rep(32),
    ["an HTTP request"] = "GET /sip HTTP/1.1\r\n\r\n",
    ["a line that is too long"] = "PROXY TCP4 " .. ("1"):rep(200),
    ["a line without CR"] = "PROXY TCP4 198.51.100.7 203.0.113.5 7 5060\n",
    ["a port of 65536"] = "PROXY TCP4 198.51.100.7 203.0.113.5 65536 5060\r\n",
    ["leading zeros in a port"] = "PROXY TCP4 198.51.100.7 203.0.113.5 07 5060\r\n",
    ["leading zeros in an address"] = "PROXY TCP4 198.051.100.7 203.0.113.5 7 5060\r\n",
    ["two spaces"] = "PROXY TCP4  198.51.100.7 203.0.113.5 7 5060\r\n",
    ["a space at the end"] = "PROXY TCP4 198.51.100.7 203.0.113.5 7 5060 \r\n",
    ["a name in place of an address"] = "PROXY TCP4 phone.example 203.0.113.5 7 5060\r\n",
    ["IPv6 as TCP4"] = "PROXY TCP4 2001:db8::7 2001:db8::5 7 5060\r\n",
    ["UDP in version 1"] = "PROXY UDP4 198.51.100.7 203.0.113.5 7 5060\r\n",
    ["nobody's address"] = "PROXY TCP4 0.0.0.0 203.0.113.5 7 5060\r\n",
    ["version 3"] = SIGNATURE .. "\x31" .. v2:sub(14),
    ["an unknown command"] = SIGNATURE .. "\x22" .. v2:sub(14),
    ["UDP in version 2"] = SIGNATURE .. "\x21\x12" .. v2:sub(15),
    ["a Unix socket"] = SIGNATURE .. "\x21\x31" .. string.pack(">s2", ("/"):rep(216)),
    ["addresses that are cut off"] = SIGNATURE .. "\x21\x11" .. string.pack(">s2", "\198\51\100\7"),
    ["more than 4096 bytes"] = SIGNATURE .. "\x21\x11\xff\xff",
    ["a signature with a fault"] = "\r\n\r\n\0\r\nQUIT\r",
}

for _, transport in ipairs { "tcp", "tls", "ws", "wss" } do
    test("no header, or a bad one, is refused at once, counted and logged: " .. transport, function(t)
        local s = start(t)
        local count = 0
        for name, bytes in pairs(bad) do
            local raw = s.connect(transport, bytes)
            assert(ua.wait.until_true(ua.at_once, function()
                return raw.closed
            end), name)
            t:equal(raw.got, "", name)
            count = count + 1
            until_number(s, "proxy_refused", count)
            t:equal(s:number "proxy_refused", count, name)
        end
        t:equal(s:number "refused_proxy_header", count)
        s:expect_log("refused source=127%.0%.0%.2:%d+ transport=" .. transport ..
            " method=%- aor=%- status=0 reason=proxy%-header detail=\"[^\n]+\"\n")
        t:ok(not s.err:find("reason=malformed", 1, true), s.err)
        t:equal(s:number "tls_failed", 0)
        t:equal(s:number "websocket_refused", 0)
        t:equal(s:number "requests", 0)
        expect_seen(t, s.open("bob", transport, header[1](CLIENT, 7)), CLIENT, 7)
    end)
end

test("refusals of one balancer within a minute share a line", function(t)
    local s = start(t)
    for count = 1, 5 do
        expect_closed(s.connect("tcp", "OPTIONS sip:a SIP/2.0\r\n\r\n"))
        until_number(s, "proxy_refused", count)
    end
    t:at_most(lines_of(s, "proxy-header"), 2)
end)

for _, transport in ipairs { "tcp", "tls", "ws", "wss" } do
    test("a balancer that sends nothing, or half a header, is closed in time and logged: " .. transport, function(t)
        local s = start(t, { args = { "--connect-time", "1" } })
        local raws = { s.connect(transport), s.connect(transport, "PROXY TCP4 198.51"),
            s.connect(transport, v2:sub(1, 20)) }
        for _, raw in ipairs(raws) do
            expect_closed(raw)
        end
        until_number(s, "proxy_refused", 3)
        s:expect_log "reason=proxy%-header detail=\"it was not complete within %-%-connect%-time\""
        t:equal(s:number "unfinished", 0)
    end)
end

test("bytes that come one by one do not prolong the time", function(t)
    local s = start(t, { args = { "--connect-time", "1" } })
    local raw = s.connect("tcp", "P")
    for byte in ("ROXY UNKNOWN " .. ("x"):rep(80)):gmatch "." do
        if raw.closed then
            break
        end
        raw.channel:send(byte)
        ua.wait.pause(50)
    end
    expect_closed(raw)
    until_number(s, "proxy_refused", 1)
end)

test("a header that the balancer does not finish is logged when it closes", function(t)
    local s = start(t)
    for _, bytes in ipairs { "P", "PROXY TCP4 198.51.100.7 203.0.113.5 7 5060\r", v2:sub(1, -2) } do
        local raw = s.connect("tcp", bytes)
        until_number(s, "connections", 1)
        ua.wait.pause(20)
        raw.channel:close()
    end
    until_number(s, "proxy_refused", 3)
    s:expect_log "reason=proxy%-header detail=\"the connection ended before it was complete\""
end)

test("a second header is no header: the first one names the source of what is refused", function(t)
    local s = start(t)
    local text = header[1](CLIENT, 40112) .. header[1]("203.0.113.9", 40113) ..
        "Via: SIP/2.0/TCP h;branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n"
    local raw = s.connect("tcp", text)
    s:expect_log "refused source=198%.51%.100%.7:40112 transport=tcp [^\n]*reason=malformed"
    raw.channel:close()
    expect_closed(s.connect("tls", header[2](CLIENT, 40112) .. header[2]("203.0.113.9", 40113)))
    until_number(s, "tls_failed", 1)
    t:ok(not s.err:find("203.0.113.9", 1, true), s.err)
end)

-- --- strangers ---

test("a header from a stranger is garbage, and names nobody", function(t)
    local s = start(t)
    for version = 1, 2 do
        for _, transport in ipairs { "tls", "ws", "wss" } do
            expect_closed(s.connect(transport, header[version](CLIENT, 40112), STRANGER))
        end
        local mallory = s.open("mallory", "tcp", header[version](CLIENT, 40112), { local_host = STRANGER })
        mallory:request("OPTIONS", { uri = "sip:example.test", contact = false })
        s:expect_log "refused source=127%.0%.0%.3:%d+ transport=tcp [^\n]*reason=malformed"
        t:ok(not mallory:receive(200, 100))
    end
    until_number(s, "tls_failed", 4)
    until_number(s, "websocket_refused", 2)
    t:equal(s:number "proxied", 0)
    t:equal(s:number "proxy_refused", 0)
    t:ok(not s.err:find("source=" .. CLIENT, 1, true), s.err)
    t:ok(not s.err:find("with " .. CLIENT, 1, true), s.err)
    -- Without a header, others are served as ever.
    local bob = s.open("bob", "tcp", nil, { local_host = STRANGER })
    expect_seen(t, bob, STRANGER, bob.local_port)
end)

-- --- limits ---

test("connections and bans are counted for the client, not for the balancer", function(t)
    local s = start(t, { args = { "--limit-connections", "2", "--limit-requests", "5", "--ban", "3600" } })
    local flows = {}
    for index = 1, 8 do
        flows[index] = s.open("bob", "tcp", header[1]("198.51.100." .. index, 40112))
        asks(flows[index])
    end
    local second = s.open("bob", "tls", header[2]("198.51.100.1", 40113))
    asks(second)
    s.open("bob", "tcp", header[1]("198.51.100.1", 40114)):expect_closed()
    s:expect_log "refused source=198%.51%.100%.1:40114 transport=tcp [^\n]*reason=source%-connections\n"
    t:equal(s:number "limited_connections", 1)
    -- One client floods: all its connections are closed, and nobody else's.
    local texts = {}
    for index = 1, 100 do
        texts[index] = flows[1]:request("OPTIONS", { uri = "sip:example.test", send = false }).text
    end
    flows[1]:send_raw(table.concat(texts))
    flows[1]:expect_closed()
    second:expect_closed()
    s:expect_log "refused source=198%.51%.100%.1:40112 transport=tcp [^\n]*reason=request%-limit\n"
    t:equal(s:number "bans", 1)
    s.open("bob", "tcp", header[2]("198.51.100.1", 40115)):expect_closed()
    s:expect_log "refused source=198%.51%.100%.1:40115 transport=tcp [^\n]*reason=banned\n"
    for index = 2, 8 do
        asks(flows[index])
    end
end)

test("the balancer's connections count for nobody before their header has come", function(t)
    local s = start(t, { args = { "--limit-connections", "2", "--limit-requests", "1", "--connect-time", "60" } })
    local raws = {}
    for index = 1, 20 do
        raws[index] = s.connect("tcp", "PROXY ")
    end
    until_number(s, "connections", 20)
    t:equal(s:number "limited_sources", 0)
    for index, raw in ipairs(raws) do
        raw.channel:send(("TCP4 198.51.100.%d 203.0.113.5 7 5060\r\n"):format(index))
    end
    until_number(s, "proxied", 20)
    t:equal(s:number "limited_sources", 20)
    t:equal(s:number "connections", 20)
end)

test("--trust is about the client: trust in the balancer exempts nobody behind it", function(t)
    local s = start(t, { args = { "--limit-connections", "1", "--trust", BALANCER, "--trust", "203.0.113.0/24" } })
    for index = 1, 5 do
        asks(s.open("bob", "tcp", header[1]("203.0.113.9", index)))
    end
    asks(s.open("bob", "tcp", header[1](CLIENT, 1)))
    s.open("bob", "tcp", header[1](CLIENT, 2)):expect_closed()
    t:equal(s:number "limited_connections", 1)
end)

-- --- what the server opens ---

test("a client whose connection is gone is called by its Contact, without a header", function(t)
    local s = start(t)
    local port = server.free_port()
    local phone = peer.open(t, port, function(request)
        return request.method ~= "ACK" and peer.answer(request, 486) or nil
    end)
    local balancer = uv.new_tcp()
    local calls = 0
    assert(balancer:bind(BALANCER, port))
    assert(balancer:listen(16, function()
        calls = calls + 1
    end))
    t:defer(function()
        balancer:close()
    end)
    local bob = s.open("bob", "tcp", header[1]("127.0.0.1", 40112))
    bob:register { contact = ("<sip:bob@127.0.0.1:%d;transport=tcp>"):format(port), supported = false }
    bob:close()
    until_number(s, "flows_down", 1)
    local alice = ua.open { port = s.port, user = "alice" }
    alice:expect_final(alice:invite "sip:bob@example.test", 486)
    t:equal(phone:expect(1).method, "INVITE")
    t:equal(#phone.odd, 0)
    t:equal(calls, 0)
end)

test("a request to the client's address goes over its connection", function(t)
    local s = start(t, { source = [[
        sip_on_request("MESSAGE", function() return sip_relay("sip:x@198.51.100.7:40112;transport=tcp") end)]] })
    local bob = s.open("bob", "tcp", header[2](CLIENT, 40112))
    asks(bob)
    local alice = ua.open { port = s.port, user = "alice" }
    local request = alice:request("MESSAGE", { uri = "sip:x@example.test" })
    bob:reply(bob:expect "MESSAGE", 200)
    alice:expect_final(request, 200)
    t:equal(s:number "opened", 0)
end)

test("without a listener for connections the option is warned of", function(t)
    local s = server.start(t, { listen = { "udp:127.0.0.1:%d" }, args = { "--proxy-protocol", BALANCER } })
    s:expect_log "warning: %-%-proxy%-protocol has no effect: there is no tcp:, tls:, ws: or wss: listener"
end)

test("an option that cannot be read is refused at start", function(t)
    local run = server.run { "serve", "examples/registrar.lua", "--proxy-protocol", "balancer.example.com" }
    t:equal(run.status, 2)
    t:match(run.err, "%-%-proxy%-protocol balancer%.example%.com: not ADDRESS or ADDRESS/BITS")
end)

tap.done()
