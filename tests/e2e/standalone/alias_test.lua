-- SPDX-License-Identifier: BSD-2-Clause
-- Connection reuse (RFC 5923): a trusted peer's connection carries requests to the address in the peer's Via.
local certificates = require "certificates"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one = ua.instance(1)

-- MESSAGE and INVITE go to the URI in X-To.
local relay <const> = [[
local function relay(request)
  local to = request:header "X-To"
  return to and sip_relay(to) or nil
end
sip_on_request("MESSAGE", relay)
sip_on_request("INVITE", relay)]]

-- options: args, trust (a list), listen.
local function start(t, options)
    options = options or {}
    local args = {}
    for _, address in ipairs(options.trust or {}) do
        args[#args + 1] = "--trust"
        args[#args + 1] = address
    end
    for _, argument in ipairs(options.args or {}) do
        args[#args + 1] = argument
    end
    local s = server.start(t, { source = relay, args = args, status = true, listen = options.listen })
    s.alice = ua.open { port = s.port, user = "alice" }
    function s.open(host, transport, more)
        local o = { port = s.port, user = "trunk", transport = transport or "tcp", local_host = host,
            host = host and host:find ":" and host or nil }
        for name, value in pairs(more or {}) do
            o[name] = value
        end
        return ua.open(o)
    end
    return s
end

-- The other place where the trunk can be called: a server at 127.0.0.1, which answers 486.
local function open_place(t)
    local port = server.free_port()
    local place = peer.open(t, port, function(request)
        return request.method ~= "ACK" and peer.answer(request, 486) or nil
    end)
    return place, port, ("sip:x@127.0.0.1:%d;transport=tcp"):format(port)
end

local serial = 0

-- A request whose Via has this sent-by; marks: its further parameters. transport: of Via, where it lies.
local function announce(flow, sent_by, marks, transport)
    serial = serial + 1
    local via = ("SIP/2.0/%s %s;branch=z9hG4bKalias%d;rport%s"):format(transport or flow.transport:upper(), sent_by,
        serial, marks or ";alias")
    local request = flow:request("OPTIONS", { uri = "sip:example.test", via = { via }, contact = false })
    flow:expect_final(request, 200)
end

local function send(s, uri)
    return s.alice:request("MESSAGE", { uri = "sip:x@example.test", headers = { { "X-To", uri } }, contact = false })
end

-- The request arrives over the trunk's own connection, and the response comes back over it.
local function expect_reused(s, trunk, uri)
    local request = send(s, uri)
    local received = trunk:expect "MESSAGE"
    trunk:reply(received, 200)
    s.alice:expect_final(request, 200)
    return received
end

-- It does not: a connection was opened to the place that answers 486.
local function expect_opened(t, s, place, uri, trunk)
    local before = #place.requests
    s.alice:expect_final(send(s, uri), 486)
    t:equal(#place.requests, before + 1)
    t:ok(not trunk or not trunk:receive("MESSAGE", 0), "the trunk's connection was used")
    return place.requests[before + 1]
end

test("RFC 5923: requests to a trusted peer go over the connection that it has opened", function(t)
    local s = start(t, { trust = { "127.0.0.1" } })
    local place, port, uri = open_place(t)
    local trunk = s.open "127.0.0.1"
    announce(trunk, "127.0.0.1:" .. port)
    for _ = 1, 3 do
        expect_reused(s, trunk, uri)
    end
    -- A whole call, and a request within its dialog from the other side.
    local call = s.alice:invite("sip:x@example.test", { headers = { { "X-To", uri } } })
    local invite = trunk:expect "INVITE"
    trunk:reply(invite, 180)
    s.alice:expect(180)
    trunk:reply(invite, 200)
    local answer = s.alice:expect_final(call, 200)
    trunk:expect "ACK"
    local bye = trunk:within_called("BYE", invite)
    s.alice:reply(s.alice:expect "BYE", 200)
    trunk:expect_final(bye, 200)
    t:ok(answer)
    t:equal(s:number "opened", 0)
    t:equal(#place.connections, 0)
    -- The alias ends with its connection.
    trunk:close()
    local received = expect_opened(t, s, place, uri)
    t:match(received:get "Via", "^SIP/2%.0/TCP [^,]*;alias")
    t:equal(s:number "opened", 1)
end)

test("without --trust, without the parameter and over other transports nothing is reused", function(t)
    local place, port, uri = open_place(t)
    local stranger = start(t)
    local trunk = stranger.open "127.0.0.1"
    announce(trunk, "127.0.0.1:" .. port)
    expect_opened(t, stranger, place, uri, trunk)
    local ws = server.free_port()
    local s = start(t, { trust = { "127.0.0.1" }, args = { "--listen", "ws:127.0.0.1:" .. ws } })
    local silent = s.open "127.0.0.1"
    announce(silent, "127.0.0.1:" .. port, ";alia;x=alias")
    local liar = s.open "127.0.0.1"
    announce(liar, "127.0.0.1:" .. port, ";alias", "TLS")
    announce(liar, "127.0.0.1:" .. port, ";alias", "UDP")
    local page = s.open("127.0.0.1", "ws", { port = ws })
    announce(page, "127.0.0.1:" .. port)
    announce(page, "127.0.0.1:" .. port, ";alias", "TCP")
    local datagram = s.open("127.0.0.1", "udp")
    announce(datagram, "127.0.0.1:" .. port)
    announce(datagram, "127.0.0.1:" .. port, ";alias", "TCP")
    expect_opened(t, s, place, uri, silent)
    for _, flow in ipairs { liar, page, datagram } do
        t:ok(not flow:receive("MESSAGE", 0))
    end
end)

test("of two connections of one peer the newest has the alias, and the older one when that is gone", function(t)
    local s = start(t, { trust = { "127.0.0.1" } })
    local _, port, uri = open_place(t)
    local first, second = s.open "127.0.0.1", s.open "127.0.0.1"
    announce(first, "127.0.0.1:" .. port)
    expect_reused(s, first, uri)
    announce(second, "127.0.0.1:" .. port)
    expect_reused(s, second, uri)
    announce(first, "127.0.0.1:" .. port)
    expect_reused(s, second, uri)
    second:close()
    assert(ua.wait.until_true(ua.patience, function()
        return s:number "flows_down" >= 1
    end))
    expect_reused(s, first, uri)
    t:equal(s:number "opened", 0)
end)

test("3261-18.2.2.a a response whose connection is gone goes over another one with the same alias", function(t)
    local s = start(t, { trust = { "127.0.0.1" } })
    local _, port = open_place(t)
    local bob = ua.open { port = s.port, user = "bob" }
    bob:register { instance = one, reg_id = 1 }
    local first, second = s.open "127.0.0.1", s.open "127.0.0.1"
    announce(second, "127.0.0.1:" .. port)
    local call = first:invite(bob.aor, { via = { ("SIP/2.0/TCP 127.0.0.1:%d;branch=z9hG4bKgone;alias"):format(port) } })
    local invite = bob:expect "INVITE"
    first:close()
    assert(ua.wait.until_true(ua.patience, function()
        return s:number "flows_down" >= 1
    end))
    bob:reply(invite, 486)
    t:equal(second:expect(486):get "Call-ID", call:get "Call-ID")
    t:equal(s:number "opened", 0)
end)

test("a connection has one alias, the one that it named last", function(t)
    local s = start(t, { trust = { "127.0.0.1" } })
    local place, port, uri = open_place(t)
    local _, other_port, other = open_place(t)
    local trunk = s.open "127.0.0.1"
    announce(trunk, "127.0.0.1:" .. port)
    announce(trunk, "127.0.0.1:" .. other_port)
    expect_reused(s, trunk, other)
    expect_opened(t, s, place, uri, trunk)
end)

test("a name in Via stands for the source address; without a port it is 5060", function(t)
    local s = start(t, { trust = { "127.0.0.2" } })
    local trunk = s.open "127.0.0.2"
    announce(trunk, "trunk.example.net:5099")
    expect_reused(s, trunk, "sip:x@127.0.0.2:5099;transport=tcp")
    announce(trunk, "127.0.0.2")
    expect_reused(s, trunk, "sip:x@127.0.0.2;transport=tcp")
    t:equal(s:number "opened", 0)
end)

test("a peer cannot have the address of another one, unless that is trusted too", function(t)
    local s = start(t, { trust = { "127.0.0.2", "127.0.0.3" } })
    local place, port, uri = open_place(t)
    local trunk = s.open "127.0.0.2"
    announce(trunk, "127.0.0.1:" .. port)
    expect_opened(t, s, place, uri, trunk)
    -- Behind a NAT: Via has an address of its network. Who has the address itself is preferred.
    announce(trunk, "127.0.0.3:" .. port)
    local inner = ("sip:x@127.0.0.3:%d;transport=tcp"):format(port)
    expect_reused(s, trunk, inner)
    local owner = s.open "127.0.0.3"
    announce(owner, "127.0.0.3:" .. port)
    expect_reused(s, owner, inner)
    announce(trunk, "127.0.0.3:" .. port)
    expect_reused(s, owner, inner)
    owner:close()
    assert(ua.wait.until_true(ua.patience, function()
        return s:number "flows_down" >= 1
    end))
    expect_reused(s, trunk, inner)
end)

test("nobody can have the server's own address", function(t)
    local s = start(t, { trust = { "127.0.0.1" } })
    local trunk = s.open "127.0.0.1"
    announce(trunk, "127.0.0.1:" .. s.port)
    local request = send(s, ("sip:x@127.0.0.1:%d;transport=tcp"):format(s.port))
    s.alice:expect_final(request)
    t:ok(not trunk:receive("MESSAGE", 0))
end)

test("5954-4.a over IPv6, addresses are compared by their value", function(t)
    local s = start(t, { trust = { "::1" }, listen = { "udp:127.0.0.1:%d", "tcp:127.0.0.1:%d", "tcp:[::1]:%d" } })
    local trunk = s.open "::1"
    announce(trunk, "[0:0:0:0:0:0:0:1]:5099")
    expect_reused(s, trunk, "sip:x@[::1]:5099;transport=tcp")
    expect_reused(s, trunk, "sip:x@[::0:1]:5099;transport=tcp")
    t:equal(s:number "opened", 0)
end)

test("many peers and ports: each request finds its own connection", function(t)
    local s = start(t, { trust = { "127.0.0.0/8" } })
    local trunks = {}
    for index = 2, 41 do
        local host = "127.0.0." .. index
        trunks[index] = s.open(host)
        announce(trunks[index], ("%s:%d"):format(host, 5000 + index % 3))
    end
    for index = 2, 41 do
        expect_reused(s, trunks[index], ("sip:x@127.0.0.%d:%d;transport=tcp"):format(index, 5000 + index % 3))
    end
    t:equal(s:number "opened", 0)
end)

test("the server asks for reuse over connections that it may open, and not over the flow of a phone", function(t)
    local s = start(t)
    local place, _, uri = open_place(t)
    t:match(expect_opened(t, s, place, uri):get "Via", "^SIP/2%.0/TCP [^,]*;alias$")
    local over_udp = expect_opened(t, s, place, (uri:gsub(";transport=tcp", "")))
    t:ok(not over_udp:get "Via":find "alias", over_udp:get "Via")
    local bob = ua.open { port = s.port, user = "bob", transport = "tcp" }
    bob:register { instance = one, reg_id = 1 }
    local call = s.alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    t:ok(not invite:get "Via":find "alias", invite:get "Via")
    bob:reply(invite, 486)
    s.alice:expect_final(call, 486)
end)

test("a registrar calls over the connection that its edge has opened", function(t)
    local registrar = start(t, { trust = { "127.0.0.1" } })
    local edge = server.start(t, { status = true, domain = false, source = ([[
        sip_on_request(function() return sip_forward("sip:127.0.0.1:%d;transport=tcp") end)]]):format(registrar.port) })
    local bob = ua.open { port = edge.port, user = "bob" }
    bob:register { instance = one, reg_id = 1 }
    registrar.alice:call(bob)
    t:equal(registrar:number "opened", 0)
    t:equal(edge:number "opened", 1)
end)

test("behind a load balancer, the client that is named is the peer", function(t)
    local s = start(t, { trust = { "198.51.100.7" }, args = { "--proxy-protocol", "127.0.0.2" } })
    local trunk = s.open("127.0.0.2", "tcp", { prefix = { "PROXY TCP4 198.51.100.7 203.0.113.5 40112 5060\r\n" } })
    local stranger = s.open("127.0.0.2", "tcp", { prefix = { "PROXY TCP4 198.51.100.8 203.0.113.5 40112 5060\r\n" } })
    announce(trunk, "198.51.100.7:5060")
    announce(stranger, "198.51.100.7:5060")
    expect_reused(s, trunk, "sip:x@198.51.100.7;transport=tcp")
    t:equal(s:number "opened", 0)
end)

-- --- TLS ---

-- A server whose clients may have certificates of the authority. trust: a list.
local function start_tls(t, trust)
    local authority = certificates.new(t)
    local own = authority:sign("own", { names = "DNS:example.test" })
    local port = server.free_port()
    local s = start(t, { trust = trust, args = { "--listen", "tls:127.0.0.1:" .. port, "--tls-cert", own.certificate,
        "--tls-key", own.key, "--tls-client-ca", authority.certificate, "--tls-ca", authority.certificate } })
    s.authority = authority
    function s.open_tls(host, files)
        return s.open(host, "tls", { port = port, tls = files })
    end
    return s
end

-- Nobody listens there: the request fails, and the trunk does not get it.
local function expect_failed(t, s, trunk, uri)
    local opened = s:number "opened"
    s.alice:expect_final(send(s, uri), 500)
    t:ok(not trunk:receive("MESSAGE", 0), "the trunk's connection was used")
    t:equal(s:number "opened", opened + 1)
end

test("5922-7.a over TLS the connection of a peer is used for the domains of its certificate alone", function(t)
    local s = start_tls(t)
    local trunk = s.open_tls("127.0.0.1", s.authority:sign("trunk", { names = "DNS:localhost,DNS:trunk.example" }))
    local port = server.free_port()
    announce(trunk, "trunk.example:" .. port)
    local received = expect_reused(s, trunk, ("sip:x@localhost:%d;transport=tls"):format(port))
    t:match(received:get "Via", "^SIP/2%.0/TLS [^,]*;alias$")
    expect_reused(s, trunk, ("sips:x@LOCALHOST:%d"):format(port))
    t:equal(s:number "opened", 0)
    -- Its certificate does not contain the address, and TCP is another transport.
    expect_failed(t, s, trunk, ("sip:x@127.0.0.1:%d;transport=tls"):format(port))
    expect_failed(t, s, trunk, ("sip:x@127.0.0.1:%d;transport=tcp"):format(port))
    -- The alias ends with its connection.
    trunk:close()
    assert(ua.wait.until_true(ua.patience, function()
        return s:number "flows_down" >= 3
    end))
    s.alice:expect_final(send(s, ("sip:x@localhost:%d;transport=tls"):format(port)), 500)
end)

test("5922-7.a the host in Via counts where the certificate contains it, whatever the source address", function(t)
    local s = start_tls(t)
    local port = server.free_port()
    local uri = ("sip:x@localhost:%d;transport=tls"):format(port)
    local liar = s.open_tls("127.0.0.2", s.authority:sign("liar", { names = "DNS:liar.example" }))
    announce(liar, "localhost:" .. port)
    announce(liar, "127.0.0.1:" .. port)
    expect_failed(t, s, liar, uri)
    local trunk = s.open_tls("127.0.0.3", s.authority:sign("trunk", { names = "DNS:localhost" }))
    announce(trunk, "LocalHost:" .. port)
    expect_reused(s, trunk, uri)
    t:ok(not liar:receive("MESSAGE", 0))
end)

test("5922-7.a over TLS nothing is reused without a certificate, also of a peer of --trust", function(t)
    local s = start_tls(t, { "127.0.0.1" })
    local port = server.free_port()
    local trunk = s.open_tls "127.0.0.1"
    announce(trunk, "localhost:" .. port)
    expect_failed(t, s, trunk, ("sip:x@localhost:%d;transport=tls"):format(port))
end)

tap.done()
