-- SPDX-License-Identifier: BSD-2-Clause
-- Several listeners of one transport, and listeners that peers know by another address. 127.0.0.1 and 127.0.0.2 stand
-- for the addresses of a machine; phones and trunks are at others.
local certificates = require "certificates"
local message = require "message"
local server = require "server"
local tap = require "tap"
local temporary = require "temporary"
local ua = require "ua"
local uv = require "luv"
local wait = require "wait"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

local bracketed = ua.bracketed

local function has(t, text, part)
    t:ok(text:find(part, 1, true), part .. " in " .. text)
end

local function lacks(t, text, part)
    t:ok(not text:find(part, 1, true), part .. " is not in " .. text)
end

-- --- several listeners of one transport ---

local both = { "udp:127.0.0.1:%d", "udp:127.0.0.2:%d", "tcp:127.0.0.1:%d", "tcp:127.0.0.2:%d", "udp:[::1]:%d" }

local function open(s, user, transport, host, local_host)
    return ua.open { port = s.port, host = host, user = user, transport = transport, local_host = local_host }
end

-- What a phone gets comes from the address to which it sends, and names it.
local function from_own_side(t, phone, received)
    if received.source then
        t:equal(received.source.ip, phone.host)
        t:equal(received.source.port, phone.port)
    end
    if received.method then
        has(t, received:get "Via", (" %s:%d;"):format(bracketed(phone.host), phone.port))
    end
    return received
end

local function call_both_ways(t, alice, bob)
    local call = alice:invite(bob.aor)
    local invite = from_own_side(t, bob, bob:expect "INVITE")
    has(t, invite:values "Record-Route"[1], ("@%s:%d"):format(bracketed(bob.host), bob.port))
    bob:reply(invite, 180)
    from_own_side(t, alice, alice:expect(180))
    bob:reply(invite, 200)
    local answer = from_own_side(t, alice, alice:expect_final(call, 200))
    alice:within("ACK", call, answer)
    from_own_side(t, bob, bob:expect "ACK")
    local info = bob:within_called("INFO", invite)
    alice:reply(from_own_side(t, alice, alice:expect "INFO"), 200)
    from_own_side(t, bob, bob:expect_final(info, 200))
    local bye = alice:within("BYE", call, answer)
    bob:reply(from_own_side(t, bob, bob:expect "BYE"), 200)
    from_own_side(t, alice, alice:expect_final(bye, 200))
end

local sides = { { "udp", "127.0.0.1", "127.0.0.3" }, { "udp", "127.0.0.2", "127.0.0.4" },
    { "tcp", "127.0.0.1", "127.0.0.3" }, { "tcp", "127.0.0.2", "127.0.0.4" }, { "udp", "::1" } }

for _, outbound in ipairs { true, false } do
    test("5658-a phones " .. (outbound and "with" or "without") .. " outbound on each pair of sockets", function(t)
        local s = server.start(t, { listen = both })
        for i, from in ipairs(sides) do
            for k, to in ipairs(sides) do
                local alice = open(s, ("alice%d%d"):format(i, k), table.unpack(from))
                local bob = open(s, ("bob%d%d"):format(i, k), table.unpack(to))
                alice:register(outbound and { instance = two, reg_id = 1 } or {})
                bob:register(outbound and { instance = one, reg_id = 1 } or {})
                call_both_ways(t, alice, bob)
                alice:close()
                bob:close()
            end
        end
    end)
end

test("5658-a CANCEL and the ACK of a refusal leave by the socket of their INVITE", function(t)
    local s = server.start(t, { listen = both })
    local alice, bob = open(s, "alice", table.unpack(sides[1])), open(s, "bob", table.unpack(sides[2]))
    bob:register {}
    local call = alice:invite(bob.aor)
    local invite = from_own_side(t, bob, bob:expect "INVITE")
    bob:reply(invite, 180)
    from_own_side(t, alice, alice:expect(180))
    alice:cancel(call)
    bob:reply(from_own_side(t, bob, bob:expect "CANCEL"), 200)
    bob:reply(invite, 487)
    from_own_side(t, bob, bob:expect "ACK")
    from_own_side(t, alice, alice:expect_final(call, 487))
end)

