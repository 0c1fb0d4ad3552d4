-- SPDX-License-Identifier: BSD-2-Clause
-- 3263-4.a: the servers of a trunk's name, found by NAPTR, SRV, A and AAAA records of a name server of the test.
local certificates = require "certificates"
local dns = require "dns"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test

local function relay_to(uri)
    return ([[local sip = require "reflow"
sip.on_request("INVITE", function() return sip.relay(%q) end)
sip.on_request("OPTIONS", function() return sip.relay(%q) end)]]):format(uri, uri)
end

-- A server that relays everything to this URI. options: records, args.
local function start(t, uri, options)
    local names = dns.open(t, { records = options.records })
    local args = { "--dns", "127.0.0.1:" .. names.port, "--t1", "100" }
    for _, argument in ipairs(options.args or {}) do
        args[#args + 1] = argument
    end
    local s = server.start(t, { source = relay_to(uri), args = args, status = true })
    return ua.open { port = s.port, user = "alice", domain = s.domain, transport = "udp" }, names, s
end

local refuse = peer.refuse

local function call(alice, status)
    alice:expect_final(alice:invite "sip:trunk@example.test", status or 486)
end

local methods = peer.methods

local function srv(port, target, priority, weight)
    return { priority = priority or 1, weight = weight or 0, port = port, target = target }
end

for _, family in ipairs { { "IPv4", "127.0.0.1", {} }, { "IPv6", "::1", { "--listen", "udp:[::1]:%d" } } } do
    local name, address = family[1], family[2]
    test("3263-4.a a trunk's name leads to the port of its SRV record, " .. name, function(t)
        local port = server.free_port()
        local trunk = peer.open(t, port, refuse, address)
        local args = {}
        for i, argument in ipairs(family[3]) do
            args[i] = argument:format(server.free_port())
        end
        local alice, names, s = start(t, "sip:trunk.test", { args = args, records = {
            ["trunk.test"] = { "192.0.2.1" },
            ["_sip._udp.trunk.test"] = { srv(port, "gateway.test") }, ["gateway.test"] = { address } } })
        call(alice)
        trunk:expect(2)
        t:equal(methods(trunk), "INVITE UDP, ACK UDP")
        -- The second call makes no query.
        local queries = names.queries
        call(alice)
        trunk:expect(4)
        t:equal(names.queries, queries)
        t:equal(names.asked["trunk.test"], nil)
        t:equal(s:number "names_naptr", 1)
        t:equal(s:number "names_srv", 2)
    end)
end

test("3263-4.a NAPTR records choose the transport, and the ACK goes the same way", function(t)
    local port = server.free_port()
    local trunk = peer.open(t, port, refuse)
    local alice = start(t, "sip:trunk.test", { records = {
        ["trunk.test"] = {
            { order = 1, preference = 2, service = "SIP+D2U", target = "_sip._udp.trunk.test" },
            { order = 1, preference = 1, service = "SIP+D2T", target = "_sip._tcp.trunk.test" } },
        ["_sip._udp.trunk.test"] = { srv(port, "gateway.test") },
        ["_sip._tcp.trunk.test"] = { srv(port, "gateway.test") }, ["gateway.test"] = { "127.0.0.1" } } })
    call(alice)
    trunk:expect(2)
    t:equal(methods(trunk), "INVITE TCP, ACK TCP")
end)

test("3263-4.a a record of a higher priority is used when the first server refuses", function(t)
    local ports = { server.free_port(), server.free_port() }
    local first = peer.open(t, ports[1], function(request)
        return request.method ~= "ACK" and peer.answer(request, 503) or nil
    end)
    local second = peer.open(t, ports[2], refuse)
    local alice = start(t, "sip:trunk.test;transport=udp", { records = {
        ["_sip._udp.trunk.test"] = { srv(ports[2], "gateway.test", 20), srv(ports[1], "gateway.test", 10) },
        ["gateway.test"] = { "127.0.0.1" } } })
    call(alice)
    first:expect(2)
    second:expect(2)
    t:equal(methods(second), "INVITE UDP, ACK UDP")
end)

test("3263-4.a calls are divided by weight", function(t)
    local counts, records = {}, { ["gateway.test"] = { "127.0.0.1" }, ["_sip._udp.trunk.test"] = {} }
    for i, weight in ipairs { 10, 90 } do
        local port = server.free_port()
        counts[i] = 0
        peer.open(t, port, function(request)
            counts[i] = counts[i] + 1
            return peer.answer(request, 200)
        end)
        records["_sip._udp.trunk.test"][i] = srv(port, "gateway.test", 1, weight)
    end
    local alice, _, s = start(t, "sip:trunk.test", { records = records, args = { "--limit-requests", "0" } })
    for _ = 1, 200 do
        alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test", contact = false }), 200)
    end
    t:equal(counts[1] + counts[2], 200)
    -- 20 are expected, with a deviation of 4.3.
    t:ok(counts[1] > 0 and counts[1] < 50, counts[1] .. " of 200 by a weight of 10 among 100")
    t:equal(s:number "names_srv", 2)
end)

test("3263-4.a a hundred SRV records come over TCP, and the first is used", function(t)
    local port = server.free_port()
    local trunk = peer.open(t, port, refuse)
    local records = { ["_sip._udp.trunk.test"] = {} }
    for i = 1, 100 do
        local host = ("gateway%d.test"):format(i)
        records["_sip._udp.trunk.test"][101 - i] = srv(port, host, i)
        records[host] = { "127.0.0.1" }
    end
    local alice, names = start(t, "sip:trunk.test", { records = records })
    call(alice)
    trunk:expect(2)
    t:equal(names.over_tcp, 1)
    t:ok(names.asked["gateway1.test"])
    t:equal(names.asked["gateway17.test"], nil)
end)

test("3263-4.a a service that does not exist is not called", function(t)
    local port = server.free_port()
    local trunk = peer.open(t, port, refuse)
    local alice, _, s = start(t, "sip:trunk.test", { records = {
        ["_sip._udp.trunk.test"] = { srv(0, "") }, ["trunk.test"] = { "127.0.0.1" } } })
    call(alice, 500)
    t:equal(#trunk.requests, 0)
    t:equal(s:number "names_unlocated", 1)
end)

-- What SRV says is not proved by DNS: the certificate is for the name in the URI.
for _, case in ipairs { { "the domain asked for", "DNS:trunk.test", 200 },
    { "the target", "DNS:gateway.test", 500 } } do
    test("5922-7.a by SRV over TLS the certificate must be for the domain of the URI; it is for " .. case[1],
        function(t)
            local authority = certificates.new(t)
            local own, far_cert = authority:sign "own", authority:sign("far", { names = case[2] })
            local far_port, near_port = server.free_port(), server.free_port()
            local far = server.start(t, { status = true, domain = "trunk.test",
                args = { "--listen", "tls:127.0.0.1:" .. far_port, "--tls-cert", far_cert.certificate, "--tls-key",
                    far_cert.key } })
            local alice, _, s = start(t, "sips:trunk.test", {
                records = { ["_sips._tcp.trunk.test"] = { srv(far_port, "gateway.test") },
                    ["gateway.test"] = { "127.0.0.1" } },
                args = { "--listen", "tls:127.0.0.1:" .. near_port, "--tls-cert", own.certificate, "--tls-key",
                    own.key, "--tls-ca", authority.certificate } })
            alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test", contact = false }), case[3])
            t:equal(far:number "requests" > 0, case[3] == 200)
            t:equal(s:number "tls_failed", case[3] == 200 and 0 or 1)
        end)
end

tap.done()
