-- SPDX-License-Identifier: BSD-2-Clause
-- What an operator sees of flows: gauges, and the names of transports in RPCs, events and decisions.
local certificates = require "certificates"
local kamailio = require "kamailio"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one = ua.instance(1)

local events = [[
event_route[reflow:flow-up] { xlog("L_NOTICE", "UP $reflow(flow) END\n"); }
event_route[reflow:flow-down] { xlog("L_NOTICE", "DOWN $reflow(flow) END\n"); }
]]

local function start(t, transport, options)
    local secure = transport ~= "udp" and transport ~= "tcp"
    options = options or {}
    options.extra = events
    options.secure = secure and certificates.new(t):sign("default", { names = "DNS:example.test" }) or nil
    options.children, options.tcp_children = 1, 1
    local host = kamailio.start(t, options)
    return host, function(user)
        return ua.open { port = host.ports and host.ports[transport] or host.port, user = user, domain = host.domain,
            transport = transport }
    end
end

for _, transport in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
    test("a flow is named by its transport: " .. transport, function(t)
        local host, open = start(t, transport)
        local bob = open "bob"
        bob:register { instance = one, reg_id = 1 }
        local number = transport ~= "udp" and " #%d+" or ""
        local flow = transport .. " 127%.0%.0%.1:%d+%-127%.0%.0%.1:%d+" .. number
        host:wait_for_log("UP " .. flow .. " END")
        local text = assert(host:rpc("reflow.flows", bob.aor))
        t:match(text, "transport: " .. transport .. "\n")
        t:match(text, "flow: " .. flow .. "\n")
        for _, name in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
            t:equal(host:statistic("reflow:flows_" .. name), name == transport and 1 or 0, name)
        end
        bob:close()
        if transport ~= "udp" then -- the connection is gone, and the name is the same
            host:wait_for_log("DOWN " .. transport .. " 127%.0%.0%.1:%d+%-127%.0%.0%.1:%d+[^\n]* END")
            t:ok(ua.wait.until_true(ua.patience, function()
                return host:statistic("reflow:flows_" .. transport) == 0
            end))
        end
    end)
end

-- A worker counts after it has sent: the message may be here before.
local function gauge_becomes(t, host, name, value)
    local got
    ua.wait.until_true(ua.patience, function()
        got = host:statistic("reflow:" .. name)
        return got == value or ua.wait.pause(20)
    end)
    t:equal(got, value, name)
end

test("gauges of flows and bindings", function(t)
    local host, open = start(t, "tcp")
    local function gauge(name)
        return host:statistic("reflow:" .. name)
    end
    local function becomes(name, value)
        gauge_becomes(t, host, name, value)
    end
    for _, name in ipairs { "flows", "flows_stream", "flows_datagram", "flow_binding_count", "waiting_branches",
        "in_flight_transactions", "in_flight_bytes", "resting", "silent" } do
        t:equal(gauge(name), 0, name)
    end
    t:ok(gauge "flow_memory" > 0)
    -- Two bindings on one connection, one on another, one over UDP.
    local bob, carol, second = open "bob", open "carol", open "bob"
    local dave = ua.open { port = host.port, user = "dave", domain = host.domain }
    bob:register { instance = one, reg_id = 1 }
    bob:register { aor = carol.aor, instance = ua.instance(2), reg_id = 1 }
    ua.wait.pause(1100) -- the newest flow is called first, and usrloc counts whole seconds
    second:register { instance = one, reg_id = 2 }
    dave:register { instance = ua.instance(3), reg_id = 1 }
    becomes("flow_binding_count", 4)
    becomes("flows", 3)
    becomes("flows_stream", 2)
    becomes("flows_datagram", 1)
    -- A call that waits.
    local alice = open "alice"
    local call = alice:invite(dave.aor)
    local invite = dave:expect "INVITE"
    becomes("in_flight_transactions", 1)
    t:ok(gauge "in_flight_bytes" > 100)
    dave:reply(invite, 486)
    alice:expect_final(call, 486)
    becomes("in_flight_transactions", 0)
    becomes("in_flight_bytes", 0)
    call = alice:invite(bob.aor)
    local first = second:expect "INVITE"
    becomes("waiting_branches", 1)
    second:reply(first, 486)
    alice:expect_final(call, 486)
    becomes("waiting_branches", 0)
    -- A connection ends with both of its bindings.
    bob:close()
    becomes("flow_binding_count", 2)
    becomes("flows_stream", 1)
    second:register { instance = one, reg_id = 2, expires = 0 }
    dave:register { instance = ua.instance(3), reg_id = 1, expires = 0 }
    becomes("flows", 0)
    becomes("flow_binding_count", 0)
    -- reset_stats sets counters alone to 0.
    dave:register { instance = ua.instance(3), reg_id = 1 }
    assert(host:rpc "reflow.reset_stats")
    becomes("flows", 1)
    becomes("registers_accepted", 0)
end)

test("a destination that rests or is silent is counted", function(t)
    local host, open = start(t, "udp")
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 503, { headers = { { "Retry-After", "20" } } })
    alice:expect_final(call, 500)
    gauge_becomes(t, host, "resting", 1)
    gauge_becomes(t, host, "silent", 0)
end)

test("an edge without usrloc has the gauges too", function(t)
    local host = kamailio.start(t, { config = "request_route { exit; }\n",
        modules = { "kex", "tm", "sl", "rr", "outbound", "ctl", "reflow" } })
    t:equal(host:statistic "reflow:flows", 0)
    t:equal(host:statistic "reflow:binding_bytes", 0)
end)

tap.done()
