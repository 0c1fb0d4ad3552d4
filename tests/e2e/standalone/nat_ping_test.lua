-- SPDX-License-Identifier: BSD-2-Clause
-- --nat-ping: phones without reg-id whose Contact is not their address are kept alive by the server, and --via-source.
local tap = require "tap"
local ua = require "ua"
local server = require "server"

local test = tap.test

local function start(t, args, more)
    local options = { args = args, status = true }
    for name, value in pairs(more or {}) do
        options[name] = value
    end
    local s = server.start(t, options)
    local function open(user, transport, o)
        local phone = ua.open { port = s.port, user = user, domain = s.domain, transport = transport,
            local_port = o and o.local_port }
        t:defer(function()
            phone:close()
        end)
        return phone
    end
    return s, open
end

-- Its Contact is an address behind a NAT.
local function phone_behind_nat(open, user, transport, o)
    local phone = open(user, transport, o)
    phone.contact_uri = ("sip:%s@192.168.1.10:5066%s"):format(user, transport == "udp" and "" or ";transport=tcp")
    phone:register()
    return phone
end

for _, transport in ipairs { "udp", "tcp" } do
    test("a phone behind NAT is pinged with OPTIONS, and may answer what it likes [" .. transport .. "]", function(t)
        local s, open = start(t, { "--nat-ping", "2" })
        local bob = phone_behind_nat(open, "bob", transport)
        for _, status in ipairs { 404, 481, 501 } do
            local ping = bob:expect "OPTIONS"
            t:equal(ping.uri, "sip:bob@192.168.1.10:5066" .. (transport == "udp" and "" or ";transport=tcp"))
            t:equal(ping:get "Max-Forwards", "70")
            bob:reply(ping, status, { contact = false })
        end
        t:equal(s:number "bindings", 1)
        t:equal(s:number "nat_flows_lost", 0)
    end)

    test("a phone that answers no pings is unregistered [" .. transport .. "]", function(t)
        local s, open = start(t, { "--nat-ping", "1", "--verbose" })
        local bob = phone_behind_nat(open, "bob", transport)
        s:expect_log("flow is down: flow=%[" .. transport .. " [^%]]*%] reason=nat%-ping bindings=1")
        t:equal(s:number "bindings", 0)
        t:equal(s:number "nat_flows_lost", 1)
        t:ok(s:number "nat_pings_lost" >= 3)
        if transport == "tcp" then
            bob:expect_closed()
        end
        local alice = open("alice", "udp")
        alice:expect_final(alice:invite(bob.aor), 480)
    end)
end

test("a phone with reg-id, or whose Contact is its address, gets no pings", function(t)
    local s, open = start(t, { "--nat-ping", "1" })
    local plain, outbound = open("plain", "udp"), open("outbound", "udp")
    plain:register()
    outbound.contact_uri = "sip:outbound@192.168.1.10:5066"
    outbound:register { instance = ua.instance(1), reg_id = 1 }
    local bob = phone_behind_nat(open, "bob", "udp")
    for _ = 1, 3 do
        bob:reply(bob:expect "OPTIONS", 200)
    end
    t:equal(s:number "nat_pinged", 1)
    plain:expect_none("OPTIONS", 0)
    outbound:expect_none("OPTIONS", 0)
end)

test("restart: a phone whose binding was kept is pinged again", function(t)
    local state = server.temporary ".db"
    t:defer(function()
        os.execute("rm -f " .. state .. "*")
    end)
    local s, open = start(t, { "--nat-ping", "1" }, { state = state })
    local bob = phone_behind_nat(open, "bob", "udp")
    bob:reply(bob:expect "OPTIONS", 200)
    s:stop()
    bob.inbox = {}
    s = start(t, { "--nat-ping", "1" }, { state = state, port = s.port })
    t:equal(s:number "nat_pinged", 1)
    bob:reply(bob:expect "OPTIONS", 200)
end)

test("a phone on WebSocket is pinged with frames, which its browser answers", function(t)
    local port = server.free_port()
    local s = start(t, { "--nat-ping", "2", "--verbose" },
        { listen = { "udp:127.0.0.1:%d", "ws:127.0.0.1:" .. port } })
    local bob = ua.open { port = port, user = "bob", domain = s.domain, transport = "ws" }
    t:defer(function()
        bob:close()
    end)
    bob.contact_uri = "sip:bob@a1b2c3.invalid;transport=ws"
    bob:register()
    t:ok(ua.wait.until_true(ua.patience, function()
        return s:number "nat_pings" >= 3
    end), "pings are sent")
    t:equal(s:number "bindings", 1)
    t:equal(s:number "nat_pings_lost", 0)
    bob:expect_none("OPTIONS", 0)
    bob.channel.mute = true
    s:expect_log "flow is down: flow=%[ws [^%]]*%] reason=nat%-ping bindings=1"
    t:equal(s:number "bindings", 0)
    bob:expect_closed()
end)

-- The request says nothing about rport, and a NAT has changed the port.
local function hears_at(t, source, hears, other)
    local s, open = start(t, { "--via-source", source })
    local phone, written = open("bob", "udp"), open("other", "udp")
    phone:send_raw(table.concat({ "OPTIONS sip:example.test SIP/2.0",
        ("Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bKsource"):format(written.local_port), "Max-Forwards: 70",
        "From: <sip:bob@example.test>;tag=a", "To: <sip:example.test>", "Call-ID: source", "CSeq: 1 OPTIONS",
        "Content-Length: 0", "", "" }, "\r\n"))
    local heard = { source = phone, via = written }
    t:equal(heard[hears]:expect(200).status, 200)
    heard[other]:expect_none(200, 0)
    t:ok(s:alive())
end

test("--via-source rport: a response goes to the port in Via", function(t)
    hears_at(t, "rport", "via", "source")
end)

test("--via-source always: it goes to the port from which the request came", function(t)
    hears_at(t, "always", "source", "via")
end)

tap.done()
