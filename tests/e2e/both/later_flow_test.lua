-- SPDX-License-Identifier: BSD-2-Clause
-- Flows that an instance registers while a call to it waits (5626-7.b): they are tried when those that the call began
-- with have failed.
local tap = require "tap"
local ua = require "ua"
local host = require "host"
local flows = require "flows"

local test = host.test
local over_tcp = { transports = { "tcp" } }
local one, two = ua.instance(1), ua.instance(2)

-- A call that waits on the first of two flows of one instance. Returns the flows, the caller, the call, the INVITE.
local function call_two(open)
    local first, second, caller = flows.two(open)
    local call = caller:invite(first.aor)
    return first, second, caller, call, first:expect "INVITE"
end

local function register(open, reg_id, more)
    local flow = open "bob"
    flow:register { instance = more and more.instance or one, reg_id = reg_id, q = more and more.q or "0.1" }
    return flow
end

local function answer(flow, caller, call)
    flow:reply(flow:expect "INVITE", 200)
    caller:expect_final(call, 200)
    flow:expect "ACK"
end

test("5626-7.b 430 over every flow that the call began with: one registered meanwhile is tried", function(t, open)
    local first, second, caller, call, invite = call_two(open)
    local later = register(open, 3)
    first:reply(invite, 430)
    second:reply(second:expect "INVITE", 430)
    answer(later, caller, call)
    t:equal(#caller:bindings(first.aor), 1)
end)

test("5626-7.b the same where the new flow has taken the reg-id of the first", function(t, open)
    local first, second, caller, call, invite = call_two(open)
    local later = register(open, 1)
    first:reply(invite, 430)
    second:reply(second:expect "INVITE", 430)
    answer(later, caller, call)
    t:equal(#caller:bindings(first.aor), 1)
end)

test("5626-7.b the same where the call began with one flow, three times over", function(t, open)
    local flow, caller = register(open, 1), open "alice"
    local call = caller:invite(flow.aor)
    for reg_id = 2, 4 do
        local invite = flow:expect "INVITE"
        local later = register(open, reg_id % 2 + 1)
        flow:reply(invite, 430)
        flow = later
    end
    answer(flow, caller, call)
    t:equal(#caller:bindings(flow.aor), 1)
end)

test("5626-7.b the same for a MESSAGE", function(_, open)
    local first, second, caller = flows.two(open)
    local message = caller:request("MESSAGE", { uri = first.aor, contact = false })
    local got = first:expect "MESSAGE"
    local later = register(open, 3)
    first:reply(got, 430)
    second:reply(second:expect "MESSAGE", 430)
    later:reply(later:expect "MESSAGE", 200)
    caller:expect_final(message, 200)
end)

test("5626-11.5.a 5626-7.g a flow registered meanwhile fails too: 480, and no binding is left", function(_, open)
    local first, second, caller, call, invite = call_two(open)
    local later = register(open, 1)
    first:reply(invite, 430)
    second:reply(second:expect "INVITE", 430)
    later:reply(later:expect "INVITE", 430)
    caller:expect_final(call, 480)
    caller:expect_bindings(first.aor, 0)
end)

test("5626-7.c 430, then 486: a flow registered meanwhile is not tried", function(_, open)
    local first, second, caller, call, invite = call_two(open)
    local later = register(open, 3)
    first:reply(invite, 430)
    second:reply(second:expect "INVITE", 486)
    caller:expect_final(call, 486)
    later:expect_none("INVITE", 150)
end)

test("5626-7.b another instance that registered meanwhile is no replacement", function(_, open)
    local first, second, caller, call, invite = call_two(open)
    local tablet = register(open, 1, { instance = two })
    first:reply(invite, 430)
    second:reply(second:expect "INVITE", 430)
    caller:expect_final(call, 480)
    tablet:expect_none("INVITE", 150)
end)

test("5626-7.d nothing comes over the only flow: one registered meanwhile is tried", { answer_timeout = 2560 },
    function(_, open)
    local first, caller = register(open, 1), open "alice"
    local call = caller:invite(first.aor)
    first:expect "INVITE"
    answer(register(open, 1), caller, call)
end)

test("5626-7.d 408 after 180: a flow registered meanwhile is not tried", function(_, open)
    local first, caller = register(open, 1), open "alice"
    local call = caller:invite(first.aor)
    local invite = first:expect "INVITE"
    first:reply(invite, 180)
    caller:expect(180)
    local later = register(open, 2)
    first:reply(invite, 408)
    caller:expect_final(call, 408)
    later:expect_none("INVITE", 150)
end)

-- Every order in which the two flows of a call can close, and which of them the new one replaces.
for _, order in ipairs { "first", "second" } do
    for reg_id = 1, 3 do
        test(("5626-7.b both flows close, the %s one first; reg-id %d was registered anew"):format(order, reg_id),
            over_tcp, function(_, open)
            local first, second, caller, call = call_two(open)
            local later = register(open, reg_id)
            if order == "first" then
                first:close()
                if reg_id ~= 2 then -- else the call has gone over to the new one already
                    second:expect "INVITE"
                end
                second:close()
            else
                second:close()
                first:close()
            end
            answer(later, caller, call)
            caller:expect_bindings(first.aor, 1)
        end)
    end
end

test("5626-7.h the new flow closes too, and a still newer one is tried", over_tcp, function(_, open)
    local first, second, caller, call = call_two(open)
    local later = register(open, 1)
    second:close()
    first:close()
    later:expect "INVITE"
    local last = register(open, 2)
    later:close()
    answer(last, caller, call)
end)

test("3261-9.a 5626-7.h the flow closes after 180: CANCEL goes over the one registered meanwhile", over_tcp,
    function(_, open, s)
    local first, caller = register(open, 1), open "alice"
    local call = caller:invite(first.aor)
    local invite = first:expect "INVITE"
    first:reply(invite, 180)
    caller:expect(180)
    local later = register(open, 2)
    first:close()
    ua.wait.until_true(ua.patience, function()
        return #caller:bindings(first.aor) == 1
    end)
    if s.kind == "kamailio" then
        ua.wait.until_true(ua.patience, function() -- the same process informs the branch of it, before
            return s:statistic "reflow:flows_down" == 1
        end)
    end
    caller:cancel(call)
    local cancel = later:expect "CANCEL"
    later:reply(cancel, 200)
    later:reply(invite, 487)
    caller:expect_final(call, 487)
end)

tap.done()
