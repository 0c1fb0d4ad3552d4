-- SPDX-License-Identifier: BSD-2-Clause
-- Two Kamailio nodes that tell each other of their bindings by DMQ. A user agent has a flow at each.
local kamailio = require "kamailio"
local nodes = require "kamailio_nodes"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one = ua.instance(1)

local function modules()
    local names = { table.unpack(kamailio.modules) }
    table.remove(names) -- "reflow" comes last
    table.move({ "dmq", "dmq_usrloc", "reflow" }, 1, 3, #names + 1, names)
    return names
end

local function start_node(t, index, own, peer)
    return kamailio.start(t, { port = own, modules = modules(), memory = 64, core = "server_id=" .. index,
        extra = nodes.replies .. nodes.requests,
        params = { { "dmq", "server_address", "sip:127.0.0.1:" .. own },
            { "dmq", "notification_address", "sip:127.0.0.1:" .. peer }, { "dmq", "ping_interval", 60 },
            { "dmq_usrloc", "enable", 1 }, { "dmq_usrloc", "sync", 1 }, { "dmq_usrloc", "usrloc_delete", 1 } } })
end

-- stage.a, stage.b: the nodes; stage.open("a", user): a flow of a user agent to it.
local function start(t, transport)
    local ports = { a = server.free_port(), b = server.free_port() }
    local stage = { ports = ports, a = start_node(t, 1, ports.a, ports.b), b = start_node(t, 2, ports.b, ports.a) }
    function stage.open(name, user, other_transport)
        local flow = ua.open { port = ports[name], user = user, domain = "example.test",
            transport = other_transport or transport }
        t:defer(function()
            flow:close()
        end)
        return flow
    end
    nodes.meet(stage.a, stage.b)
    return stage
end

local function contacts(node)
    return node:statistic "usrloc:location_contacts"
end

local function becomes(t, node, count, ms)
    local got
    ua.wait.until_true(ms or ua.patience, function()
        got = contacts(node)
        return got == count
    end)
    t:equal(got, count, "contacts in usrloc of the node at port " .. node.port)
end

-- Flow 1 of bob at node A, flow 2 at node B; each node knows both bindings.
local function registered(t, stage)
    local at_a, at_b = stage.open("a", "bob"), stage.open("b", "bob")
    at_a:register { instance = one, reg_id = 1 }
    becomes(t, stage.b, 1)
    at_b:register { instance = one, reg_id = 2 }
    becomes(t, stage.a, 2)
    becomes(t, stage.b, 2)
    return at_a, at_b
end

-- A call through that node reaches this flow, at once, and the other one never.
local function reaches(t, stage, name, flow, other)
    local alice = stage.open(name, "alice")
    local call = alice:invite(flow.aor)
    local invite = flow:expect "INVITE"
    flow:reply(invite, 200)
    alice:expect_final(call, 200)
    flow:expect "ACK"
    t:at_most((invite.at - call.sent_at) / 1e6, 20000) -- and not after a timer of 30 s
    if other then
        other:expect_none("INVITE", 50)
    end
end

-- ... and reaches nobody.
local function reaches_nobody(stage, name, aor, status)
    local alice = stage.open(name, "alice")
    alice:expect_final(alice:invite(aor), status, ua.at_once)
end

for _, transport in ipairs { "tcp", "udp" } do
    local function named(what)
        return ("%s [kamailio %s]"):format(what, transport)
    end

    test(named "5626-7.e each node reaches the flow made with it, and sends nothing over the other's", function(t)
        local stage = start(t, transport)
        local at_a, at_b = registered(t, stage)
        reaches(t, stage, "a", at_a, at_b)
        reaches(t, stage, "b", at_b, at_a)
        -- The only flow of B's own is gone: A's is no way for B, though its binding lives.
        at_b:register { instance = one, reg_id = 2, expires = 0 }
        becomes(t, stage.b, 1)
        becomes(t, stage.a, 1)
        reaches_nobody(stage, "b", at_b.aor, 404)
        at_a:expect_none("INVITE", 50)
        reaches(t, stage, "a", at_a)
    end)

    test(named "5626-7.g a 430 at one node removes the binding at the other too", function(t)
        local stage = start(t, transport)
        local at_a, at_b = registered(t, stage)
        local alice = stage.open("a", "alice")
        local call = alice:invite(at_a.aor)
        at_a:reply(at_a:expect "INVITE", 430)
        -- A has no other flow of its own: 480 (5626-11.5.a).
        alice:expect_final(call, 480)
        becomes(t, stage.a, 1, ua.at_once)
        becomes(t, stage.b, 1)
        reaches(t, stage, "b", at_b, at_a)
        reaches_nobody(stage, "a", at_a.aor, 404)
        at_a:register { instance = one, reg_id = 1 }
        becomes(t, stage.b, 2, ua.at_once)
        reaches(t, stage, "a", at_a, at_b)
    end)

    test(named "5626-6.i a flow that moves to the other node is that node's, and no longer the first's", function(t)
        local stage = start(t, transport)
        local before = stage.open("a", "bob")
        before:register { instance = one, reg_id = 1 }
        becomes(t, stage.b, 1)
        local now = stage.open("b", "bob")
        now:register { instance = one, reg_id = 1 }
        assert(ua.wait.until_true(ua.at_once, function()
            return assert(stage.a:rpc("reflow.flows", now.aor)):find "alive: another node's"
        end), "the first node does not hear of it")
        becomes(t, stage.b, 1)
        becomes(t, stage.a, 1)
        reaches(t, stage, "b", now, before)
        reaches_nobody(stage, "a", now.aor, 404)
        -- The connection that it came from is nothing to it any more.
        before:close()
        reaches(t, stage, "b", now)
        becomes(t, stage.a, 1)
        becomes(t, stage.b, 1)
    end)

    test(named "5626-7.e a node is killed and comes back: it gets its peer's bindings again, and trusts none of them",
        function(t)
            local stage = start(t, transport)
            local at_a, at_b = registered(t, stage)
            stage.b:kill9()
            reaches(t, stage, "a", at_a, at_b)
            stage.b = start_node(t, 2, stage.ports.b, stage.ports.a)
            becomes(t, stage.b, 2)
            if transport == "tcp" then
                reaches_nobody(stage, "b", at_a.aor, 404)
                at_b = stage.open("b", "bob")
                at_b:register { instance = one, reg_id = 2 }
            end
            reaches(t, stage, "b", at_b, at_a)
            at_a:expect_none("INVITE", 50)
            becomes(t, stage.a, 2)
        end)
end

test("5626-7.f a flow that closes at one node is not tried by the other [kamailio tcp]", function(t)
    local stage = start(t, "tcp")
    local at_a, at_b = registered(t, stage)
    at_a:close()
    becomes(t, stage.a, 1, ua.at_once)
    becomes(t, stage.b, 1)
    reaches(t, stage, "b", at_b)
    reaches_nobody(stage, "a", at_b.aor, 404)
    local again = stage.open("a", "bob")
    again:register { instance = one, reg_id = 1 }
    becomes(t, stage.b, 2, ua.at_once)
    reaches(t, stage, "a", again, at_b)
    t:equal(stage.a:statistic "reflow:flows_down", 1)
    t:equal(stage.b:statistic "reflow:flows_down", 0)
end)

test("5626-7.f a connection that is reset under a call: its binding goes at both nodes [kamailio tcp]", function(t)
    local stage = start(t, "tcp")
    local at_a, at_b = registered(t, stage)
    local alice = stage.open("a", "alice")
    local call = alice:invite(at_a.aor)
    at_a:expect "INVITE"
    at_a:close(true)
    alice:expect_final(call, 480, 20000)
    becomes(t, stage.b, 1)
    reaches(t, stage, "b", at_b)
end)

test("5626-7.f 200 flows of one node close at once: the other loses them [kamailio tcp]", function(t)
    local stage = start(t, "tcp")
    local flows = {}
    for index = 1, 200 do
        flows[index] = stage.open("a", "user" .. index)
        flows[index]:register { instance = ua.instance(index), reg_id = 1 }
    end
    becomes(t, stage.b, 200)
    for _, flow in ipairs(flows) do
        flow:close()
    end
    becomes(t, stage.a, 0)
    becomes(t, stage.b, 0)
end)

-- examples/edge.lua in front of that node.
local function start_edge(t, registrar)
    local file <close> = assert(io.open "examples/edge.lua")
    local keys = server.temporary ".keys"
    t:defer(function()
        os.remove(keys)
    end)
    return server.start(t, { source = file:read("a"):gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. registrar.port),
        domain = false, status = true, args = { "--token-keys", keys, "--t1", "100" } })
end

for _, transport in ipairs { "tcp", "udp" } do
    test(("5626-7.e behind an edge, whose Path leads to it, a flow may be used by both nodes [kamailio %s]"):format(
        transport), function(t)
        local stage = start(t, "udp")
        local edge = start_edge(t, stage.a)
        local bob = ua.open { port = edge.port, user = "bob", domain = "example.test", transport = transport }
        bob:register { instance = one, reg_id = 1 }
        becomes(t, stage.b, 1)
        reaches(t, stage, "a", bob)
        reaches(t, stage, "b", bob)
        local direct = stage.open("b", "bob")
        direct:register { instance = one, reg_id = 2 }
        becomes(t, stage.a, 2)
        if transport == "udp" then
            bob:register { instance = one, reg_id = 1, expires = 0 }
        else
            -- The edge says 430, the binding goes at both nodes.
            bob:close()
            local alice = stage.open("a", "alice")
            alice:expect_final(alice:invite(bob.aor), 480, ua.at_once)
        end
        becomes(t, stage.a, 1, ua.at_once)
        becomes(t, stage.b, 1)
        reaches(t, stage, "b", direct)
    end)
end

tap.done()
