-- SPDX-License-Identifier: BSD-2-Clause
-- baresip with two outbound proxies (RFC 5626): its flows are registered, kept alive, lost, and come back by
-- themselves; what it is called over is a flow that lives.
local baresip = require "baresip"
local certificates = require "certificates"
local host = require "host"
local relay = require "relay"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local read = require("file").read

local offer = { headers = { { "Content-Type", "application/sdp" } }, body = table.concat({ "v=0",
    "o=alice 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 40000 RTP/AVP 0",
    "a=rtpmap:0 PCMU/8000", "" }, "\r\n") }

local function invite(alice, aor)
    return alice:invite(aor, { headers = offer.headers, body = offer.body })
end

-- The reg-ids of bob's bindings, each of them with baresip's instance-id: "12".
local function reg_ids(alice, aor)
    local list = {}
    for _, binding in ipairs(alice:bindings(aor)) do
        if binding:find(ua.instance(1), 1, true) then
            list[#list + 1] = binding:match "reg%-id=(%d+)" or "?"
        end
    end
    table.sort(list)
    return table.concat(list)
end

local function expect_reg_ids(t, alice, wanted, ms)
    local got
    ua.wait.until_true(ms or ua.patience, function()
        got = reg_ids(alice, "sip:bob@example.test")
        return got == wanted or ua.wait.pause(50)
    end)
    t:equal(got, wanted, "reg-ids of bob's bindings")
end

-- baresip, registered through two proxies given as { host, port }; more are options of baresip.start.
local function register(t, alice, proxies, more)
    local o = { proxies = {}, domain = "example.test", transport = "tcp" }
    for name, value in pairs(more or {}) do
        o[name] = value
    end
    for index, each in ipairs(proxies) do
        o.proxies[index] = ("sip:%s:%d;transport=%s"):format(each.host, each.port, o.transport)
    end
    local bob = baresip.start(t, o)
    expect_reg_ids(t, alice, "12")
    return bob
end

-- The same with relays before the ports.
local function start(t, open, ports, more)
    local stage = { relays = {}, alice = open("alice") }
    for index, port in ipairs(ports) do
        stage.relays[index] = relay.open(t, port)
    end
    stage.bob = register(t, stage.alice, stage.relays, more)
    return stage
end

-- alice calls bob, who answers by himself; she hangs up. Returns the number of the flow that took the call.
local function call(stage)
    local before = {}
    for index, each in ipairs(stage.relays) do
        before[index] = each:count("down", "INVITE")
    end
    local alice = stage.alice
    local request = invite(alice, "sip:bob@example.test")
    local answer = alice:expect_final(request, 200)
    stage.bob:expect "CALL_ESTABLISHED"
    local bye = alice:within("BYE", request, answer)
    alice:expect_final(bye, 200)
    stage.bob:expect "CALL_CLOSED"
    for index, each in ipairs(stage.relays) do
        if each:count("down", "INVITE") > before[index] and not each.connections[#each.connections].silent then
            return index
        end
    end
end

local function expect_pongs(t, stage)
    t:ok(ua.wait.until_true(ua.patience, function()
        return stage.relays[1].pongs > 0 and stage.relays[2].pongs > 0
    end), "keep-alives of baresip are not answered")
end

local options = { transports = { "tcp" }, names = relay.addresses, flow_timer = 12, answer_timeout = 5120 }

host.test("baresip: 5626-7.f a flow is cut, the call comes over the other, the flow comes back", options,
    function(t, open, s)
        local stage = start(t, open, { s.port, s.port })
        expect_pongs(t, stage)
        local first = call(stage)
        stage.relays[first]:cut()
        t:equal(call(stage), 3 - first)
        expect_reg_ids(t, stage.alice, tostring(3 - first))
        expect_reg_ids(t, stage.alice, "12")
        t:equal(#stage.relays[first].connections, 2)
        stage.relays[3 - first]:goes_down()
        t:equal(call(stage), first)
    end)

host.test("baresip: 5626-7.d a flow falls silent, the call moves on when it is not answered", options,
    function(t, open, s)
        local stage = start(t, open, { s.port, s.port })
        local first = call(stage)
        stage.relays[first]:silence()
        t:equal(call(stage), 3 - first)
        t:ok(ua.wait.until_true(20000, function()
            return stage.relays[first]:count("up", "REGISTER") > 1
        end), "baresip did not come back")
        expect_reg_ids(t, stage.alice, "12")
        stage.relays[3 - first]:goes_down()
        t:equal(call(stage), first)
    end)

-- baresip calls alice, who hangs up.
local function call_out(bob, alice)
    alice:register {}
    bob:command("dial", alice.aor)
    local request = alice:expect "INVITE"
    alice:reply(request, 200, offer)
    alice:expect "ACK"
    bob:expect "CALL_ESTABLISHED"
    alice:expect_final(alice:within_called("BYE", request), 200)
    bob:expect "CALL_CLOSED"
end

host.test("baresip calls out, and the other side hangs up", options, function(t, open, s)
    local alice = open("alice")
    call_out(register(t, alice, { s, s }), alice)
end)

-- examples/edge.lua before that registrar.
local function start_edge(t, registrar, keys, port)
    local text = read "examples/edge.lua":gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. registrar.port)
    local arguments = { "--token-keys", keys, "--t1", "30", "--flow-timer", "12" }
    for _, address in ipairs(relay.addresses) do
        table.move({ "--domain", address }, 1, 2, #arguments + 1, arguments)
    end
    return server.start(t, { source = text, domain = false, port = port, args = arguments })
end

local function start_edges(t, registrar)
    local edges, keys = {}, {}
    for index = 1, 2 do
        keys[index] = server.temporary ".keys"
        t:defer(function()
            os.remove(keys[index])
        end)
        edges[index] = start_edge(t, registrar, keys[index])
    end
    return edges, keys
end

host.test("baresip: 5626-5.2.b an edge is killed, the call comes through the other, and the flow comes back", options,
    function(t, open, s)
        local edges, keys = start_edges(t, s)
        local stage = start(t, open, { edges[1].port, edges[2].port })
        expect_pongs(t, stage)
        local first = call(stage)
        edges[first]:kill()
        t:equal(call(stage), 3 - first)
        edges[first] = start_edge(t, s, keys[first], edges[first].port)
        t:equal(call(stage), 3 - first)
        t:ok(ua.wait.until_true(20000, function()
            return stage.relays[first]:count("up", "REGISTER") > 1
        end), "baresip did not come back")
        expect_reg_ids(t, stage.alice, "12")
        edges[3 - first]:kill()
        t:equal(call(stage), first)
    end)

host.test("baresip calls out through an edge, and the other side hangs up", options, function(t, open, s)
    local alice = open("alice")
    call_out(register(t, alice, (start_edges(t, s))), alice)
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
    local stage = start(t, host.opener(s, "tcp"), { port, port },
        { transport = "tls", config = "sip_cafile " .. authority.certificate .. "\n" })
    call(stage)
    stage.relays[1]:cut()
    call(stage)
    expect_reg_ids(t, stage.alice, "2")
    expect_reg_ids(t, stage.alice, "12")
    stage.relays[2]:cut()
    call(stage)
    expect_reg_ids(t, stage.alice, "1")
end

if os.getenv "REFLOW_HOST" ~= "kamailio" then
    tap.test("baresip: a flow over TLS is cut, the call comes over the other, the flow comes back [standalone tls]",
        over_tls)
end

tap.done()