-- The trunk has no binding and no connection: requests within the dialog go to its Contact, by the next hop.
local function trunk_calls(t, s, trunk, bob, contact)
    bob:register {}
    trunk:invite(bob.aor, { contact = contact })
    local invite = from_own_side(t, bob, bob:expect "INVITE")
    bob:reply(invite, 200)
    from_own_side(t, trunk, trunk:expect(200))
    t:equal(#invite:values "Record-Route", 2)
    return invite, s
end

test("5658-a a dialog reaches a trunk from the socket recorded for it", function(t)
    local s = server.start(t, { listen = both })
    for _, place in ipairs { { 1, 2 }, { 2, 1 }, { 1, 5 }, { 5, 2 } } do
        local bob = open(s, "bob", table.unpack(sides[place[1]]))
        local trunk = open(s, "trunk", table.unpack(sides[place[2]]))
        local invite = trunk_calls(t, s, trunk, bob)
        local bye = bob:within_called("BYE", invite)
        trunk:reply(from_own_side(t, trunk, trunk:expect "BYE"), 200)
        from_own_side(t, bob, bob:expect_final(bye, 200))
        bob:register { expires = 0 }
        bob:close()
        trunk:close()
    end
end)

-- A TCP server of a test: the address from which each connection comes, and the requests on it.
local function tcp_server(t, host)
    local self = { froms = {}, requests = {} }
    local listener = uv.new_tcp()
    local handles = { listener }
    assert(listener:bind(host, 0))
    assert(listener:listen(8, function()
        local client, unread = uv.new_tcp(), ""
        listener:accept(client)
        handles[#handles + 1] = client
        self.froms[#self.froms + 1] = client:getpeername().ip
        client:read_start(function(_, chunk)
            local pieces
            pieces, unread = message.cut(unread .. (chunk or ""))
            for _, piece in ipairs(pieces) do
                if piece.kind == "message" then
                    self.requests[#self.requests + 1] = message.parse(piece.text)
                end
            end
        end)
    end))
    self.port = listener:getsockname().port
    t:defer(function()
        for _, handle in ipairs(handles) do
            handle:close()
        end
    end)
    function self.expect(n)
        assert(wait.until_true(ua.patience, function() return #self.requests >= n end), "no request over TCP")
        return self.requests[n]
    end
    return self
end

test("5658-a a connection that a dialog opens leaves from the address that its Via names", function(t)
    local s = server.start(t, { listen = both })
    local trunk_server = tcp_server(t, "127.0.0.1")
    local bob, trunk = open(s, "bob", table.unpack(sides[1])), open(s, "trunk", table.unpack(sides[2]))
    local invite = trunk_calls(t, s, trunk, bob, ("<sip:trunk@127.0.0.1:%d;transport=tcp>"):format(trunk_server.port))
    bob:within_called("BYE", invite)
    has(t, trunk_server.expect(1):get "Via", ("SIP/2.0/TCP 127.0.0.2:%d;"):format(s.port))
    t:equal(trunk_server.froms[1], "127.0.0.2")
end)

test("5658-a connections to one trunk, one from each address", function(t)
    local trunk = tcp_server(t, "127.0.0.1")
    local s = server.start(t, { listen = both, source =
        ("sip_on_request(function() return sip_relay('sip:x@127.0.0.1:%d;transport=tcp') end)"):format(trunk.port) })
    for n, place in ipairs { 3, 4, 1, 2 } do
        local alice = open(s, "alice", table.unpack(sides[place]))
        alice:request("MESSAGE", { uri = "sip:trunk@example.test" })
        has(t, trunk.expect(n):get "Via", ("SIP/2.0/TCP %s:%d;"):format(alice.host, s.port))
        alice:close()
    end
    -- By UDP from the same two addresses the same connections are used.
    t:equal(table.concat(trunk.froms, " "), "127.0.0.1 127.0.0.2")
end)

-- --- listeners that are advertised ---

-- On all addresses, known to peers outside as 127.0.0.5, which a NAT would lead to it, and to those at 127.0.0.7 by the
-- address that they send to.
local function start(t, options)
    options.port = options.port or server.free_port()
    local args = { "--local-net", "127.0.0.7/32" }
    for _, transport in ipairs { "udp", "tcp" } do
        args[#args + 1] = "--advertise"
        args[#args + 1] = ("%s:0.0.0.0:%d=%s"):format(transport, options.port, options.address or "127.0.0.5")
    end
    for _, domain in ipairs(options.domains or {}) do
        table.move({ "--domain", domain }, 1, 2, #args + 1, args)
    end
    options.args = args
    options.listen = { "udp:0.0.0.0:%d", "tcp:0.0.0.0:%d" }
    return server.start(t, options)
end

-- A phone; what it gets names the server only as `host`.
local function known_as(t, s, user, transport, local_host, host)
    return ua.open { port = s.port, host = "127.0.0.2", user = user, transport = transport, local_host = local_host,
        trace = function(_, direction, received)
            if direction == "in" and received.method then
                has(t, received:get "Via", (" %s:%d;"):format(host, s.port))
                local routes = received:values "Record-Route"
                if routes[1] then
                    has(t, routes[1], ("@%s:%d"):format(host, s.port))
                end
            end
        end }
end

local function talk(alice, bob)
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 200)
    local answer = alice:expect_final(call, 200)
    alice:within("ACK", call, answer)
    bob:expect "ACK"
    return call, invite, answer
end

for _, transport in ipairs { "udp", "tcp" } do
    test("calls between inside and outside by the advertised address, over " .. transport, function(t)
        local s = start(t, {})
        local places = { { "127.0.0.7", "127.0.0.2" }, { "127.0.0.3", "127.0.0.5" } }
        for _, from in ipairs(places) do
            for _, to in ipairs(places) do
                local alice = known_as(t, s, "alice", transport, table.unpack(from))
                local bob = known_as(t, s, "bob", transport, table.unpack(to))
                alice:register { instance = two, reg_id = 1 }
                bob:register { instance = one, reg_id = 1 }
                local call, invite, answer = talk(alice, bob)
                t:equal(#invite:values "Record-Route", from == to and 1 or 2)
                local again = bob:within_called("INVITE", invite)
                alice:reply(alice:expect "INVITE", 200)
                bob:expect_final(again, 200)
                local bye = alice:within("BYE", call, answer)
                bob:reply(bob:expect "BYE", 200)
                alice:expect_final(bye, 200)
            end
        end
    end)
end

test("5626-5.2.b a call and its registrations survive another --advertise", function(t)
    local state = temporary.path ".db"
    local s = start(t, { state = state })
    t:defer(function()
        for _, suffix in ipairs { "", ".keys", ".policy", "-wal", "-shm" } do
            os.remove(state .. suffix)
        end
    end)
    local alice = open(s, "alice", "udp", "127.0.0.2", "127.0.0.7")
    local bob = open(s, "bob", "udp", "127.0.0.2", "127.0.0.3")
    alice:register { instance = two, reg_id = 1 }
    bob:register { instance = one, reg_id = 1 }
    local call, invite, answer = talk(alice, bob)
    for _, address in ipairs { "sip.example.org:5060", "127.0.0.6" } do
        s:stop()
        s = start(t, { state = state, port = s.port, address = address, domains = { "127.0.0.5" } })
        local info = bob:within_called("INFO", invite)
        alice:reply(alice:expect "INFO", 200)
        bob:expect_final(info, 200)
        info = alice:within("INFO", call, answer)
        local received = bob:expect "INFO"
        has(t, received:get "Via", address)
        bob:reply(received, 200)
        alice:expect_final(info, 200)
        -- And the bindings lead to the same flows.
        local second = alice:invite(bob.aor)
        bob:reply(bob:expect "INVITE", 486)
        alice:expect_final(second, 486)
    end
end)

test("the advertised name is an own domain, and its Routes are own", function(t)
    local s = start(t, { domain = false, address = "sip.example.org:5060" })
    local bob, alice = open(s, "bob", "udp", "127.0.0.2"), open(s, "alice", "udp", "127.0.0.2")
    bob:register { aor = "sip:bob@SIP.example.org" }
    for _, route in ipairs { "sip:sip.example.org", "sip:sip.example.org:5060", ("sip:127.0.0.2:%d"):format(s.port) } do
        local call = alice:invite("sip:bob@sip.example.org", { routes = { "<" .. route .. ";lr>" } })
        local invite = bob:expect "INVITE"
        t:equal(#invite:values "Route", 0)
        bob:reply(invite, 486)
        alice:expect_final(call, 486)
    end
end)

test("over TLS and WebSocket the advertised address is written too", function(t)
    local files = certificates.new(t):sign "default"
    local port = server.free_port()
    for _, transport in ipairs { "tls", "ws", "wss" } do
        local listen = ("%s:127.0.0.1:%d"):format(transport, port)
        local s = server.start(t, { port = port, listen = { listen }, args = { "--tls-cert", files.certificate,
            "--tls-key", files.key, "--advertise", listen .. "=[2001:DB8:0::5]:443" } })
        local bob, alice = open(s, "bob", transport, "127.0.0.1"), open(s, "alice", transport, "127.0.0.1")
        bob:register { instance = one, reg_id = 1 }
        alice:register { instance = two, reg_id = 1 }
        local call, invite, answer = talk(alice, bob)
        has(t, invite:get "Via", ("SIP/2.0/%s [2001:DB8:0::5]:443;"):format(transport:upper()))
        has(t, invite:values "Record-Route"[1], "@[2001:DB8:0::5]:443;transport=")
        -- In another spelling it is the same address (5954-4.a).
        local routes = { (answer:values "Record-Route"[1]:gsub("%[.-%]", "[2001:db8::5]")) }
        local bye = alice:within("BYE", call, answer, { routes = routes })
        bob:reply(bob:expect "BYE", 200)
        alice:expect_final(bye, 200)
        s:stop()
    end
end)

test("wrong values are refused with exit status 2 and the reason", function(t)
    local listen = "udp:127.0.0.1:5060"
    for _, case in ipairs {
        { "udp:127.0.0.1:5061=203.0.113.5", "there is no --listen" },
        { listen, "expected LISTEN=ADDRESS" },
        { listen .. "=203.0.113.5:99999", "the port must be a number from 1 to 65535" },
        { listen .. "=2001:db8::5", "an IPv6 address must be in brackets" },
        { listen .. "=no_name", "host name" },
    } do
        local ended = server.run { "serve", "examples/registrar.lua", "--listen", listen, "--advertise", case[1] }
        t:equal(ended.status, 2)
        has(t, ended.err, "--advertise " .. case[1] .. ": ")
        has(t, ended.err, case[2])
    end
    local ended = server.run { "serve", "examples/registrar.lua", "--local-net", "10.1.0.0/8" }
    t:equal(ended.status, 2)
    has(t, ended.err, "--local-net 10.1.0.0/8: not ADDRESS or ADDRESS/BITS")
    ended = server.run { "serve", "examples/registrar.lua", "--listen", listen, "--advertise", listen .. "=203.0.113.5",
        "--advertise", listen .. "=203.0.113.6" }
    t:equal(ended.status, 2)
    has(t, ended.err, "this listener has an --advertise already")
end)

test("a listener without --advertise beside others is reported at start", function(t)
    local port, six = server.free_port(), server.free_port()
    local s = server.start(t, { port = port, args = { "--advertise", ("udp:0.0.0.0:%d=203.0.113.5"):format(port) },
        listen = { "udp:0.0.0.0:%d", "tcp:0.0.0.0:%d", "udp:[::1]:" .. six, "udp:127.0.0.1:" .. server.free_port() } })
    s:expect_log(("warning: %%-%%-listen tcp:0%%.0%%.0%%.0:%d has no %%-%%-advertise, but others have"):format(port))
    s:expect_log "serving with "
    t:equal(select(2, s.err:gsub("has no %-%-advertise", "")), 1)
end)

test("an option that names all addresses is reported at start", function(t)
    local s = server.start(t, { args = { "--proxy-protocol", "0.0.0.0/0", "--proxy-protocol", "::/0",
        "--local-net", "0.0.0.0/0", "--trust", "::/0" } })
    s:expect_log "warning: %-%-proxy%-protocol 0%.0%.0%.0/0 names all IPv4 addresses: "
    s:expect_log "warning: %-%-proxy%-protocol ::/0 names all IPv6 addresses: "
    s:expect_log "warning: %-%-local%-net 0%.0%.0%.0/0 names all IPv4 addresses: "
    s:expect_log "warning: %-%-trust ::/0 names all IPv6 addresses: "
end)

test("--local-net without --advertise is reported at start", function(t)
    local s = server.start(t, { args = { "--local-net", "10.0.0.0/8" } })
    s:expect_log "warning: %-%-local%-net has no effect"
    s:stop()
    s = start(t, {})
    s:expect_log("advertising 127%.0%.0%.5:" .. s.port)
    lacks(t, s.err, "has no effect")
end)

tap.done()
