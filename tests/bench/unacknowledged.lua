-- SPDX-License-Identifier: BSD-2-Clause
-- Phones with two flows over TCP, in network namespaces (5626-7.i). One flow loses every packet: how long until the
-- INVITE arrives over the other one? And over a slow path with jitter and loss: is a living flow aborted?
-- BENCH_CALLS: of each kind (10000).
package.path = "tests/e2e/support/?.lua;" .. package.path
local lab = require "lab"
local ua = require "ua"

local count = tonumber(os.getenv "BENCH_CALLS") or 10000
local phones <const> = 100 -- calls at a time

local function run(options, body)
    local deferred = {}
    local t = { defer = function(_, f)
        deferred[#deferred + 1] = f
    end }
    local net = lab.open(t, options)
    body(net, net:serve { status = true, args = { "--trust", "0.0.0.0/0", "--flow-timer", "0" } })
    for index = #deferred, 1, -1 do
        deferred[index]()
    end
end

-- A phone's flow. `near` is called first.
local function open(host, number, near)
    local flow = host:open { user = "bob" .. number, transport = "tcp", instance = ua.instance(number),
        reg_id = near and 1 or 2 }
    flow:register { q = near and "1.0" or "0.5" }
    return flow
end

local function percentile(times, share)
    table.sort(times)
    return times[math.max(1, math.ceil(#times * share))]
end

local function figure(what, value, baseline, target, reached)
    print(("%s\t%s\t%s\t\t%s\t%s"):format(what, value, baseline, target, reached and "reached" or "missed"))
end

-- Counts the INVITEs that have come to a phone, and how many times it rings: for each with a branch that it does not
-- know yet (RFC 3261 17.2.3).
local function count_rings(counts, near, far, first)
    local known, invite = {}, first
    while invite do
        counts.copies = counts.copies + 1
        counts.rings = counts.rings + (known[invite:branch()] and 0 or 1)
        known[invite:branch()] = true
        invite = near:receive("INVITE", 0) or far:receive("INVITE", 0)
    end
end

-- One call to each phone, whose first flow has lost its packets to and from it. Adds to `counts` what has come.
local function call_over_dead_flows(net, alice, far, lost, counts)
    local near, requests, times = {}, {}, counts.times
    for number = 1, phones do
        near[number] = open(net.public, number, true)
    end
    net.public:lose(table.unpack(lost))
    for number = 1, phones do
        requests[number] = alice:invite(far[number].aor)
    end
    for number, request in ipairs(requests) do
        local invite = far[number]:expect "INVITE"
        times[#times + 1] = (invite.at - request.sent_at) / 1e6
        far[number]:reply(invite, 486)
        alice:expect_final(request, 486)
        requests[number] = invite
    end
    net.public:lose(0)
    for number, invite in ipairs(requests) do
        near[number]:close()
        count_rings(counts, near[number], far[number], invite)
    end
end

local function dead_flows(net, lost, calls)
    local alice, far, counts = net.trunk:open { user = "alice" }, {}, { times = {}, copies = 0, rings = 0 }
    for number = 1, phones do
        far[number] = open(net.cell, number, false)
    end
    while #counts.times < calls do
        call_over_dead_flows(net, alice, far, lost, counts)
    end
    return counts
end

local function loss_in_both_directions(net, server)
    local counts = dead_flows(net, { 100 }, count)
    local calls, p99, aborted = #counts.times, percentile(counts.times, 0.99), server:number "unacknowledged"
    figure(("one of two flows loses every packet: INVITE on the other, p99 of %d"):format(calls),
        ("%.0f ms"):format(p99), "", "1000 ms", p99 <= 1000)
    figure("the same, median", ("%.0f ms"):format(percentile(counts.times, 0.5)), "", "", true)
    figure("the same, times that phones rang", counts.rings, counts.copies .. " INVITEs", tostring(calls),
        counts.rings == calls)
    figure("the same, connections aborted", aborted, "", tostring(calls), aborted == calls)
end

local function loss_from_the_phone(net)
    local counts = dead_flows(net, { 0, 100 }, count / 10)
    local calls = #counts.times
    figure(("one of two flows loses every packet from the phone: times that phones rang in %d calls"):format(calls),
        counts.rings, counts.copies .. " INVITEs", tostring(calls), counts.rings == calls)
end

-- One call after the other to each phone, until each had its share.
local function slow_path(net, server)
    local alice, pending, refused, left = net.trunk:open { user = "alice" }, {}, { [486] = 0, [603] = 0 }, {}
    local function start(phone)
        left[phone] = left[phone] - 1
        local request = alice:invite(phone.aor)
        pending[request:get "Call-ID"] = { phone = phone, request = request }
    end
    for number = 1, phones do
        local near, far = open(net.public, number, true), open(net.cell, number, false)
        near:serve { INVITE = 486 }
        far:serve { INVITE = 603 }
        left[near] = count // phones
    end
    for phone in pairs(left) do
        start(phone)
    end
    while next(pending) do
        local answer = alice:expect("final", 120000)
        local call = pending[answer:get "Call-ID"]
        if call then
            pending[answer:get "Call-ID"] = nil
            refused[answer.status] = (refused[answer.status] or 0) + 1
            alice:same_transaction("ACK", call.request, answer)
            if left[call.phone] > 0 then
                start(call.phone)
            end
        end
    end
    local calls = count // phones * phones
    figure(("round trips of 600 ms, jitter 300 ms, loss 2 %%: calls over the first flow, of %d"):format(calls),
        refused[486], "", tostring(calls), refused[486] == calls)
    figure("the same, living connections aborted", server:number "unacknowledged", "", "0",
        server:number "unacknowledged" == 0)
end

run({}, loss_in_both_directions)
run({}, loss_from_the_phone)
run({ delays = { public = { 300, 150, 2 } } }, slow_path)
-- Closing the state with the loop in it would not end well.
os.exit(0)
