-- SPDX-License-Identifier: BSD-2-Clause
-- The same policies and the same calls in both hosts: hooks are given the same decisions in the same order, and callers
-- hear the same. What hooks see is compared in full, except for times and addresses.
local tap = require "tap"
local example = require "example"
local host = require "host"
local ua = require "ua"

local one, two = ua.instance(1), ua.instance(2)

-- Stands before each policy: a line for each entry of a hook. What a hook returns is the policy's own.
local watcher = [[
local function words(...)
    local list = {}
    for index, value in ipairs { ... } do list[index] = tostring(value) end
    return table.concat(list, " ")
end

local function watch_decision(name, f)
    return function(reply, call, d)
        sip_log("decided %s", words(name, call.method, call.aor, reply.origin, reply.code, reply.phrase,
            reply.reg_id or "-", reply.flows_left, reply.targets_left, reply.provisional_seen, reply.in_dialog,
            reply.retry_after or "-", reply.instance or "-", reply.flow and "flow" or "-",
            reply.destination and "destination" or "-", reply.branches, "->", d.action, d.rule, d.code,
            d.status or "-", d.drop or "-", d.rest or "-", d.wait_min, d.wait_max, d.flows_left, d.targets_left, d.why))
        return f(reply, call, d)
    end
end

local function watch_exhausted(f)
    return function(call, reply)
        sip_log("decided %s", words("exhausted", call.method, call.aor, reply.origin, reply.code,
            reply.provisional_seen, reply.branches, reply.retry_after or "-"))
        return f(call, reply)
    end
end

local function watch_request(name, f)
    return function(call)
        sip_log("decided %s", words(name, call.method, call.aor, call.from, call.source:match "^%a+"))
        return f(call)
    end
end

local function watch_flow(name, f)
    return function(flow)
        sip_log("decided %s", words(name, flow.instance, flow.reg_id, flow.reason or "-"))
        return f(flow)
    end
end
]]

-- Hooks of a policy, each watched: on.response(486, f), on.request("INVITE", f), on.register(f)...
local registration = [[
local on = {}
function on.response(what, f) sip_on_response(what, watch_decision("response", f)) end
function on.flow_failed(f) sip_on_flow_failed(watch_decision("flow_failed", f)) end
function on.exhausted(f) sip_on_exhausted(watch_exhausted(f)) end
function on.request(method, f) sip_on_request(method, watch_request("request", f)) end
function on.register(f) sip_on_register(watch_request("register", f)) end
function on.flow_up(f) sip_on_flow_up(watch_flow("up", f)) end
function on.flow_down(f) sip_on_flow_down(watch_flow("down", f)) end
]]

-- Every decision is watched, none is changed.
local observer = [[
for _, class in ipairs { "1xx", "2xx", "3xx", "4xx", "5xx", "6xx" } do on.response(class, function() end) end
on.exhausted(function() end)
on.register(function() end)
on.request("INVITE", function() end)
on.flow_up(function() end)
on.flow_down(function() end)
]]

local verdicts = [[
on.register(function(call)
    if call.aor:find "mallory" then return sip_reply(403, "Not You") end
    if call.aor:find "first" then return sip_reply(439) end
end)
on.response(486, function(reply, call)
    if call.aor:find "voicemail" then return sip_reply(430) end
    return sip_relay("sip:voicemail@example.test")
end)
on.response(480, function() return sip_fail(404) end)
on.response(503, function() return sip_retry_after(7) end)
on.response(603, function() return sip_relay("sip:voicemail@example.test") end)
on.exhausted(function() end)
on.flow_down(function() end)
]]

