-- SPDX-License-Identifier: BSD-2-Clause
-- What configurations do around save() and lookup(), with these and with sip_save() and sip_route_flows() in their
-- place: a next hop that t_relay_to_tcp() names, suspended requests, return codes, tm's disable_6xx_block, usrloc's
-- matching_mode.
local certificates = require "certificates"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local ways = require "kamailio_ways"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

local function for_each_way(title, run)
    for _, way in ipairs(ways.names) do
        test(("%s [%s]"):format(title, way), function(t)
            run(t, way)
        end)
    end
end

local function refuse(phone, status)
    local request = phone:expect "INVITE"
    phone:reply(request, status)
    phone:expect "ACK"
    return request
end

-- A gateway at a port that the configuration names; it refuses calls, and takes other requests.
local function refusing_gateway(t, address)
    return peer.open(t, server.free_port(), function(request)
        return request.method ~= "ACK" and peer.answer(request, request.method == "INVITE" and 404 or 200) or nil
    end, address)
end

-- --- t_relay_to_tcp() and t_relay_to_udp() ---

local function relay_to(proto, host, port)
    return ('t_on_failure("calls"); if (!t_relay_to_%s("%s", "%d")) xlog("L_ERR", "not relayed\\n"); exit;')
        :format(proto, host, port)
end

for _, transport in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
    for _, proto in ipairs { "udp", "tcp" } do
        for_each_way(("t_relay_to_%s() after the lookup of a phone on %s"):format(proto, transport), function(t, way)
            local gw = refusing_gateway(t)
            local secure = (transport ~= "udp" and transport ~= "tcp")
                and certificates.new(t):sign("default", { names = "DNS:example.test" }) or nil
            local host, open = ways.start(t, { secure = secure,
                extra = "route[FOUND] { " .. relay_to(proto, "127.0.0.1", gw.port) .. " }" })
            local bob, alice = open("bob", transport), open("alice", "udp")
            ways.register(way, bob)
            alice:expect_final(alice:invite(bob.aor, { headers = ways.headers(way) }), 404)
            t:equal(gw:expect(1).uri, bob.contact_uri)
            local sent = alice:request("MESSAGE", { uri = bob.aor, headers = ways.headers(way) })
            alice:expect_final(sent, 200)
            bob:expect_none("INVITE", 50)
            t:equal(#host:log_lines "not relayed", 0)
            if way == "reflow" then
                t:equal(host:statistic "reflow:flows_down", 0)
            end
        end)
    end
end

for_each_way("t_relay_to_tcp() after the lookup: IPv6", function(t, way)
    local gw = refusing_gateway(t, "::1")
    local _, open = ways.start(t, { address = "[::1]",
        extra = "route[FOUND] { " .. relay_to("tcp", "[::1]", gw.port) .. " }" })
    local more = { host = "::1", local_host = "::1" }
    local bob, alice = open("bob", "tcp", more), open("alice", "udp", more)
    ways.register(way, bob)
    alice:expect_final(alice:invite(bob.aor, { headers = ways.headers(way) }), 404)
    t:equal(gw:expect(1).uri, bob.contact_uri)
end)

for_each_way("t_relay_to_tcp() in the failure route, after two busy phones", function(t, way)
    local gw = refusing_gateway(t)
    local _, open = ways.start(t, { failed = 'if (t_check_status("486")) { $ru = "sip:vm@example.test"; $du = $null; '
        .. relay_to("tcp", "127.0.0.1", gw.port) .. " }\n" })
    local desk, cell, alice = open "bob", open "bob", open("alice", "udp")
    ways.register(way, desk)
    ways.register(way, cell)
    local call = alice:invite(desk.aor, { headers = ways.headers(way) })
    local first, second = desk:expect "INVITE", cell:expect "INVITE"
    desk:reply(first, 486)
    cell:reply(second, 486)
    alice:expect_final(call)
    t:equal(gw:expect(1).uri, "sip:vm@example.test")
end)

test("5626-7.g the end of a branch that t_relay_to_tcp() sent elsewhere costs the phone nothing", function(t)
    local gw = peer.open(t, server.free_port(), function(request)
        return request.method == "INVITE" and peer.answer(request, 430) or nil
    end)
    local host, open = ways.start(t, { extra = "route[FOUND] { " .. relay_to("tcp", "127.0.0.1", gw.port) .. " }" })
    local bob, alice = open "bob", open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    gw:expect(1)
    refuse(bob, 486)
    alice:expect_final(call, 486)
    t:equal(#alice:bindings(bob.aor), 1)
    t:equal(host:statistic "reflow:bindings_dropped", 0)
end)

tap.done()
