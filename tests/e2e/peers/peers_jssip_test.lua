-- SPDX-License-Identifier: BSD-2-Clause
-- JsSIP (Node.js) over WebSocket: registered with its instance-id and reg-id, called, and back after its connection was
-- lost. npm fetches it, in the versions of tests/e2e/peers/jssip, into the folder of what is built.
local node_phone = require "node_phone"
local relay = require "relay"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local offer = { headers = { { "Content-Type", "application/sdp" } }, body = table.concat({ "v=0",
    "o=alice 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 40000 UDP/TLS/RTP/SAVPF 0",
    "a=rtpmap:0 PCMU/8000", "" }, "\r\n") }

local why = node_phone.missing "jssip"

-- JsSIP as bob, by that WebSocket port of 127.0.0.1 or of another host.
local function start_peer(t, port, address)
    return node_phone.start(t, "jssip", { ("ws://%s:%d/"):format(address or "127.0.0.1", port), "bob", "example.test",
        (ua.instance(1):gsub("^urn:", "")) })
end

local function start(t, options)
    if why then
        t:skip(why)
    end
    options = options or {}
    local port = server.free_port()
    local arguments = { "--listen", "ws:127.0.0.1:" .. port, "--t1", "100", table.unpack(options.args or {}) }
    local s = server.start(t, { source = options.source, domain = options.domain, port = options.port,
        args = arguments })
    s.ws = port
    return s
end

local function open_alice(s)
    return ua.open { port = s.port, user = "alice", domain = "example.test" }
end

local function expect_bindings(t, alice, number)
    local got
    ua.wait.until_true(ua.patience, function()
        got = alice:bindings "sip:bob@example.test"
        return #got == number or ua.wait.pause(50)
    end)
    t:equal(#got, number, "bob's bindings")
    return got[1]
end

-- alice calls bob, who answers by himself; she hangs up.
local function call(alice, bob)
    local request = alice:invite("sip:bob@example.test", { headers = offer.headers, body = offer.body })
    local answer = alice:expect_final(request, 200)
    bob:expect "confirmed"
    alice:expect_final(alice:within("BYE", request, answer), 200)
    bob:expect "ended"
end

test("JsSIP registers with instance-id and reg-id, is called, and calls", function(t)
    local s = start(t)
    local alice, bob = open_alice(s), start_peer(t, s.ws)
    bob:expect "registered"
    local binding = expect_bindings(t, alice, 1)
    t:match(binding, "reg%-id=1")
    t:match(binding, ua.instance(1):gsub("%-", "%%-"))
    call(alice, bob)
    alice:register {}
    bob:command("call " .. alice.aor)
    local request = alice:expect "INVITE"
    alice:reply(request, 200, offer)
    alice:expect "ACK"
    bob:expect "confirmed"
    alice:expect_final(alice:within_called("BYE", request), 200)
    bob:expect "ended"
end)

test("JsSIP hangs up what it was called for, and sends and gets messages", function(t)
    local s = start(t)
    local alice, bob = open_alice(s), start_peer(t, s.ws)
    alice:register {}
    bob:expect "registered"
    local request = alice:invite("sip:bob@example.test", { headers = offer.headers, body = offer.body })
    alice:expect_final(request, 200)
    bob:expect "confirmed"
    bob:command "end"
    alice:reply(alice:expect "BYE", 200)
    bob:expect "ended"
    local message = alice:request("MESSAGE", { uri = "sip:bob@example.test", contact = false, body = "good morning",
        headers = { { "Content-Type", "text/plain" } } })
    bob:expect "message good morning"
    alice:expect_final(message, 200)
    bob:command("message " .. alice.aor)
    local sent = alice:expect "MESSAGE"
    t:equal(sent.body, "hello")
    alice:reply(sent, 200)
    bob:expect "delivered"
end)

test("5626-7.f JsSIP loses its WebSocket: nothing is bound; it comes back by itself and is called", function(t)
    local s = start(t)
    local alice = open_alice(s)
    local way = relay.open(t, s.ws)
    local bob = start_peer(t, s.ws, way.host)
    bob:expect "registered"
    call(alice, bob)
    way:cut()
    expect_bindings(t, alice, 0)
    alice:expect_final(alice:invite "sip:bob@example.test", 480)
    bob:expect "disconnected"
    bob:expect "registered"
    t:match(expect_bindings(t, alice, 1), "reg%-id=1")
    call(alice, bob)
    t:equal(#way.connections, 2)
end)

local function start_edge(t, registrar, keys, port)
    local file <close> = assert(io.open "examples/edge.lua")
    local text = file:read("a"):gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. registrar.port)
    return server.start(t, { source = text, domain = false,
        args = { "--token-keys", keys, "--t1", "100", "--listen", "ws:127.0.0.1:" .. port } })
end

test("5626-5.2.b JsSIP's edge is killed; it comes back through the next one, and is called", function(t)
    local s = start(t)
    local keys, port = server.temporary ".keys", server.free_port()
    t:defer(function()
        os.remove(keys)
    end)
    local edge = start_edge(t, s, keys, port)
    local alice, bob = open_alice(s), start_peer(t, port)
    bob:expect "registered"
    call(alice, bob)
    edge:kill()
    bob:expect "disconnected"
    start_edge(t, s, keys, port)
    bob:expect "registered"
    t:match(expect_bindings(t, alice, 1), "reg%-id=1")
    call(alice, bob)
end)

tap.done()
