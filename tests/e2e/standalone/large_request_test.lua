-- SPDX-License-Identifier: BSD-2-Clause
-- 3261-18.1.1.a: requests that are too large for a datagram go over TCP where the destination takes connections, and
-- over UDP where it does not.
local uv = require "luv"
local tap = require "tap"
local ua = require "ua"
local server = require "server"
local peer = require "peer"

local test = tap.test
local large = { { "X-Large", ("x"):rep(2000) } }

local function to_port(port, parameters)
    return ([[sip_on_request("INVITE", function() return sip_relay "sip:trunk@127.0.0.1:%d%s" end)]]):format(port,
        parameters or "")
end

local function start(t, port, more)
    local s = server.start(t, { source = to_port(port, more and more.parameters), args = more and more.args,
        listen = more and more.listen, status = true })
    local function open(user, options)
        local o = { port = s.port, user = user, domain = s.domain, transport = "udp" }
        for name, value in pairs(options or {}) do
            o[name] = value
        end
        return ua.open(o)
    end
    return s, open
end

local refuse = peer.refuse

local methods = peer.methods

local function call(alice, headers)
    local request = alice:invite("sip:trunk@example.test", { headers = headers })
    alice:expect_final(request, 486)
end

test("3261-18.1.1.a a large request goes over TCP, and its ACK too; a small one over UDP", function(t)
    local port = server.free_port()
    local trunk = peer.open(t, port, refuse)
    local s, open = start(t, port)
    local alice = open "alice"
    call(alice)
    call(alice, large)
    call(alice, large)
    trunk:expect(6)
    t:equal(methods(trunk), "INVITE UDP, ACK UDP, INVITE TCP, ACK TCP, INVITE TCP, ACK TCP")
    t:equal(#trunk.connections, 1)
    t:match(trunk.requests[3]:get "Record-Route", "transport=tcp")
    t:equal(s:number "large_by_stream", 2)
    t:equal(s:number "large_returned", 0)
end)

test("3261-18.1.1.a where TCP is refused, a large request goes over UDP, the next one at once", function(t)
    local port = server.free_port()
    local trunk = peer.open(t, port, refuse)
    trunk.listener:close()
    local s, open = start(t, port)
    local alice = open "alice"
    call(alice, large)
    call(alice, large)
    trunk:expect(4)
    t:equal(methods(trunk), "INVITE UDP, ACK UDP, INVITE UDP, ACK UDP")
    t:equal(s:number "large_by_stream", 1)
    t:equal(s:number "large_returned", 1)
end)

-- A port that takes no further connection, as behind a firewall that drops: nobody accepts those that wait.
local function close_silently(t, trunk)
    trunk.listener:close()
    local full = uv.new_tcp()
    local handles, connected, count = { full }, 0, 0
    t:defer(function()
        for _, handle in ipairs(handles) do
            handle:close()
        end
    end)
    assert(full:bind("127.0.0.1", trunk.port))
    assert(full:listen(1, function() end))
    repeat
        handles[#handles + 1] = uv.new_tcp()
        handles[#handles]:connect("127.0.0.1", trunk.port, function(failed)
            connected = connected + (failed and 0 or 1)
        end)
        count = count + 1
    until count == 16 or not ua.wait.until_true(1000, function() return connected == count end)
    t:ok(connected < count, "the port is full")
end

test("3261-18.1.1.a where TCP is not answered, a large request goes over UDP after --connect-time", function(t)
    local port = server.free_port()
    local trunk = peer.open(t, port, refuse)
    local s, open = start(t, port, { args = { "--connect-time", "1" } })
    close_silently(t, trunk)
    local alice = open "alice"
    call(alice, large)
    trunk:expect(2)
    t:equal(methods(trunk), "INVITE UDP, ACK UDP")
    t:equal(s:number "large_returned", 1)
    t:equal(s:number "connect_late", 1)
end)

for name, more in pairs { ["a URI with a transport keeps it"] = { parameters = ";transport=udp" },
    ["without a TCP listener a large request stays on UDP"] = { listen = { "udp:127.0.0.1:%d" } } } do
    test("3261-18.1.1.a " .. name, function(t)
        local port = server.free_port()
        local trunk = peer.open(t, port, refuse)
        local s, open = start(t, port, more)
        local alice = open "alice"
        call(alice, large)
        trunk:expect(2)
        t:equal(methods(trunk), "INVITE UDP, ACK UDP")
        t:equal(s:number "large_by_stream", 0)
    end)
end

test("3261-18.1.1.a an outbound flow over UDP is kept by a large request", function(t)
    local s = server.start(t, { status = true })
    local function open(user)
        return ua.open { port = s.port, user = user, domain = s.domain, transport = "udp" }
    end
    local bob, alice = open "bob", open "alice"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local request = alice:invite(bob.aor, { headers = large })
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(request, 486)
    t:equal(s:number "large_by_stream", 0)
end)

tap.done()
