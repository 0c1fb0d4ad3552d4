-- SPDX-License-Identifier: BSD-2-Clause
-- What happens before a call is accepted, between phones behind NATs: early media, reliable provisional responses
-- (RFC 3262) also of a request that forks, and UPDATE in early dialogs (RFC 3311).
local dialog = require "dialog"
local host = require "host"
local tap = require "tap"
local ua = require "ua"

local function open(place, user, transport)
    local phone = place:open { user = user, transport = transport }
    phone:register { supported = false }
    return phone
end

-- body(t, caller, callee): from one NAT to the other, and the way back.
local function each_way(name, body)
    host.net_test(name, function(t, net, transport)
        local alice, bob = open(net.desk, "alice", transport), open(net.remote, "bob", transport)
        body(t, alice, bob)
        body(t, bob, alice)
    end)
end

local reliable = { { "Require", "100rel" }, { "RSeq", "1" } }

local function rack(call, number)
    return { { "RAck", ("%d %d INVITE"):format(number or 1, call.invite:cseq()) } }
end

-- A reliable provisional response with an answer, and its PRACK.
local function progress_reliably(t, call, number)
    local headers = { { "Require", "100rel" }, { "RSeq", tostring(number or 1) } }
    local answer = call:progress(number == 2 and 180 or 183, { headers = headers, body = dialog.offer })
    t:equal(answer:get "Require", "100rel")
    t:equal(answer:get "RSeq", tostring(number or 1))
    t:equal(answer.body, dialog.offer)
    local received = call:ask(call.caller, "PRACK", { headers = rack(call, number) })
    t:equal(received:get "RAck", rack(call, number)[1][2])
end

each_way("early media, then an answer", function(t, alice, bob)
    local call = dialog.begin(alice, bob, { body = dialog.offer })
    t:equal(call:progress(183, { body = dialog.offer }).body, dialog.offer)
    t:equal(call:progress(180, { body = dialog.media "sendonly" }).body, dialog.media "sendonly")
    t:equal(call:accept({ body = dialog.offer }).body, dialog.offer)
    call:ask(bob, "BYE")
end)

each_way("early media, then the caller cancels", function(t, alice, bob)
    local call = dialog.begin(alice, bob, { body = dialog.offer })
    call:progress(183, { body = dialog.offer })
    alice:cancel(call.invite)
    bob:reply(bob:expect "CANCEL", 200, { contact = false })
    bob:reply(call.received, 487)
    t:equal(alice:expect_final(call.invite, 487).status, 487)
    bob:expect "ACK"
end)

each_way("early media, then the callee refuses", function(_, alice, bob)
    local call = dialog.begin(alice, bob, { body = dialog.offer })
    call:progress(183, { body = dialog.offer })
    bob:reply(call.received, 486)
    alice:expect_final(call.invite, 486)
    bob:expect "ACK"
end)

each_way("reliable provisional responses", function(t, alice, bob)
    local call = dialog.begin(alice, bob, { headers = { { "Supported", "100rel" } }, body = dialog.offer })
    t:equal(call.received:get "Supported", "100rel")
    progress_reliably(t, call, 1)
    progress_reliably(t, call, 2)
    call:accept()
    call:ask(alice, "BYE")
end)

each_way("a PRACK that matches nothing is refused by the callee", function(_, alice, bob)
    local call = dialog.begin(alice, bob, { headers = { { "Supported", "100rel" } }, body = dialog.offer })
    call:progress(183, { headers = reliable, body = dialog.offer })
    call:ask(alice, "PRACK", { headers = rack(call, 7), status = 481 })
    call:ask(alice, "PRACK", { headers = rack(call) })
    call:accept()
    call:ask(alice, "BYE")
end)

each_way("UPDATE in an early dialog, by both sides", function(t, alice, bob)
    local call = dialog.begin(alice, bob, { headers = { { "Supported", "100rel" } }, body = dialog.offer })
    progress_reliably(t, call)
    for _, one in ipairs { alice, bob } do
        local received, answer = call:ask(one, "UPDATE", { body = dialog.media "sendonly",
            answer = { body = dialog.media "recvonly" } })
        t:equal(received.body, dialog.media "sendonly")
        t:equal(answer.body, dialog.media "recvonly")
    end
    call:ask(bob, "UPDATE", { body = dialog.offer, status = 491 })
    call:accept()
    for _, one in ipairs { bob, alice } do
        call:ask(one, "UPDATE", { body = dialog.offer, answer = { body = dialog.offer } })
    end
    call:ask(bob, "BYE")
end)

-- Two phones of bob behind two NATs, or behind one NAT, ring together. Each has an early dialog of its own, in which it
-- is reached; the one that accepts has the call, and the other one is cancelled.
local function fork(t, alice, first, second)
    local call = dialog.begin(alice, first, { headers = { { "Supported", "100rel" } }, body = dialog.offer })
    local other = call:fork(second)
    progress_reliably(t, call)
    progress_reliably(t, other)
    t:ok(call.answer:tag "To" ~= other.answer:tag "To", "two early dialogs")
    for _, each in ipairs { other, call } do
        for _, one in ipairs { each.callee, alice } do
            each:ask(one, "UPDATE", { body = dialog.offer, answer = { body = dialog.offer } })
        end
    end
    call:accept()
    second:reply(second:expect "CANCEL", 200, { contact = false })
    second:reply(other.received, 487)
    second:expect "ACK"
    call:ask(first, "INFO")
    call:ask(alice, "BYE")
end

host.net_test("3261-16.7.c reliable provisional responses of two forks", function(t, net, transport)
    local alice = open(net.public, "alice", transport)
    for index, places in ipairs { { net.desk, net.remote }, { net.desk, net.cell } } do
        local phones = {}
        for number, place in ipairs(places) do
            phones[number] = place:open { user = "bob" .. index, transport = transport }
            phones[number]:register { instance = ua.instance(number), supported = false }
        end
        fork(t, alice, phones[1], phones[2])
        fork(t, alice, phones[2], phones[1])
    end
end)

tap.done()
