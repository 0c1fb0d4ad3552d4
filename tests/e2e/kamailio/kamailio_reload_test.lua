-- SPDX-License-Identifier: BSD-2-Clause
-- Policies are reloaded while calls run over many workers. tests/bench/kamailio_reload.lua is the same at full size.
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test

-- Without the policy, the caller would hear 486.
local function policy(number)
    return ([[
sip_on_response(486, function() return sip_relay("sip:carol@example.test") end)
version = %d
]]):format(number)
end

-- A caller that keeps so many calls going, each INVITE 200 ACK BYE 200. Returns its counters; `left` falls to 0.
local function keep_calling(caller, aor, total, at_once)
    local calls, counts = {}, { left = total, begun = 0, late = 0, failed = {} }
    local function begin()
        if counts.begun < total then
            counts.begun = counts.begun + 1
            local request = caller:invite(aor)
            calls[request:get "Call-ID"] = { request = request }
        end
    end
    local function finish(id, why)
        calls[id] = nil
        counts.left = counts.left - 1
        counts.failed[#counts.failed + 1] = why
        begin()
    end
    local function answered(call, received)
        call.answer = received
        caller:within("ACK", call.request, received)
        caller:within("BYE", call.request, received)
    end
    caller.inbox = setmetatable({}, { __newindex = function(_, _, received)
        local id = received:get "Call-ID"
        local call, _, method = calls[id], received:cseq()
        if not call or not received.status or received.status == 100 then
            return
        elseif method == "BYE" then
            finish(id, received.status ~= 200 and "BYE " .. received.status or nil)
        elseif received.status < 200 then
            counts.late = counts.late + (call.answer and 1 or 0)
        elseif received.status < 300 and not call.answer then
            answered(call, received)
        elseif received.status >= 300 then
            caller:same_transaction("ACK", call.request, received)
            finish(id, "INVITE " .. received.status)
        end
    end })
    for _ = 1, at_once do
        begin()
    end
    return counts
end

test("no call fails while the policy is reloaded in many workers", function(t)
    local total, path = 400, server.temporary ".lua"
    t:defer(function()
        os.remove(path)
    end)
    server.write(path, policy(0))
    local host = kamailio.start(t, { children = 8, memory = 64, params = { { "reflow", "policy", path },
        { "reflow", "policy_load_time", 30000 }, { "tm", "wt_timer", 1000 } } })
    local function open(user)
        return ua.open { port = host.port, user = user, domain = host.domain }
    end
    local bob, carol, alice = open "bob", open "carol", open "alice"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    carol:register { instance = ua.instance(2), reg_id = 1 }
    bob:serve { INVITE = 486, ACK = function() end }
    carol:serve { ACK = function() end, BYE = 200, INVITE = function(self, invite)
        self:reply(invite, 180)
        self:reply(invite, 200)
    end }
    local counts, reloads = keep_calling(alice, bob.aor, total, 10), 0
    while counts.left > 0 and reloads < 200 do
        server.write(path, policy(reloads + 1))
        local answer = assert(host:rpc "reflow.reload")
        t:match(answer, ("version: %d\n"):format(reloads + 2))
        reloads = reloads + 1
    end
    t:ok(ua.wait.until_true(2 * ua.patience, function()
        return counts.left == 0
    end), counts.left .. " calls have not ended")
    t:equal(table.concat(counts.failed, ", "), "")
    t:ok(reloads >= 2, reloads .. " reloads during the calls")
    t:equal(host:statistic "reflow:policy_reloads", reloads)
    -- A worker of Kamailio may send a 180 after the 200 of another one. Callers ignore it (RFC 3261 section 17.1.1.2).
    print(("# %d calls, %d reloads, %d provisional responses after the final one"):format(total, reloads, counts.late))
end)

tap.done()
