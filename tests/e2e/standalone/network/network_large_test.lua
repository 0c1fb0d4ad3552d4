-- SPDX-License-Identifier: BSD-2-Clause
-- 3261-18.1.1.a: large requests where fragments are lost, where TCP is dropped, and to a phone behind a NAT.
local lab = require "lab"
local peer = require "peer"
local tap = require "tap"

local policy = [[sip_on_request("INVITE", function() return sip_relay "sip:trunk@%s:5060" end)]]

local refuse = peer.refuse

local function start(t, net)
    local trunk = net.trunk:within(peer.open, t, 5060, refuse, net.trunk.address)
    local s = net:serve { source = policy:format(net.trunk.address), status = true }
    return s, trunk, net.public:open { user = "alice", transport = "tcp" }
end

local function call(alice, padding)
    local request = alice:invite("sip:trunk@example.test", { headers = { { "X-Large", ("x"):rep(padding) } } })
    alice:expect_final(request, 486)
end

local function invites(trunk)
    local list = {}
    for _, request in ipairs(trunk.requests) do
        if request.method == "INVITE" then
            list[#list + 1] = request:all("Via")[1]:match "^SIP/2%.0/(%a+)"
        end
    end
    return table.concat(list, " ")
end

lab.test("3261-18.1.1.a a large request arrives where fragments are lost", function(t, net)
    local s, trunk, alice = start(t, net)
    net.trunk:mtu(1280)
    net:lose_fragments(true)
    call(alice, 2000)
    call(alice, 10)
    t:equal(invites(trunk), "TCP UDP")
    t:equal(s:number "large_by_stream", 1)
end)

lab.test("3261-18.1.1.a a path MTU that the kernel has learned is a lower limit", function(t, net)
    local s, trunk, alice = start(t, net)
    net.trunk:mtu(1280)
    -- The first datagram that is larger than the link teaches the kernel, and is repeated in fragments.
    local padding = 300
    repeat
        padding = padding + 40
        call(alice, padding)
    until invites(trunk):find "TCP" or padding > 1000
    t:match(invites(trunk), "^UDP[ UDP]* TCP$")
    local last = trunk.requests[#trunk.requests]
    last = last.method == "INVITE" and last or trunk.requests[#trunk.requests - 1]
    t:ok(#last.text > 1280 - 200 and #last.text <= 1300, ("the INVITE had %d bytes"):format(#last.text))
    t:equal(s:number "large_by_stream", 1)
end)

lab.test("3261-18.1.1.a a large request to a phone behind a NAT keeps to its UDP flow", function(t, net)
    local s = net:serve { status = true }
    local alice, bob = net.public:open { user = "alice" }, net.desk:open { user = "bob" }
    bob:register { supported = false }
    local request = alice:invite(bob.aor, { headers = { { "X-Large", ("x"):rep(3000) } } })
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(request, 486)
    t:equal(s:number "large_by_stream", 0)
end)

tap.done()
