-- SPDX-License-Identifier: BSD-2-Clause
-- baresip without outbound, as most phones are (3261-10.a). A relay plays the NAT: the Contact is baresip's own
-- address, the connection comes from the relay's.
local baresip = require "baresip"
local certificates = require "certificates"
local host = require "host"
local relay = require "relay"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local offer = { headers = { { "Content-Type", "application/sdp" } }, body = table.concat({ "v=0",
    "o=alice 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 40000 RTP/AVP 0",
    "a=rtpmap:0 PCMU/8000", "" }, "\r\n") }

-- baresip, registered through that port as bob; more are options of baresip.start.
local function register(alice, t, at, more)
    local o = { plain = true, domain = "example.test", transport = "tcp" }
    for name, value in pairs(more or {}) do
        o[name] = value
    end
    o.proxies = { ("sip:%s:%d;transport=%s"):format(at.host, at.port, o.transport) }
    local bob = baresip.start(t, o)
    assert(ua.wait.until_true(ua.patience, function()
        return #alice:bindings "sip:bob@example.test" > 0 or ua.wait.pause(50)
    end), "baresip does not register")
    return bob
end

-- alice calls, baresip answers by itself, and she hangs up.
local function call(alice, bob)
    local request = alice:invite("sip:bob@example.test", { headers = offer.headers, body = offer.body })
    local answer = alice:expect_final(request, 200)
    bob:expect "CALL_ESTABLISHED"
    alice:expect_final(alice:within("BYE", request, answer), 200)
    bob:expect "CALL_CLOSED"
end

-- baresip calls and hangs up; then it is called, and hangs up.
local function call_out(alice, bob)
    alice:register {}
    bob:command("dial", alice.aor)
    local request = alice:expect "INVITE"
    alice:reply(request, 200, offer)
    alice:expect "ACK"
    bob:expect "CALL_ESTABLISHED"
    bob:command "hangup"
    alice:reply(alice:expect "BYE", 200)
    bob:expect "CALL_CLOSED"
    request = alice:invite("sip:bob@example.test", { headers = offer.headers, body = offer.body })
    alice:expect_final(request, 200)
    bob:expect "CALL_ESTABLISHED"
    bob:command "hangup"
    alice:reply(alice:expect "BYE", 200)
    bob:expect "CALL_CLOSED"
end

local function behind_relay(t, alice, port, more)
    local nat = relay.open(t, port, true)
    local bob = register(alice, t, nat, more)
    local binding = alice:bindings "sip:bob@example.test"[1]
    t:ok(not binding:find "reg%-id", binding)
    call(alice, bob)
    t:equal(nat:count("down", "INVITE"), 1, "INVITEs through the relay")
    t:equal(nat:count("down", "BYE"), 1, "BYEs through the relay")
    call_out(alice, bob)
    t:equal(nat:count("down", "INVITE"), 2, "INVITEs through the relay")
    return nat, bob
end

host.test("baresip without outbound, behind a NAT: 3261-10.a calls come over its connection", {
    transports = { "tcp" }, names = relay.addresses,
}, function(t, open, s)
    behind_relay(t, open("alice"), s.port)
end)

host.test("baresip without outbound, over UDP", { transports = { "udp" } }, function(t, open, s)
    local alice = open("alice")
    local bob = register(alice, t, s, { transport = "udp" })
    call(alice, bob)
    call_out(alice, bob)
end)

local function over_tls(t)
    local authority = certificates.new(t)
    local pair = authority:sign("example", { names = "DNS:example.test,IP:127.0.0.1" })
    local port = server.free_port()
    local arguments = { "--listen", "tls:127.0.0.1:" .. port, "--tls-cert", pair.certificate, "--tls-key", pair.key }
    for _, address in ipairs(relay.addresses) do
        table.move({ "--domain", address }, 1, 2, #arguments + 1, arguments)
    end
    local s = server.start(t, { args = arguments })
    local alice = host.opener(s, "udp")("alice")
    local nat = relay.open(t, port, true)
    local bob = register(alice, t, nat, { transport = "tls", config = "sip_cafile " .. authority.certificate .. "\n" })
    call(alice, bob)
    call_out(alice, bob)
    nat:cut()
    assert(ua.wait.until_true(60000, function()
        return #nat.connections > 1 and #alice:bindings "sip:bob@example.test" > 0 or ua.wait.pause(50)
    end), "baresip does not come back")
    call(alice, bob)
end

if os.getenv "REFLOW_HOST" ~= "kamailio" then
    tap.test("baresip without outbound, over TLS: 3261-10.a calls come over its connection, also after it was cut "
        .. "[standalone tls]", over_tls)
end

tap.done()
