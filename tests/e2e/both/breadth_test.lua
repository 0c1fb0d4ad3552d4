-- SPDX-License-Identifier: BSD-2-Clause
-- Max-Breadth (RFC 5393 section 5) and limits on what requests make the server send, on the wire of both hosts.
local host = require "host"
local kamailio = require "kamailio"
local tap = require "tap"
local ua = require "ua"

local over_tcp = { transports = { "tcp" }, policy = "sip_on_request(function() end)" }

local function phones(open, count)
    local list = {}
    for index = 1, count do
        list[index] = open "bob"
        list[index]:register { instance = ua.instance(index), reg_id = 1 }
    end
    return list
end

local function invite(caller, aor, breadth)
    return caller:invite(aor, { headers = breadth and { { "Max-Breadth", breadth } } })
end

local function breadth_of(t, request)
    t:equal(#request:all "Max-Breadth", 1)
    return tonumber(request:get "Max-Breadth")
end

-- Those of the phones that have an INVITE within `ms`, in order, with it.
local function ringing(list, ms)
    local found = {}
    for _, phone in ipairs(list) do
        local request = phone:receive("INVITE", ms)
        if request then
            found[#found + 1] = { phone = phone, request = request }
        end
    end
    return found
end

host.test("5393-5.a Max-Breadth is divided among parallel branches", over_tcp, function(t, open)
    local list, alice = phones(open, 3), open "alice"
    local call = invite(alice, list[1].aor)
    local sum = 0
    for _, phone in ipairs(list) do
        local request = phone:expect "INVITE"
        local share = breadth_of(t, request)
        t:ok(share >= 20, share)
        sum = sum + share
        phone:reply(request, 486)
    end
    t:equal(sum, 60)
    alice:expect_final(call, 486)
end)

host.test("5393-5.a a single branch gets the whole value", over_tcp, function(t, open)
    local list, alice = phones(open, 1), open "alice"
    for _, row in ipairs { { nil, 60 }, { "7", 7 }, { "1000", 60 }, { "many", 60 } } do
        local call = invite(alice, list[1].aor, row[1])
        local request = list[1]:expect "INVITE"
        t:equal(breadth_of(t, request), row[2])
        list[1]:reply(request, 486)
        alice:expect_final(call, 486)
    end
end)

host.test("5393-5.a a share is kept for a target that a policy may add",
    { transports = { "tcp" }, policy = "sip_on_response(180, function() end)" }, function(t, open)
        local list, alice = phones(open, 1), open "alice"
        local call = invite(alice, list[1].aor)
        local request = list[1]:expect "INVITE"
        t:equal(breadth_of(t, request), 30)
        list[1]:reply(request, 486)
        alice:expect_final(call, 486)
    end)

host.test("5393-5.a targets in sequence where Max-Breadth does not suffice", function(t, open)
    local list, alice = phones(open, 3), open "alice"
    local call = invite(alice, list[1].aor, "1")
    local left = { table.unpack(list) }
    for turn = 1, 3 do
        local found
        ua.wait.until_true(ua.patience, function()
            found = ringing(left, 0)
            return #found > 0
        end)
        t:equal(#found, 1, "turn " .. turn)
        t:equal(breadth_of(t, found[1].request), 1)
        t:equal(#ringing(left, 50), 0)
        found[1].phone:reply(found[1].request, 486)
        for index, phone in ipairs(left) do
            if phone == found[1].phone then
                table.remove(left, index)
                break
            end
        end
    end
    alice:expect_final(call, 486)
end)

host.test("5393-5.a 440 if nothing can be forwarded", over_tcp, function(_, open)
    local list, alice = phones(open, 2), open "alice"
    alice:expect_final(invite(alice, list[1].aor, "0"), 440)
    list[1]:expect_none("INVITE", 100)
end)

host.test("5626-7.b the flow that replaces a failed one has its share", over_tcp, function(t, open)
    local first, second, alice = open "bob", open "bob", open "alice"
    first:register { instance = ua.instance(1), reg_id = 1 }
    second:register { instance = ua.instance(1), reg_id = 2 }
    local call = invite(alice, first.aor, "1")
    local found
    ua.wait.until_true(ua.patience, function()
        found = ringing({ first, second }, 0)
        return #found > 0
    end)
    found[1].phone:reply(found[1].request, 430)
    local other = found[1].phone == first and second or first
    local request = other:expect "INVITE"
    t:equal(breadth_of(t, request), 1)
    other:reply(request, 200)
    alice:expect_final(call, 200)
end)

-- A spiral is no loop: bob's calls go to carol at this server, and she has a phone.
host.test("5393-4.a calls that are forwarded to another user go on", over_tcp, function(_, open, s)
    local carol, bob, alice = open "carol", open "bob", open "alice"
    local here = "127.0.0.1:" .. s.port
    carol:register { uri = "sip:" .. here, aor = "sip:carol@127.0.0.1", instance = ua.instance(1), reg_id = 1 }
    bob:register { uri = "sip:" .. here, aor = "sip:bob@127.0.0.1",
        contact = ("<sip:carol@%s;transport=tcp>"):format(here) }
    bob:close()
    local call = alice:invite("sip:bob@" .. here)
    local request = carol:expect "INVITE"
    carol:reply(request, 200)
    alice:expect_final(call, 200)
end)

-- --- Kamailio's shared memory ---

local function start(t, params, memory)
    params[#params + 1] = { "usrloc", "use_domain", 1 }
    local k = kamailio.start(t, { params = params, memory = memory })
    return k, host.opener(k, "tcp")
end

-- Calls an AOR whose phones are busy. Returns the final answer.
local function call_busy(caller, list)
    local call, answer = invite(caller, list[1].aor), nil
    local id = call:get "Call-ID"
    assert(ua.wait.until_true(ua.patience, function()
        for _, found in ipairs(ringing(list, 0)) do
            found.phone:reply(found.request, 486)
        end
        answer = caller:receive(function(received)
            return received.status and received.status >= 200 and received:get "Call-ID" == id
        end, 0)
        return answer
    end), "no final answer")
    caller:same_transaction("ACK", call, answer)
    return answer
end

tap.test("below shm_reserve no forking begins, and other calls go on [kamailio]", function(t)
    -- Kamailio itself takes 5 MB at start: 1.7 MB are left for bindings.
    local k, open = start(t, { { "reflow", "shm_reserve", 90 } }, 64)
    local list, alice, dave = phones(open, 2), open "alice", open "dave"
    dave:register { instance = ua.instance(9), reg_id = 1 }
    t:equal(call_busy(alice, list).status, 486)
    -- Bindings with long Contacts, until so much of the memory is in use that no more are made.
    local answer
    for round = 1, 100 do
        for index = 1, 50 do
            local user = ("filler%d_%d"):format(round, index)
            alice:register { aor = "sip:" .. user .. "@example.test", call_id = user, cseq = 1,
                expect = false, contact = ("<sip:%s@127.0.0.1:5;x=%s>"):format(user, ("x"):rep(900)) }
        end
        answer = call_busy(alice, list)
        if answer.status ~= 486 then
            break
        end
    end
    t:equal(answer.status, 503)
    t:equal(answer:get "Retry-After", "10")
    t:ok(k:statistic "reflow:overloaded" >= 1)
    alice:call(dave)
end)

tap.test("limits on client transactions in total [kamailio]", function(t)
    local k, open = start(t, { { "reflow", "max_client_transactions", 1 } })
    local list, alice, carol = phones(open, 1), open "alice", open "carol"
    local call = invite(alice, list[1].aor)
    local request = list[1]:expect "INVITE"
    local refused = invite(carol, list[1].aor)
    local answer = carol:expect_final(refused, 503)
    t:equal(answer:get "Retry-After", "10")
    t:equal(k:statistic "reflow:load_total", 1)
    list[1]:reply(request, 486)
    alice:expect_final(call, 486)
end)

-- tm keeps a transaction for seconds after its end: what is in flight is only what has no final response.
tap.test("Kamailio: calls that have ended do not count towards max_client_transactions", function(t)
    local k = start(t, { { "reflow", "max_client_transactions", 2 } })
    local open = host.opener(k, "tcp")
    local bob, alice = open "bob", open "alice"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    for _ = 1, 4 do
        alice:call(bob)
        local busy = alice:invite(bob.aor)
        bob:reply(bob:expect "INVITE", 486)
        alice:expect_final(busy, 486)
    end
    for _ = 1, 2 do
        alice:invite(bob.aor)
        bob:expect "INVITE"
    end
    alice:expect_final(alice:invite(bob.aor), 503)
end)

tap.done()
