-- SPDX-License-Identifier: BSD-2-Clause
-- What our own server does beyond what both hosts do: ICMP on UDP, dialogs whose flow died, loops.
local tap = require "tap"
local ua = require "ua"
local flows = require "flows"
local host = require "host"
local server = require "server"

local test = tap.test
local one = ua.instance(1)

local function start(t, transport, options)
    return host.opener(server.start(t, options), transport)
end

test("5626-7.f 5626-7.h 3261-16.9.a UDP: port unreachable fails the flow over", function(t)
    local first, second, caller = flows.two(start(t, "udp"))
    first:close()
    local call = caller:invite(first.aor)
    local invite = second:expect "INVITE"
    second:reply(invite, 200)
    caller:expect_final(call, 200)
    t:equal(#caller:bindings(first.aor), 1)
end)

test("the flow of a dialog dies: what follows in the dialog reaches the instance over another", function(t)
    local taken, other, caller, call = flows.equal(start(t, "tcp"))
    local invite = taken:expect "INVITE"
    taken:reply(invite, 200)
    local answer = caller:expect_final(call, 200)
    caller:within("ACK", call, answer)
    taken:expect "ACK"
    taken:close()
    ua.wait.until_true(ua.patience, function()
        return #caller:bindings(taken.aor) == 1
    end)
    local bye = caller:within("BYE", call, answer)
    other:reply(other:expect "BYE", 200)
    caller:expect_final(bye, 200)
end)

test("the BYE goes over the flow of the INVITE though the Contact leads nowhere", function(t)
    local open = start(t, "tcp")
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1, contact_uri = "sip:bob@192.0.2.44:5099;transport=tcp;ob" }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 200, { contact = "<sip:bob@192.0.2.44:5099;transport=tcp;ob>" })
    local answer = alice:expect_final(call, 200)
    bob:expect "ACK"
    local bye = alice:within("BYE", call, answer)
    bob:reply(bob:expect "BYE", 200)
    alice:expect_final(bye, 200)
end)

test("RFC 5393: a request that comes round is 482", function(t)
    local here, there = server.free_port(), server.free_port()
    local source = 'sip_on_request("INVITE", function() return sip_relay("sip:round@127.0.0.1:%d;transport=tcp") end)'
    local open = start(t, "tcp", { port = here, source = source:format(there) })
    start(t, "tcp", { port = there, source = source:format(here) })
    local alice = open("alice")
    local call = alice:invite "sip:anybody@example.test"
    alice:expect_final(call, 482)
end)

tap.done()
