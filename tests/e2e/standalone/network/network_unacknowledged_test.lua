-- SPDX-License-Identifier: BSD-2-Clause
-- 5626-7.i: a phone with two flows, of which one has lost its network without FIN or RST.
local certificates = require "certificates"
local lab = require "lab"
local tap = require "tap"
local ua = require "ua"
local wait = require "wait"

local one = ua.instance(1)

-- Bob's flow on this host; that with the higher q is called first.
local function flow(host, transport, reg_id, q)
    local bob = host:open { user = "bob", transport = transport, instance = one, reg_id = reg_id }
    bob:register { q = q }
    return bob
end

local function serve(t, net, transport)
    local args = { "--verbose" }
    if transport ~= "tcp" and transport ~= "ws" then
        local files = certificates.new(t):sign("default", { names = "DNS:example.test" })
        table.move({ "--tls-cert", files.certificate, "--tls-key", files.key }, 1, 4, 2, args)
    end
    return net:serve { transports = { "udp", transport }, args = args, status = true }
end

-- Bob's two flows over this transport: `public` and `cell`, in the order in which they are called.
local function open(t, net, transport)
    local s = serve(t, net, transport)
    local alice = net.trunk:open { user = "alice" }
    local first, second = flow(net.public, transport, 1, "1.0"), flow(net.cell, transport, 2, "0.5")
    return s, alice, first, second
end

-- Answers the INVITE, and hangs up again.
local function answer(alice, request, bob, invite)
    bob:reply(invite, 200)
    local answered = alice:expect_final(request, 200)
    bob:expect "ACK"
    alice:within("BYE", request, answered)
    bob:reply(bob:expect "BYE", 200)
    alice:expect(200)
end

for _, transport in ipairs { "tcp", "tls", "ws", "wss" } do
    lab.test("5626-7.i with loss in both directions the call takes the other flow: " .. transport, function(t, net)
        local s, alice, first, second = open(t, net, transport)
        net.public:lose(100)
        local request = alice:invite(first.aor)
        local invite = second:expect "INVITE"
        -- The timers that a call would wait for without the rule take 32 s.
        t:at_most((invite.at - request.sent_at) / 1e6, ua.at_once)
        s:expect_log "flow is down: flow=%[[^%]]*%] reason=unacknowledged bindings=1"
        t:equal(s:number "unacknowledged", 1)
        t:equal(s:number "bindings", 1)
        net.public:lose(0)
        answer(alice, request, second, invite)
        -- The connection is gone, and the first copy with it.
        t:ok(wait.until_true(ua.patience, function()
            if not first.closed_by_peer then
                first:send_raw "\r\n\r\n"
                wait.pause(50)
            end
            return first.closed_by_peer
        end), "the first connection is still there")
        first:expect_none("INVITE", 0)
        flow(net.public, transport, 1, "1.0")
        t:equal(s:number "bindings", 2)
    end)
end

lab.test("5626-7.i 3261-17.2.3 a phone whose acknowledgements are lost gets a retransmission over its other flow",
    function(t, net)
        local s, alice, first, second = open(t, net, "tcp")
        net.public:lose(0, 100)
        local request = alice:invite(first.aor)
        local lost, invite = first:expect "INVITE", second:expect "INVITE"
        t:equal(invite:get "Via", lost:get "Via")
        t:equal(invite:get "CSeq", lost:get "CSeq")
        first:expect_closed()
        t:equal(s:number "unacknowledged", 1)
        -- Its transaction is the first one's, and it answers over the flow that it has.
        second:reply(lost, 180)
        alice:expect(180)
        second:reply(lost, 200)
        local answered = alice:expect_final(request, 200)
        second:expect "ACK"
        alice:within("BYE", request, answered)
        second:reply(second:expect "BYE", 200)
        alice:expect(200)
        second:expect_none("INVITE", 0)
    end)

lab.test("5626-7.i a phone that the INVITE does not reach, though its packets arrive, is called over its other flow",
    function(t, net)
        local s, alice, first, second = open(t, net, "tcp")
        net.public:lose(100, 0)
        local request = alice:invite(first.aor)
        first:send_raw "\r\n\r\n"
        local invite = second:expect "INVITE"
        net.public:lose(0)
        answer(alice, request, second, invite)
        first:expect_none("INVITE", 0)
        t:equal(s:number "unacknowledged", 1)
    end)

lab.test("5626-7.i a phone that comes back with a new connection gets the call there", function(t, net)
    local s = serve(t, net, "tcp")
    local alice, old = net.trunk:open { user = "alice" }, flow(net.public, "tcp", 1)
    net.public:lose(100)
    local request = alice:invite(old.aor)
    alice:expect(100)
    local new = flow(net.cell, "tcp", 1)
    answer(alice, request, new, new:expect "INVITE")
    old:expect_none("INVITE", 0)
    t:equal(s:number "unacknowledged", 1)
    t:equal(s:number "bindings", 1)
end)

-- Two seconds are more than twice the time after which a connection is suspect.
local function keeps_its_flow(t, s, alice, first, second)
    local request = alice:invite(first.aor)
    second:expect_none("INVITE", 2000)
    t:equal(s:number "unacknowledged", 0)
    return request
end

lab.test("5626-7.i a phone that acknowledges and does not read keeps its flow", function(t, net)
    local s, alice, first, second = open(t, net, "tcp")
    first:stop_reading()
    local request = keeps_its_flow(t, s, alice, first, second)
    first:read_on()
    answer(alice, request, first, first:expect "INVITE")
end)

lab.test("5626-7.i the only flow of a phone is not aborted, and the call gets through when its network is back",
    function(t, net)
        local s = serve(t, net, "tcp")
        local alice, bob, carol = net.trunk:open { user = "alice" }, flow(net.public, "tcp", 1),
            net.cell:open { user = "bob", transport = "tcp", instance = ua.instance(2), reg_id = 1 }
        carol:register { q = "0.1" }
        net.public:lose(100)
        local request = keeps_its_flow(t, s, alice, bob, carol)
        net.public:lose(0)
        answer(alice, request, bob, bob:expect "INVITE")
    end)

lab.test("5626-7.i over a slow path with loss a living flow is not aborted", { delays = { public = { 300, 150, 2 } } },
    function(t, net)
        local s = serve(t, net, "tcp")
        local alice, calls = net.trunk:open { user = "alice" }, {}
        for number = 1, 20 do
            local bob = { user = "bob" .. number, transport = "tcp", instance = ua.instance(number) }
            for reg_id, host in ipairs { net.public, net.cell } do
                bob.reg_id = reg_id
                local phone = host:open(bob)
                phone:register { q = reg_id == 1 and "1.0" or "0.5" }
                phone:serve { INVITE = host == net.public and 486 or 603 }
                calls[number] = phone.aor
            end
        end
        for number, aor in ipairs(calls) do
            calls[number] = alice:invite(aor)
        end
        for _, request in ipairs(calls) do
            alice:expect_final(request, 486)
        end
        t:equal(s:number "unacknowledged", 0)
    end)

tap.done()