-- The lines of the watcher in a host's log: those of requests in their order, then those of flows, which Kamailio's
-- processes write after the response has been sent.
local function decided(s)
    local list, flows = {}, {}
    for line in (s.log or s.err):gmatch "[^\n]+" do
        local what = line:match "decided (.*)$"
        local into = what and (what:find "^up" or what:find "^down") and flows or list
        into[#into + 1] = what and what:gsub("%d+%.%d+%.%d+%.%d+:%d+", "ADDRESS") or nil
    end
    table.sort(flows)
    return table.move(flows, 1, #flows, #list + 1, list), flows
end

--- Calls: each returns what was heard, in words

-- Not the phrase: tm forgets the responses from before a branch that a failure route has added, and then its own phrase
-- for the status goes up (module/kamailio/README.md, failure_reply_mode).
local function heard(answer)
    local words = { answer.status, answer:get "Retry-After" or "-", #answer:values "Contact" }
    for index, word in ipairs(words) do
        words[index] = tostring(word)
    end
    return table.concat(words, " ")
end

local two_flows = require("flows").two

local function two_instances(open)
    local desk, cell = open("bob"), open("bob")
    desk:register { instance = one, reg_id = 1, q = "1.0" }
    cell:register { instance = two, reg_id = 1, q = "0.5" }
    return desk, cell, open("alice")
end

-- Bob's first phone answers so; the second one, if it is called, accepts.
local function answered_with(status, options, phones)
    return function(open)
        local first, second, alice = (phones or two_flows)(open)
        local call = alice:invite(first.aor)
        first:reply(first:expect "INVITE", status, options)
        local invite = second:receive(function(received)
            return received.method == "INVITE"
        end, 0)
        local answer
        repeat
            answer = alice:receive(function(received)
                return received.status and received.status >= 200
            end, 50)
            invite = invite or second:receive(function(received)
                return received.method == "INVITE"
            end, 50)
            if invite then
                second:reply(invite, 200)
                answer = alice:expect_final(call, 200)
            end
        until answer
        return heard(answer), invite and "second" or "first"
    end
end

local calls = {}

function calls.answered(open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 180)
    alice:expect(180)
    bob:reply(invite, 200)
    return heard(alice:expect_final(call, 200))
end

calls.busy = answered_with(486)
calls.flow_gone = answered_with(430)
calls.not_here = answered_with(480, { headers = { { "Retry-After", "30" } } }, two_instances)
calls.unavailable = answered_with(503, { headers = { { "Retry-After", "1" } } }, two_instances)
calls.declined = answered_with(603, nil, two_instances)
calls.moved = answered_with(302, { contact = "<sip:elsewhere@192.0.2.9>" })
calls.unknown_code = answered_with(499)

function calls.silent(open)
    local first, second, alice = two_flows(open)
    local call = alice:invite(first.aor)
    first:expect "INVITE"
    second:reply(second:expect "INVITE", 486)
    return heard(alice:expect_final(call))
end

function calls.given_up(open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 180)
    alice:expect(180)
    alice:cancel(call)
    bob:reply(bob:expect "CANCEL", 200)
    bob:reply(invite, 487)
    return heard(alice:expect_final(call, 487))
end

function calls.nobody(open)
    local alice = open("alice")
    return heard(alice:expect_final(alice:invite("sip:nobody@example.test")))
end

-- A connection that carries a plain binding and then a flow dies.
function calls.flow_dies(open, s)
    local bob = open("bob", { transport = "tcp" })
    bob:register { contact = "<sip:bob@a1b2.invalid>" }
    bob:register { instance = one, reg_id = 1 }
    bob:close()
    assert(ua.wait.until_true(30000, function()
        return (select(2, decided(s))[1] or ""):find "^down"
    end), "no hook was told that the flow is down")
end

function calls.registers(open)
    local list = {}
    for index, user in ipairs { "mallory", "first", "carol" } do
        list[index] = heard(open(user):register { instance = one, reg_id = 1, expect = false })
    end
    return table.concat(list, "; ")
end

--- Both hosts

local function counted(s)
    local function number(ours, kamailios)
        return s.kind == "kamailio" and s:statistic("reflow:" .. kamailios) or s:number(ours)
    end
    return ("verdicts %d, refused %d"):format(number("verdicts", "verdicts"),
        number("verdicts_refused", "verdicts_refused"))
end

local function run(t, kind, policy, call)
    local s = host.start(t, kind, { policy = policy, answer_timeout = 1280, names = { "example.test" } })
    local open = host.opener(s, "udp")
    local result = table.pack(call(function(user, more)
        local flow = open(user, more)
        t:defer(function()
            flow:close()
        end)
        return flow
    end, s))
    for index = 1, result.n do
        result[index] = tostring(result[index])
    end
    result[#result + 1] = counted(s)
    s:stop()
    return table.concat(result, " | "), (decided(s))
end

local function compare(t, policy, call)
    local ours, our_lines = run(t, "standalone", policy, call)
    local theirs, their_lines = run(t, "kamailio", policy, call)
    t:equal(theirs, ours)
    for index = 1, math.max(#our_lines, #their_lines) do
        t:equal(their_lines[index], our_lines[index])
    end
    return ours, our_lines
end

local names = {}
for name in pairs(calls) do
    names[#names + 1] = name
end
table.sort(names)

for _, name in ipairs(names) do
    tap.test(("decisions are equal in both hosts: %s, watched"):format(name), function(t)
        local _, lines = compare(t, watcher .. registration .. observer, calls[name])
        t:ok(#lines > 0, "no hook was entered")
    end)
    tap.test(("decisions are equal in both hosts: %s, with verdicts"):format(name), function(t)
        compare(t, watcher .. registration .. verdicts, calls[name])
    end)
end

-- Examples are compared by what callers hear and by their own lines.
for _, path in ipairs { "examples/registrar.lua", "examples/policies/log_failed_flows.lua",
    "examples/policies/second_instance.lua", "examples/policies/voicemail.lua" } do
    for _, name in ipairs { "answered", "busy", "flow_gone", "unavailable", "declined" } do
        tap.test(("decisions are equal in both hosts: %s, %s"):format(name, path), function(t)
            compare(t, example.read(path, {}), calls[name])
        end)
    end
end

tap.done()
