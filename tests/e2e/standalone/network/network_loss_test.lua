-- SPDX-License-Identifier: BSD-2-Clause
-- Calls on links that lose packets: retransmissions get them through, and what arrives twice is handled once.
local dialog = require "dialog"
local lab = require "lab"
local persistent = require "persistent"
local tap = require "tap"

local calls <const> = 2

local function count(received, method)
    local number = 0
    for _, each in ipairs(received) do
        number = number + (each.method == method and 1 or 0)
    end
    return number
end

-- Without a provisional response, because nobody repeats one that was lost.
local function whole_call(t, caller, callee)
    local call = dialog.begin(caller, callee, { body = dialog.offer })
    call:accept { body = dialog.offer }
    call:ask(callee, "INFO")
    call:ask(caller, "INVITE", { body = dialog.offer, answer = { body = dialog.offer } })
    call:ask(callee, "BYE")
    t:equal(count(callee.inbox, "INVITE"), 0, "INVITEs that came a second time")
end

-- Every third packet, each direction by itself.
for _, case in ipairs { { "in both directions", 3, 3 }, { "towards the phones", 3, 0 },
    { "from the phones", 0, 3 } } do
    lab.test("calls over UDP get through where packets are lost " .. case[1], function(t, net)
        net:serve()
        local function open(host, user)
            local flow = persistent.open(t, function(options)
                return host:open(options)
            end, { user = user })
            flow:register { supported = false }
            return flow
        end
        local alice, bob = open(net.desk, "alice"), open(net.remote, "bob")
        net.home:lose_every(case[2], case[3])
        net.office:lose_every(case[2], case[3])
        for _ = 1, calls do
            whole_call(t, alice, bob)
        end
        t:ok(net:count_lost() > 0, "no packet was lost")
    end)
end

lab.test("calls over TCP get through where packets are lost in both directions", function(t, net)
    net:serve()
    local function open(host, user)
        local flow = host:open { user = user, transport = "tcp" }
        flow:register { supported = false }
        return flow
    end
    local alice, bob = open(net.desk, "alice"), open(net.remote, "bob")
    net.home:lose_every(7)
    net.office:lose_every(7)
    for _ = 1, calls do
        whole_call(t, alice, bob)
    end
    t:ok(net:count_lost() > 0, "no packet was lost")
    t:equal(alice.repeats + bob.repeats, 0, "messages that came twice")
end)

lab.test("TCP carries large messages over a link of 1280 bytes on which fragments are lost", function(t, net)
    net:serve()
    net.office:mtu(1280)
    net:lose_fragments(true)
    local alice = net.public:open { user = "alice", transport = "tcp" }
    local bob = net.remote:open { user = "bob", transport = "tcp" }
    bob:register { supported = false }
    alice:register { supported = false }
    local body = dialog.offer .. ("a=x\r\n"):rep(2000)
    for _, pair in ipairs { { alice, bob }, { bob, alice } } do
        local call = dialog.begin(pair[1], pair[2], { body = body })
        t:equal(call.received.body, body)
        t:equal(call:accept { body = body }.body, body)
        call:ask(pair[2], "BYE")
    end
end)

lab.test("UDP carries datagrams over a link of 1280 bytes in fragments", function(t, net)
    net:serve()
    net.office:mtu(1280)
    local alice = net.public:open { user = "alice" }
    local bob = net.remote:open { user = "bob" }
    bob:register { supported = false }
    local body = dialog.offer .. ("a=x\r\n"):rep(200)
    local call = dialog.begin(alice, bob, { body = body })
    t:equal(call.received.body, body)
    t:equal(call:accept { body = body }.body, body)
    call:ask(bob, "BYE")
end)

tap.done()
