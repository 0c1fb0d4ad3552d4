-- SPDX-License-Identifier: BSD-2-Clause
-- Where a call goes and when it moves to another flow (RFC 5626 sections 7 and 11.5).
local uv = require "luv"
local tap = require "tap"
local ua = require "ua"
local host = require "host"
local flows = require "flows"

local test = host.test
local over_tcp = { transports = { "tcp" } }
local over_udp = { transports = { "udp" } }
local one, two = ua.instance(1), ua.instance(2)

test("a call from end to end", function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    alice:call(bob)
    t:equal(#bob.odd + #alice.odd, 0)
end)

test("a call from one transport to the other and back", function(_, open, s)
    local bob, alice = open("bob"), open("alice", { transport = s.other_transport })
    bob:register { instance = one, reg_id = 1 }
    alice:register { instance = two, reg_id = 1 }
    alice:call(bob)
    bob:call(alice)
end)

test("5626-7.a the INVITE goes over one flow of the instance, never over two", function(_, open)
    local taken, other, caller, call = flows.equal(open)
    local invite = taken:expect "INVITE"
    taken:reply(invite, 180)
    other:expect_none("INVITE", 300)
    taken:reply(invite, 200)
    caller:expect_final(call, 200)
    taken:expect "ACK"
    other:expect_none("ACK", 100)
end)

test("5626-7.a two instances ring at the same time, one flow each", function(t, open)
    local bob, desk = flows.equal(open)
    t:ok(bob and desk)
    local phone = open("bob")
    phone:register { instance = two, reg_id = 1 }
    local caller = open("carol")
    local call = caller:invite(phone.aor)
    local invite = phone:expect "INVITE"
    local arrived
    local function arrivals()
        arrived = {}
        for _, flow in ipairs { bob, desk } do
            for _, received in ipairs(flow.inbox) do
                if received.method == "INVITE" and received:get "Call-ID" == call:get "Call-ID" then
                    arrived[#arrived + 1] = flow
                end
            end
        end
        return #arrived
    end
    ua.wait.until_true(ua.patience, function()
        return arrivals() > 0
    end)
    ua.wait.pause(300)
    t:equal(arrivals(), 1)
    phone:reply(invite, 603)
    for _, received in ipairs(arrived[1].inbox) do
        if received.method == "INVITE" then
            arrived[1]:reply(received, 486)
        end
    end
    caller:expect_final(call, 603)
end)

test("5626-7.b 5626-7.g 430 moves the call to the other flow and drops that binding alone", function(t, open)
    local taken, other, caller, call = flows.equal(open)
    taken:reply(taken:expect "INVITE", 430)
    taken:expect "ACK"
    local invite = other:expect "INVITE"
    other:reply(invite, 200)
    caller:expect_final(call, 200)
    other:expect "ACK"
    t:equal(#caller:bindings(taken.aor), 1)
end)

test("5626-7.c a final answer of the instance is final: the other flow is not tried", function(t, open)
    for _, status in ipairs { 486, 403, 404, 480, 500, 503, 302 } do
        local taken, other, caller, call = flows.equal(open)
        taken:reply(taken:expect "INVITE", status)
        taken:expect "ACK"
        local answer = caller:expect_final(call)
        t:ok(answer.status >= 300, "status " .. answer.status)
        other:expect_none("INVITE", 120)
        t:equal(#caller:bindings(taken.aor), 2)
        caller:register { aor = taken.aor, contact = "*", expires = 0 }
    end
end)

test("5626-7.c nor in another q class", function(_, open)
    local first, second, caller = flows.two(open)
    local call = caller:invite(first.aor)
    first:reply(first:expect "INVITE", 486)
    caller:expect_final(call, 486)
    second:expect_none("INVITE", 200)
end)

test("5626-7.d 408 without a provisional: the other flow is tried", function(_, open)
    local taken, other, caller, call = flows.equal(open)
    taken:reply(taken:expect "INVITE", 408)
    other:reply(other:expect "INVITE", 200)
    caller:expect_final(call, 200)
end)

test("5626-7.d 408 after 180: the instance had its chance", function(_, open)
    local taken, other, caller, call = flows.equal(open)
    local invite = taken:expect "INVITE"
    taken:reply(invite, 180)
    caller:expect(180)
    taken:reply(invite, 408)
    caller:expect_final(call, 408)
    other:expect_none("INVITE", 200)
end)

test("5626-7.e UDP: the INVITE goes where the REGISTER came from, not to the Contact", over_udp, function(t, open)
    local bob, decoy = open("bob"), open("decoy")
    bob:register { instance = one, reg_id = 1, contact_uri = decoy.contact_uri }
    local caller = open("alice")
    local call = caller:invite(bob.aor)
    local invite = bob:expect "INVITE"
    t:equal(invite.uri, decoy.contact_uri)
    bob:reply(invite, 486)
    caller:expect_final(call, 486)
    decoy:expect_none("INVITE", 50)
end)

test("5626-7.e TCP: the INVITE comes over the connection that the REGISTER made", over_tcp, function(_, open)
    local bob, other = open("bob"), open("bob")
    bob:register { instance = one, reg_id = 1, contact_uri = other.contact_uri }
    local caller = open("alice")
    local call = caller:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    caller:expect_final(call, 486)
end)

test("5626-7.f a closed connection takes its bindings with it, of every AOR, and no others", over_tcp, function(t, open)
    local shared, other, watcher = open("bob"), open("bob"), open("watcher")
    shared:register { instance = one, reg_id = 1 }
    shared:register { aor = "sip:carol@example.test", instance = one, reg_id = 1 }
    other:register { instance = one, reg_id = 2 }
    t:equal(#watcher:bindings(shared.aor), 2)
    t:equal(#watcher:bindings "sip:carol@example.test", 1)
    shared:close()
    ua.wait.until_true(ua.patience, function()
        return #watcher:bindings(shared.aor) == 1
    end)
    t:equal(#watcher:bindings(shared.aor), 1)
    t:equal(#watcher:bindings "sip:carol@example.test", 0)
end)

test("5626-7.h the flow dies while the call waits: over at once to the other one", over_tcp, function(t, open)
    local taken, other, caller, call = flows.equal(open)
    local invite = taken:expect "INVITE"
    taken:reply(invite, 100)
    local closed_at = uv.hrtime()
    taken:close()
    local moved = other:expect "INVITE"
    t:at_most((moved.at - closed_at) / 1e6, ua.at_once, "milliseconds to the other flow")
    t:ok(moved:branch() ~= invite:branch(), "a branch of its own")
    other:reply(moved, 200)
    caller:expect_final(call, 200)
end)

test("5626-7.h a reset counts as well, before the INVITE too", over_tcp, function(_, open)
    local first, second, caller = flows.two(open)
    first:close(true)
    local call = caller:invite(first.aor)
    second:reply(second:expect "INVITE", 200)
    caller:expect_final(call, 200)
end)

test("5626-7.h after 180 the dead flow's branch waits for the instance", {
    transports = { "tcp" },
    answer_timeout = 1280,
}, function(_, open)
    local taken, other, caller, call = flows.equal(open)
    taken:reply(taken:expect "INVITE", 180)
    caller:expect(180)
    taken:close()
    other:expect_none("INVITE", 300)
    caller:cancel(call)
    caller:expect_final(call)
end)

test("5626-11.5.a every flow says 430: the caller gets 480", function(_, open)
    local taken, other, caller, call = flows.equal(open)
    taken:reply(taken:expect "INVITE", 430)
    other:reply(other:expect "INVITE", 430)
    caller:expect_final(call, 480)
    caller:expect_bindings(taken.aor, 0)
end)

test("5626-11.5.b 430, then 486: the caller gets 486", function(_, open)
    local taken, other, caller, call = flows.equal(open)
    taken:reply(taken:expect "INVITE", 430)
    other:reply(other:expect "INVITE", 486)
    caller:expect_final(call, 486)
end)

test("5626-7.f everything dead: 480 at once", over_tcp, function(t, open)
    local first, second, caller = flows.two(open)
    first:close()
    second:close()
    local call = caller:invite(first.aor)
    local answer = caller:expect_final(call, 480)
    t:at_most((answer.at - call.sent_at) / 1e6, ua.at_once, "milliseconds to the answer")
end)

test("5626-7.h both flows die while the call waits: 480 at once", over_tcp, function(t, open)
    local taken, other, caller, call = flows.equal(open)
    taken:expect "INVITE"
    other:close()
    ua.wait.until_true(ua.patience, function()
        return #caller:bindings(taken.aor) == 1
    end)
    local closed_at = uv.hrtime()
    taken:close()
    local answer = caller:expect_final(call, 480)
    t:at_most((answer.at - closed_at) / 1e6, ua.at_once, "milliseconds to the answer")
end)

test("nobody registered: 480 for a user of ours, 404 is as good", function(t, open)
    local caller = open("alice")
    local answer = caller:expect_final(caller:invite "sip:nobody@example.test")
    t:ok(answer.status == 480 or answer.status == 404, "status " .. answer.status)
end)

test("5626-7.b a MESSAGE moves over a 430 as a call does", function(t, open)
    local first, second, caller = flows.two(open)
    local request = caller:request("MESSAGE", { uri = first.aor, contact = false, body = "hello" })
    first:reply(first:expect "MESSAGE", 430)
    local moved = second:expect "MESSAGE"
    t:equal(moved.body, "hello")
    second:reply(moved, 200)
    caller:expect_final(request, 200)
end)

test("4320-4.a 5626-7.d 408 to a MESSAGE is not sent on", function(_, open)
    local bob, caller = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    caller:request("MESSAGE", { uri = bob.aor, contact = false })
    bob:reply(bob:expect "MESSAGE", 408)
    caller:expect_none(408, 400)
end)

test("a Route with a name that we serve is ours: phones name their outbound proxy so", function(t, open)
    local bob, caller = open("bob"), open("alice")
    local route = "<sip:example.test;lr>"
    bob:register { instance = one, reg_id = 1, routes = { route } }
    local call = caller:invite(bob.aor, { routes = { route } })
    local invite = bob:expect "INVITE"
    t:equal(invite:get "Route", nil)
    bob:reply(invite, 200)
    caller:expect_final(call, 200)
end)

test("a plain phone's requests find the caller whose Contact leads nowhere, his find the phone", function(_, open, s)
    local bob, alice = open("bob"), ua.open { port = s.port, user = "alice", domain = s.domain }
    local nowhere = "sip:bob@127.0.0.1:9;transport=" .. s.transport
    bob:register { instance = one, reg_id = 1, contact_uri = nowhere }
    alice:register {}
    local call = bob:invite(alice.aor, { contact = ("<%s>"):format(nowhere) })
    local invite = alice:expect "INVITE"
    alice:reply(invite, 200)
    local answer = bob:expect_final(call, 200)
    alice:expect "ACK"
    local info = alice:within_called("INFO", invite)
    bob:reply(bob:expect "INFO", 200)
    alice:expect_final(info, 200)
    local bye = bob:within("BYE", call, answer)
    alice:reply(alice:expect "BYE", 200)
    bob:expect_final(bye, 200)
end)

tap.done()
